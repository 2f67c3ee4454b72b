// @ts-check
/** The call page: the door, the call, the goodbye.  Ties devices, signalling, peers and tiles together. */

import { Devices, explain, watchLevel } from "./devices.js";
import { announce, element, hasText, show, text } from "./page.js";
import { Publisher, Subscriber } from "./peers.js";
import { Refusal, Signalling } from "./protocol.js";
import { Tiles, nameOf } from "./tiles.js";

/**
 * @typedef {import("./protocol.js").Welcome} Welcome
 * @typedef {import("./protocol.js").Message} Message
 * @typedef {import("./protocol.js").Participant} Participant
 * @typedef {import("./devices.js").Device} Device
 */

const IN_CALL = "balie.in-call";
const TOKEN = "balie.token";

const tokenPath = element("main", HTMLElement).dataset.tokenPath ?? "";
const devices = new Devices();
const tiles = new Tiles(() => (element("unblock", HTMLButtonElement).hidden = false));
/** @type {Signalling | null} */
let signalling = null;
/** @type {Publisher | null} */
let publisher = null;
/** @type {Subscriber | null} */
let subscriber = null;
/** @type {Welcome["can"]} */
let can = { publish: [], subscribe: false, moderate: false };
/** @type {Participant | null} */
let me = null;
/** @type {MediaStreamTrack | null} */
let screenTrack = null;
let micOn = true;
let cameraOn = true;
let away = false;
let stopMeter = () => {};
/** @type {WakeLockSentinel | null} */
let wakeLock = null;

/** A join token: from the personal link, or from the address's fragment, which no server sees. */
async function getToken() {
  if (!tokenPath) {
    const token = location.hash.slice(1) || sessionStorage.getItem(TOKEN) || "";
    if (!token) throw new Refusal("token_invalid");
    sessionStorage.setItem(TOKEN, token);
    history.replaceState(null, "", location.pathname);
    return token;
  }
  const response = await fetch(tokenPath, { method: "POST", cache: "no-store" });
  if (response.ok) return String((await response.json()).token);
  if (response.status >= 500) throw new Error("try again");
  throw new Refusal(response.status === 410 ? "token_expired" : "token_invalid");
}

/** @param {string} words */
function status(words) {
  const place = element("status", HTMLParagraphElement);
  if (place.textContent !== words) place.textContent = words;
}

/** @param {string} words */
function doorStatus(words) {
  element("door-status", HTMLParagraphElement).textContent = words;
}

// -- the door --------------------------------------------------------------------------------------

async function openDoor() {
  const message = element("preview-message", HTMLParagraphElement);
  const slow = window.setTimeout(() => (message.textContent = text("allow")), 800);
  const problem = await devices.open();
  clearTimeout(slow);
  await devices.list();
  const { camera, microphone } = devices.tracks;
  element("preview", HTMLVideoElement).srcObject = camera ? new MediaStream([camera]) : null;
  message.textContent = camera ? "" : text(microphone ? "without_camera" : "without_devices");
  doorStatus(problem || text("ready"));
  element("retry", HTMLButtonElement).hidden = !problem;
  stopMeter();
  stopMeter = () => {};
  if (microphone) {
    const meter = element("level", HTMLMeterElement);
    stopMeter = watchLevel(microphone, (level) => (meter.value = level));
  }
}

function enter() {
  element("enter", HTMLButtonElement).disabled = true;
  sessionStorage.setItem(IN_CALL, tokenPath || "fragment");
  stopMeter();
  show("call");
  element("call-title", HTMLHeadingElement).focus();
  status(text("joining"));
  void keepAwake();
  signalling = new Signalling(getToken, { welcome: welcomed, message: heard, lost, refused });
  void signalling.open();
}

// -- the session -------------------------------------------------------------------------------------

/** @param {Welcome} welcome */
function welcomed(welcome) {
  me = welcome.you;
  can = welcome.can;
  const known = new Set(welcome.participants.map(({ id }) => id));
  for (const id of [...tiles.people.keys()]) if (!known.has(id)) tiles.gone(id);
  for (const person of welcome.participants) tiles.person(person);
  if (welcome.resumed && publisher && subscriber) {
    publisher.resumed();
    subscriber.resumed();
    sayState();
    return;
  }
  closePeers();
  const line = /** @type {Signalling} */ (signalling);
  publisher = new Publisher(line, welcome.ice_servers, sayState);
  subscriber = new Subscriber(line, welcome.ice_servers, (all) => tiles.show(all), sayState);
  element("share", HTMLButtonElement).hidden =
    !can.publish.includes("screen") || !navigator.mediaDevices?.getDisplayMedia;
  void publishAll();
  sayState();
}

async function publishAll() {
  const { camera, microphone } = devices.tracks;
  if (!publisher || !me) return;
  if (microphone && can.publish.includes("microphone")) await publisher.set("microphone", microphone);
  if (camera && can.publish.includes("camera")) await publisher.set("camera", camera);
  if (screenTrack && can.publish.includes("screen")) await publisher.set("screen", screenTrack);
  tiles.own(cameraOn ? camera : null, me.name);
  if (!micOn) signalling?.send({ type: "mute", source: "microphone", muted: true });
  if (!cameraOn) signalling?.send({ type: "mute", source: "camera", muted: true });
  paintControls();
}

/** @param {Message} message */
function heard(message) {
  switch (message.type) {
    case "published":
      void publisher?.answered(/** @type {any} */ (message));
      break;
    case "subscribe":
      subscriber?.offered(/** @type {any} */ (message));
      break;
    case "joined":
      tiles.person(message.participant);
      announce(text("joined", { name: nameOf(message.participant) }));
      sayState();
      break;
    case "left": {
      const person = tiles.people.get(message.participant);
      tiles.gone(message.participant);
      if (person && message.reason !== "replaced") announce(text("left", { name: person.name }));
      sayState();
      break;
    }
    case "updated":
      updated(message.participant);
      break;
    case "speakers":
      tiles.speakers(message.participants);
      break;
    case "connection":
      if (message.state === "failed") signalling?.rejoin();
      break;
    case "bye":
      if (message.reason === "draining") status(text("bye_draining"));
      else end(text(`bye_${message.reason}`));
      break;
  }
}

/** @param {Participant} person */
function updated(person) {
  const find = (/** @type {Participant | null | undefined} */ who, /** @type {string} */ source) =>
    who?.sources.find((each) => each.source === source);
  if (person.id === me?.id) {
    if (find(person, "microphone")?.muted && micOn) {
      setMicrophone(false);
      announce(text("you_muted_by_staff"));
    }
    me = person;
    return;
  }
  const before = tiles.people.get(person.id);
  tiles.person(person);
  const was = find(before, "microphone")?.muted;
  const is = find(person, "microphone")?.muted;
  if (was !== undefined && is !== undefined && was !== is) announce(text(is ? "muted" : "unmuted", { name: person.name }));
  const shared = Boolean(find(before, "screen"));
  const shares = Boolean(find(person, "screen"));
  if (shared !== shares) announce(text(shares ? "sharing" : "sharing_stopped", { name: person.name }));
}

function lost() {
  away = true;
  sayState();
}

/** @param {string} code */
function refused(code) {
  end(text(hasText(`error_${code}`) ? `error_${code}` : "error_other"));
}

/** The health of the connection is a word. */
function sayState() {
  if (document.body.dataset.state !== "call") return;
  if (signalling?.socket?.readyState === WebSocket.OPEN) {
    if (away) announce(text("back"));
    away = false;
  }
  const states = [publisher?.pc, subscriber?.pc].map((pc) => pc?.connectionState ?? "new");
  document.body.dataset.connection = away ? "away" : states.join(" ");
  if (away) status(text("reconnecting"));
  else if (states.some((state) => state === "disconnected" || state === "failed")) status(text("weak"));
  else if (tiles.people.size === 0) status(text("alone"));
  else if (states.some((state) => state === "connected")) status(text("connected"));
  else status(text("joining"));
}

function closePeers() {
  publisher?.close();
  subscriber?.close();
  publisher = subscriber = null;
}

/** @param {string} reason */
function end(reason) {
  sessionStorage.removeItem(IN_CALL);
  signalling?.leave();
  signalling = null;
  closePeers();
  devices.stopAll();
  screenTrack?.stop();
  screenTrack = null;
  stopMeter();
  tiles.clear();
  void wakeLock?.release();
  wakeLock = null;
  element("ended-reason", HTMLParagraphElement).textContent = reason;
  show("ended");
  element("ended-title", HTMLHeadingElement).focus();
}

// -- controls ----------------------------------------------------------------------------------------

/**
 * @param {string} id
 * @param {boolean} pressed
 * @param {string} words
 */
function paint(id, pressed, words) {
  const button = element(id, HTMLButtonElement);
  button.ariaPressed = String(pressed);
  const label = button.querySelector("span");
  if (label) label.textContent = words;
}

function paintControls() {
  paint("mic", !micOn, text(micOn ? "mic_mute" : "mic_unmute"));
  paint("cam", !cameraOn, text(cameraOn ? "camera_stop" : "camera_start"));
  paint("share", screenTrack !== null, text(screenTrack ? "share_stop" : "share_start"));
}

/** @param {boolean} on */
function setMicrophone(on) {
  micOn = on;
  if (devices.tracks.microphone) devices.tracks.microphone.enabled = on;
  paintControls();
}

function toggleMicrophone() {
  setMicrophone(!micOn);
  signalling?.send({ type: "mute", source: "microphone", muted: !micOn });
  announce(text(micOn ? "you_mic_on" : "you_mic_off"));
}

async function toggleCamera() {
  if (cameraOn) {
    cameraOn = false;
    signalling?.send({ type: "mute", source: "camera", muted: true });
    await publisher?.set("camera", null);
    devices.stop("camera");
    tiles.own(null, me?.name ?? "");
  } else {
    try {
      const track = await devices.reopen("camera");
      cameraOn = true;
      await publisher?.set("camera", track);
      signalling?.send({ type: "mute", source: "camera", muted: false });
      tiles.own(track, me?.name ?? "");
    } catch (error) {
      status(explain(error));
      return;
    }
  }
  announce(text(cameraOn ? "you_camera_on" : "you_camera_off"));
  paintControls();
}

async function toggleShare() {
  if (screenTrack) {
    await stopShare();
    return;
  }
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { ideal: 15, max: 30 } }, audio: false });
    const [track] = stream.getVideoTracks();
    if (!track) return;
    screenTrack = track;
    track.onended = () => void stopShare();
    await publisher?.set("screen", track);
    announce(text("you_share"));
  } catch (error) {
    // Closing the browser's own chooser is no error.
    if (!(error instanceof DOMException && error.name === "NotAllowedError")) status(text("share_failed"));
  }
  paintControls();
}

async function stopShare() {
  if (!screenTrack) return;
  screenTrack.onended = null;
  screenTrack.stop();
  screenTrack = null;
  await publisher?.set("screen", null);
  announce(text("you_share_off"));
  paintControls();
}

/** @param {Event} event */
async function chooseDevice(event) {
  const select = event.target;
  if (!(select instanceof HTMLSelectElement)) return;
  const device = /** @type {Device} */ (select.dataset.devices);
  const say = document.body.dataset.state === "door" ? doorStatus
    : (/** @type {string} */ words) => (element("devices-status", HTMLParagraphElement).textContent = words);
  try {
    const track = await devices.reopen(device, select.value);
    if (device === "microphone") track.enabled = micOn;
    if (document.body.dataset.state === "door") {
      if (device === "camera") element("preview", HTMLVideoElement).srcObject = new MediaStream([track]);
      else {
        stopMeter();
        const meter = element("level", HTMLMeterElement);
        stopMeter = watchLevel(track, (level) => (meter.value = level));
      }
    } else {
      if (device === "camera") {
        cameraOn = true;
        tiles.own(track, me?.name ?? "");
        signalling?.send({ type: "mute", source: "camera", muted: false });
      }
      await publisher?.set(device, track);
      paintControls();
    }
    say("");
  } catch (error) {
    say(explain(error));
  }
  await devices.list();
}

async function keepAwake() {
  try {
    wakeLock = await navigator.wakeLock?.request("screen") ?? null;
  } catch {
    wakeLock = null; // a battery saver may say no
  }
}

function main() {
  show("door");
  element("enter", HTMLButtonElement).onclick = enter;
  element("retry", HTMLButtonElement).onclick = () => void openDoor();
  element("mic", HTMLButtonElement).onclick = toggleMicrophone;
  element("cam", HTMLButtonElement).onclick = () => void toggleCamera();
  element("share", HTMLButtonElement).onclick = () => void toggleShare();
  element("leave", HTMLButtonElement).onclick = () => end(text("bye_left"));
  element("again", HTMLButtonElement).onclick = () => location.reload();
  const dialog = element("devices", HTMLDialogElement);
  element("devices-open", HTMLButtonElement).onclick = () => dialog.showModal();
  element("devices-close", HTMLButtonElement).onclick = () => dialog.close();
  const unblock = element("unblock", HTMLButtonElement);
  unblock.onclick = () => {
    tiles.unblock();
    unblock.hidden = true;
  };
  for (const select of document.querySelectorAll("select[data-devices]")) {
    select.addEventListener("change", (event) => void chooseDevice(event));
  }
  navigator.mediaDevices?.addEventListener?.("devicechange", () => void devices.list());
  window.addEventListener("online", () => signalling?.hurry());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && signalling) {
      void keepAwake();
      signalling.hurry();
    }
  });
  const wasIn = sessionStorage.getItem(IN_CALL) === (tokenPath || "fragment");
  void openDoor().then(() => {
    if (wasIn) enter();
  });
}

main();

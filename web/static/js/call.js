// @ts-check
/** The call page: the door, the call, the goodbye, and the ways from one to the next. */

import { Controls } from "./controls.js";
import { Conversation } from "./conversation.js";
import { Devices } from "./devices.js";
import { Door } from "./door.js";
import { announce, element, hasText, recall, remember, show, text, write } from "./page.js";
import { Refusal } from "./protocol.js";
import { Tiles } from "./tiles.js";

/** @typedef {import("./devices.js").Device} Device */

const IN_CALL = "balie.in-call";
const TOKEN = "balie.token";
const REFUSALS = new Map([[403, "forbidden"], [410, "token_expired"], [425, "too_early"]]);
/** A problem stands there until it was read: some 15 words. */
const READ_MS = 8000;

const tokenPath = element("main", HTMLElement).dataset.tokenPath ?? "";
const devices = new Devices();
const door = new Door(devices);
const tiles = new Tiles(() => (element("unblock", HTMLButtonElement).hidden = false));
/** @type {Conversation | null} */
let conversation = null;
/** @type {Controls | null} */
let controls = null;
/** @type {WakeLockSentinel | null} */
let wakeLock = null;
let clock = 0;
let problem = "";
let problemUntil = 0;

/** A join token: from the personal link, or from the address's fragment, which no server sees. */
async function getToken() {
  if (!tokenPath) {
    const token = location.hash.slice(1) || recall("session", TOKEN);
    if (!token) throw new Refusal("token_invalid");
    remember("session", TOKEN, token);
    history.replaceState(null, "", location.pathname);
    return token;
  }
  const response = await fetch(tokenPath, { method: "POST", cache: "no-store" });
  if (response.ok) return String((await response.json()).token);
  if (response.status >= 500 || response.status === 429) throw new Error("try again");
  throw new Refusal(REFUSALS.get(response.status) ?? "token_invalid");
}

function enter() {
  if (conversation) return;
  remember("session", IN_CALL, tokenPath || "fragment");
  door.close();
  show("call");
  element("call-title", HTMLHeadingElement).focus();
  void keepAwake();
  conversation = new Conversation(devices, tiles, getToken, { changed: paint, say, ended: end, refused });
  controls = new Controls(conversation, say, () => end(text("bye_left")));
  clock = window.setInterval(paintStatus, 1000);
  paint();
  conversation.enter();
}

function paint() {
  controls?.paint();
  paintStatus();
}

/** The health of the connection is a word; a problem that the person can mend goes before it for a while. */
function paintStatus() {
  if (!conversation) return;
  const health = conversation.health();
  document.body.dataset.health = health;
  const words = health === "connected" && conversation.screenTrack ? "you_share" : health;
  write("status", Date.now() < problemUntil ? problem : text(words));
}

/** @param {string} words */
function say(words) {
  if (!conversation) return;
  problem = words;
  problemUntil = Date.now() + READ_MS;
  announce(words);
  paintStatus();
}

/** @param {string} code */
function refused(code) {
  end(text(hasText(`error_${code}`) ? `error_${code}` : "error_other"), text("refused_title"));
}

/**
 * @param {string} reason
 * @param {string} [title]
 */
function end(reason, title = text("ended_title")) {
  remember("session", IN_CALL, "");
  clearInterval(clock);
  conversation?.close();
  conversation = null;
  controls = null;
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  void wakeLock?.release();
  wakeLock = null;
  write("ended-title", title);
  write("ended-reason", reason);
  show("ended");
  element("ended-title", HTMLHeadingElement).focus();
}

async function keepAwake() {
  if (wakeLock && !wakeLock.released) return;
  try {
    wakeLock = await navigator.wakeLock?.request("screen") ?? null;
    if (!conversation) void wakeLock?.release();
  } catch {
    wakeLock = null; // a battery saver may say no
  }
}

/** @param {Event} event */
function chooseDevice(event) {
  const select = event.target;
  if (!(select instanceof HTMLSelectElement)) return;
  const device = /** @type {Device} */ (select.dataset.devices);
  void (controls ?? door).choose(device, select.value);
}

/** Camera and microphone may come after the person went in: he may be slow to answer his browser. */
async function openDevices() {
  const words = await door.open();
  await conversation?.publishAll();
  if (words) say(words);
}

function main() {
  show("door");
  devices.onlost = () => door.show();
  element("enter", HTMLButtonElement).onclick = enter;
  element("retry", HTMLButtonElement).onclick = () => void openDevices();
  element("again", HTMLButtonElement).onclick = () => location.reload();
  const unblock = element("unblock", HTMLButtonElement);
  unblock.onclick = () => {
    tiles.unblock();
    unblock.hidden = true;
  };
  for (const select of document.querySelectorAll("select[data-devices]")) {
    select.addEventListener("change", chooseDevice);
  }
  navigator.mediaDevices?.addEventListener?.("devicechange", () => void devices.list());
  window.addEventListener("online", () => conversation?.signalling.hurry());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible" || !conversation) return;
    void keepAwake();
    conversation.signalling.hurry();
  });
  // A closed tab is somebody who left; others need not wait until his connection times out.
  window.addEventListener("pagehide", () => conversation?.signalling.leave());
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload(); // back by the browser's own button: its connections are gone
  });
  void openDevices();
  if (recall("session", IN_CALL) === (tokenPath || "fragment")) enter(); // a reload: he was inside
}

main();

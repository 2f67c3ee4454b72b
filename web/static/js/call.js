// @ts-check
/** The call page: the door, the waiting room, the call, the end, and the ways from one to the next. */

import { Arrivals } from "./arrivals.js";
import { Captions } from "./captions.js";
import { Chat } from "./chat.js";
import { Controls } from "./controls.js";
import { Conversation } from "./conversation.js";
import { Devices, supported } from "./devices.js";
import { Door } from "./door.js";
import { getToken, goesOn, goodbye, isInside, link, takeOver, wentIn, wentOut } from "./entry.js";
import { watchInterruptions } from "./interruptions.js";
import { announce, element, hasText, show, text, write } from "./page.js";
import { Pointed } from "./pointed.js";
import { Silence } from "./silence.js";
import { showTest } from "./tested.js";
import { Tiles } from "./tiles.js";
import { WaitingRoom, ring } from "./waiting.js";
import { WakeLock } from "./wake_lock.js";
import { hear } from "./wire.js";

/** @typedef {import("./devices.js").Device} Device */

/** A problem stands there until it was read: some 15 words. */
const READ_MS = 8000;
const MEASURE_EVERY = 5;
/** What arrives of others is theirs to send. */
const WELL = ["connected", "poor"];
/** Trouble of the connection in which a telephone number helps. */
const LIFELINE = ["reconnecting_long", "blocked"];

const main = element("main", HTMLElement);
const devices = new Devices();
const door = new Door(devices);
const tiles = new Tiles(() => (element("unblock", HTMLButtonElement).hidden = false));
const chat = new Chat(new Captions());
const pointed = new Pointed();
if (!document.getElementById("panel")) new Arrivals(); // the desk's panel has its own way to let people in
const waitingRoom = new WaitingRoom(devices, () => end("left", text("bye_left_waiting"), text("left_title")));
const wakeLock = new WakeLock();
const silence = new Silence(tiles, say);
/** @type {Conversation | null} */
let conversation = null;
/** @type {Controls | null} */
let controls = null;
let clock = 0;
let ticks = 0;
let problem = "";
let problemUntil = 0;
/** @type {string[]} names of those whom we may let in, and who wait for that */
let atTheDoor = [];

function enter() {
  if (conversation) return;
  const waits = main.dataset.waits === "yes" && !goesOn();
  wentIn();
  door.close();
  face(waits);
  void wakeLock.keep();
  conversation = new Conversation(devices, tiles, getToken, { changed: paint, say, waiting: face, ended: end, refused });
  controls = new Controls(conversation, say, () => end("left", text("bye_left"), text("left_title")));
  clock = window.setInterval(tick, 1000);
  paint();
  conversation.enter();
}

/**
 * The waiting room, or the call.
 * @param {boolean} waits
 */
function face(waits) {
  const name = waits ? "waiting" : "call";
  if (document.body.dataset.state === name) return;
  const letIn = waitingRoom.open && !waits;
  if (waits) waitingRoom.enter();
  else waitingRoom.leave();
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  chat.moveTo(name);
  show(name);
  element(`${name}-title`, HTMLHeadingElement).focus();
  if (!letIn) return;
  announce(text("let_in"));
  ring();
}

function tick() {
  ticks += 1;
  if (ticks % MEASURE_EVERY === 0) conversation?.measure();
  if (conversation) silence.look(conversation, WELL.includes(conversation.health()));
  paintStatus();
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
  element("lifeline", HTMLParagraphElement).hidden = !LIFELINE.includes(health);
  if (waitingRoom.open) waitingRoom.paint(health === "waiting" || health === "joining" ? "waiting" : health);
  write("status", Date.now() < problemUntil ? problem : health === "waiting" ? "" : statusOf(health));
}

/** @param {string} health */
function statusOf(health) {
  if (health === "connected" && conversation?.sending.screenTrack) return text("you_share");
  const [name = ""] = atTheDoor;
  if (health !== "alone" || !name) return text(health);
  // Who leads waits for nobody: others wait for him.
  return atTheDoor.length > 1 ? text("alone_admit_n", { n: String(atTheDoor.length) }) : text("alone_admit_1", { name });
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
  if (code === "here_already") {
    back();
    element("elsewhere", HTMLDialogElement).showModal();
    return;
  }
  end("refused", text(hasText(`error_${code}`) ? `error_${code}` : "error_other"), text("refused_title"));
}

function stop() {
  wentOut();
  clearInterval(clock);
  waitingRoom.leave();
  conversation = null;
  controls = null;
  pointed.hide();
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  wakeLock.release();
}

/** Before the door again: the person is inside with another device, and may stay there. */
function back() {
  conversation?.signalling.leave();
  stop();
  show("door");
  door.reopen();
}

/**
 * @param {string} reason of a `bye`, or "refused"
 * @param {string} words
 * @param {string} [title]
 */
function end(reason, words, title = text("ended_title")) {
  conversation?.close();
  stop();
  write("ended-title", title);
  write("ended-reason", words);
  show("ended");
  element("ended-title", HTMLHeadingElement).focus();
  document.dispatchEvent(new CustomEvent("balie:ended", { detail: { reason, goodbye: goodbye() } }));
}

/** @param {Event} event */
function chooseDevice(event) {
  const select = event.target;
  if (!(select instanceof HTMLSelectElement)) return;
  if (select.dataset.devices === "speaker") {
    devices.remember("speaker", select.value);
    tiles.speaker(select.value);
    return;
  }
  const device = /** @type {Device} */ (select.dataset.devices);
  void (controls ?? door).choose(device, select.value);
}

/** Camera and microphone may come after the person went in: he may be slow to answer his browser. */
async function openDevices() {
  const words = await door.open();
  await conversation?.sending.publishAll();
  if (words) say(words);
}

function listen() {
  const button = element("enter", HTMLButtonElement);
  button.onclick = enter;
  button.disabled = false;
  button.hidden = !supported(); // the door says what to do instead
  element("retry", HTMLButtonElement).onclick = () => void openDevices();
  element("again", HTMLButtonElement).onclick = () => location.replace(link() || location.pathname);
  element("go-on-here", HTMLButtonElement).onclick = () => {
    element("elsewhere", HTMLDialogElement).close();
    takeOver();
    enter();
  };
  const unblock = element("unblock", HTMLButtonElement);
  unblock.onclick = () => {
    tiles.unblock();
    unblock.hidden = true;
  };
  for (const close of document.querySelectorAll("dialog [data-close]")) {
    if (close instanceof HTMLButtonElement) close.onclick = () => close.closest("dialog")?.close();
  }
  for (const select of document.querySelectorAll("select[data-devices]")) {
    select.addEventListener("change", chooseDevice);
  }
  hear("pointer", ({ participant, x, y }) => {
    tiles.point(participant, x, y);
    const name = tiles.people.get(participant)?.name ?? "";
    pointed.show(conversation?.sending.screenTrack ?? null, participant, name, x, y);
  });
  hear("welcome", ({ resumed }) => {
    if (!resumed) atTheDoor = []; // a lobby follows when somebody waits
  });
  hear("lobby", ({ people }) => {
    atTheDoor = people.filter((/** @type {{held: boolean}} */ { held }) => !held).map((/** @type {{name: string}} */ { name }) => name);
    paintStatus();
  });
  watchInterruptions(devices, tiles, () => conversation, say);
  window.addEventListener("online", () => conversation?.signalling.hurry());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible" || !conversation) return;
    void wakeLock.keep();
  });
  // A closed tab is somebody who left; others need not wait until his connection times out.
  window.addEventListener("pagehide", () => conversation?.signalling.leave());
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload(); // back by the browser's own button: its connections are gone
  });
}

function start() {
  document.documentElement.dataset.alive = ""; // see works.js
  show("door");
  const know = document.getElementById("know");
  if (know instanceof HTMLDetailsElement) know.open = matchMedia("(min-width: 60rem) and (min-height: 40rem)").matches;
  if (devices.chosen.speaker) tiles.speaker(devices.chosen.speaker);
  showTest();
  devices.onlost = () => door.show();
  listen();
  void openDevices();
  if (isInside()) {
    takeOver(); // a reload: he was inside, with this very window
    enter();
  }
}

start();

// @ts-check
/**
 * The goodbye of a visitor, in the page of the call: what was reserved, paid and agreed, then two equal buttons.  Escape
 * declines.  What he does goes to /b/<token>, which a mail leads to when this never showed.
 */

import { link } from "./entry.js";
import { hear } from "./wire.js";

/**
 * @typedef {object} Farewell
 * @property {string} reason of a `bye`
 * @property {string} survey the page of his goodbye, /b/<token>; "" for none
 * @property {string} [wrapUp] where staff goes on
 */
/** @typedef {"none" | "back" | "declined" | "submitted"} Answer */
/**
 * What the server says of it; settled and steps only to the citizen, papers to who may have them.
 * @typedef {object} Told
 * @property {boolean} asks
 * @property {boolean} over nobody gets back in
 * @property {string[]} settled
 * @property {{owner: string, words: string}[]} steps
 * @property {Paper[]} papers what staff gave
 */
/** @typedef {{name: string, about: string, href: string}} Paper */

/** Reasons after which a conversation is over for who hears them. */
const OVER = ["ended", "left"];
/** So long the question waits for what was agreed. */
const WAIT_MS = 600;

/** @param {string} id */
const found = (id) => /** @type {HTMLElement} */ (document.getElementById(`farewell-${id}`));
const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("farewell"));
const title = found("title");
const form = /** @type {HTMLFormElement} */ (found("form"));
let path = "";
let answered = false;
let inside = false;
/** @type {(answer: Answer) => void} */
let settle = () => {};

/**
 * Tell the server; a page that is being closed still gets it out.
 * @param {string} what
 * @param {URLSearchParams} [values]
 */
function tell(what, values = new URLSearchParams()) {
  return fetch(path + what, { method: "POST", body: values, keepalive: true, headers: { Accept: "application/json" } });
}

/** @param {string} what */
function tellAndForget(what) {
  tell(what).catch(() => {}); // without a connection the mail asks, once
}

/** @param {"ask" | "form" | "done"} face */
function turn(face) {
  for (const each of ["ask", "form", "done"]) found(each).hidden = each !== face;
  found("settled").hidden = found("settled").childElementCount === 0;
  found("steps").hidden = found("steps").querySelector("li") === null;
  found("papers").hidden = found("papers").querySelector("li") === null;
  found("told").hidden = face === "form" || ["settled", "steps", "papers"].every((each) => found(each).hidden);
}

/**
 * A line with a document and where it is had.
 * @param {Paper} of
 */
function paper({ name, about, href }) {
  const line = document.createElement("li");
  const get = document.createElement("a");
  const which = document.createElement("span");
  which.className = "visually-hidden";
  which.textContent = ` ${name}`;
  get.href = href;
  get.download = "";
  get.append(found("papers").querySelector("ul")?.dataset.get ?? "", which);
  line.append(`${name} (${about}) `, get);
  return line;
}

/** @param {Told} told */
function tellWhat({ settled, steps, papers }) {
  found("papers").querySelector("ul")?.replaceChildren(...papers.map(paper));
  found("settled").replaceChildren(...settled.map((words) => {
    const line = document.createElement("p");
    line.textContent = words;
    return line;
  }));
  for (const group of found("steps").querySelectorAll("[data-owner]")) {
    const lines = steps.filter((each) => each.owner === /** @type {HTMLElement} */ (group).dataset.owner).map((each) => {
      const line = document.createElement("li");
      line.textContent = each.words;
      return line;
    });
    group.querySelector("ul")?.replaceChildren(...lines);
    group.toggleAttribute("hidden", lines.length === 0);
  }
}

/** @returns {Promise<Told>} */
async function read() {
  const response = await fetch(`${path}/stappen`, { headers: { Accept: "application/json" }, cache: "no-store" });
  return response.ok ? await response.json() : { asks: false, over: false, settled: [], steps: [], papers: [] };
}

/**
 * The page where he reads this again: of the appointment while its link leads somewhere, then that of the goodbye.
 * @param {boolean} stands
 */
function ownPage(stands) {
  const own = /** @type {HTMLAnchorElement} */ (found("own"));
  const door = stands && link().startsWith("/g/");
  own.href = door ? link().replace("/g/", "/a/") : path;
  own.textContent = (door ? own.dataset.now : own.dataset.later) ?? "";
}

/** There is no door any more: nothing here, nor in the page behind the pop-up, leads back to it. */
function leaveForGood() {
  document.getElementById("again")?.setAttribute("hidden", "");
  found("back").hidden = true;
  ownPage(false);
}

/** @param {Answer} answer */
function finish(answer) {
  answered = true;
  leaveForGood();
  const thanks = found("thanks");
  if (answer === "submitted") thanks.prepend(`${thanks.dataset.answered ?? ""} `);
  turn("done");
  thanks.focus();
  settle(answer);
}

function decline() {
  if (answered) return;
  tellAndForget("/sluiten");
  finish("declined");
}

/** @param {Event} event */
async function send(event) {
  event.preventDefault();
  const values = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (typeof value === "string") values.append(name, value);
  found("problem").textContent = "";
  try {
    const response = await tell("", values);
    if (!response.ok) throw new Error(`not taken: ${response.status}`);
  } catch {
    found("problem").textContent = found("thanks").dataset.failed ?? "";
    return;
  }
  finish("submitted");
}

/**
 * Say goodbye.  Who answered once, or would rather not, is not asked again.
 * @param {Farewell} how
 * @returns {Promise<Answer>}
 */
export async function show({ reason, survey, wrapUp = "" }) {
  if (wrapUp) {
    location.assign(wrapUp);
    return "none";
  }
  if (!survey || answered || dialog.open) return "none";
  path = survey;
  const left = reason === "left";
  found("back").hidden = !left;
  ownPage(left);
  if (!left) leaveForGood();
  const late = new Promise((resolve) => setTimeout(resolve, WAIT_MS, null));
  const reading = read().catch(() => null);
  const known = await Promise.race([reading, late]);
  if (known?.over) leaveForGood();
  if (known && !known.asks && known.steps.length + known.settled.length + known.papers.length === 0) return "none";
  if (known) tellWhat(known);
  else void reading.then((came) => came && !found("ask").hidden && (tellWhat(came), turn("ask")));
  if (left) title.textContent = title.dataset.left ?? "";
  answered = known !== null && !known.asks;
  turn(answered ? "done" : "ask");
  dialog.showModal();
  title.focus();
  if (!answered) tellAndForget("/gezien");
  return new Promise((resolve) => (settle = resolve));
}

if (dialog) {
  found("start").onclick = () => {
    tellAndForget("/begin");
    leaveForGood();
    turn("form");
    form.querySelector("input")?.focus();
  };
  found("close").onclick = decline;
  found("rather-not").onclick = decline;
  found("back").onclick = () => {
    dialog.close();
    settle("back");
    document.getElementById("again")?.click();
  };
  form.onsubmit = (event) => void send(event);
  dialog.addEventListener("cancel", (event) => {
    if (answered) return; // Escape closes what is done
    event.preventDefault();
    decline();
  });
  // Who left may come back, until the others end it: seen when he looks at this page again.
  document.addEventListener("visibilitychange", async () => {
    if (document.visibilityState !== "visible" || !path) return;
    const told = await read().catch(() => null);
    if (told?.over) leaveForGood();
  });
  hear("welcome", (message) => (inside = !message.waiting));
  hear("admitted", () => (inside = true));
  document.addEventListener("balie:ended", (event) => {
    const { reason, goodbye } = /** @type {CustomEvent<{reason: string, goodbye: string}>} */ (event).detail;
    const wrapUp = document.querySelector("[data-wrap-up]")?.getAttribute("data-wrap-up") ?? "";
    // Who leaves the waiting room had no conversation, and may come back.
    if (!inside || !OVER.includes(reason)) return;
    void show({ reason, survey: goodbye && `/b/${goodbye}`, wrapUp: reason === "ended" ? wrapUp : "" });
  });
}

// @ts-check
/**
 * The goodbye of a visitor, in the page of the call: what was agreed, then two equal buttons.  Escape declines.  What he
 * does goes to /b/<token>, which a mail leads to when this never showed.
 */

import { hear } from "./wire.js";

/**
 * @typedef {object} Farewell
 * @property {string} reason of a `bye`
 * @property {string} survey the page of his goodbye, /b/<token>; "" for none
 * @property {string} [wrapUp] where staff goes on
 */
/** @typedef {"none" | "back" | "declined" | "submitted"} Answer */

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
  found("steps").hidden = face === "form" || found("steps").querySelector("li") === null;
}

/** @param {{owner: string, words: string}[]} steps */
function agreed(steps) {
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

async function read() {
  const response = await fetch(`${path}/stappen`, { headers: { Accept: "application/json" }, cache: "no-store" });
  return response.ok ? await response.json() : { asks: false, steps: [] };
}

/** What stands in the page behind the pop-up leads back into a conversation that is over. */
function leaveForGood() {
  document.getElementById("again")?.setAttribute("hidden", "");
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
  const late = new Promise((resolve) => setTimeout(resolve, WAIT_MS, null));
  const reading = read().catch(() => null);
  const known = await Promise.race([reading, late]);
  if (known && !known.asks && known.steps.length === 0) return "none";
  if (known) agreed(known.steps);
  else void reading.then((came) => came && !found("ask").hidden && (agreed(came.steps), turn("ask")));
  if (reason === "left") title.textContent = title.dataset.left ?? "";
  found("back").hidden = reason !== "left";
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

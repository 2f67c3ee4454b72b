// @ts-check
/** The list of what is tested: lights, words, and what to do, each in its place of the page. */

import { announce, element, hasText, text, write } from "../page.js";
import { light } from "./verdict.js";

/** @typedef {import("./verdict.js").Part} Part */

/**
 * A part that is not known yet: "wait", or "busy" while it is tested.
 * @param {Part} part
 * @param {"wait" | "busy"} state
 * @param {string} [words]
 */
export function waiting(part, state, words = "") {
  paint(part, state, text(`light_${state}`), words);
  todo(part, "");
}

/**
 * What was found of a part.
 * @param {Part} part
 * @param {string} code
 * @param {object} [more]
 * @param {string} [more.words] instead of the usual ones
 * @param {string} [more.fix] the name of a text with steps
 */
export function found(part, code, { words = text(`found_${part}_${code}`), fix = `fix_${code}` } = {}) {
  const skipped = code === "untested";
  const state = skipped ? "skipped" : light(part, code);
  paint(part, state, text(`light_${state}`), words);
  todo(part, code === "good" || skipped || !hasText(fix) ? "" : text(fix));
  announce(text("told", { part: text(`part_${part}`), light: text(`light_${state}`), words }));
}

/**
 * @param {Part} part
 * @param {string} state
 * @param {string} name of the light
 * @param {string} words
 */
function paint(part, state, name, words) {
  element(`check-${part}`, HTMLLIElement).dataset.light = state;
  write(`light-${part}`, name);
  write(`found-${part}`, words);
}

/**
 * @param {Part} part
 * @param {string} steps one on each line
 */
function todo(part, steps) {
  const list = element(`fix-${part}`, HTMLOListElement);
  list.hidden = steps === "";
  list.replaceChildren(...steps.split("\n").filter(Boolean).map((words) => {
    const step = document.createElement("li");
    step.textContent = words;
    return step;
  }));
}

/**
 * @param {string} id
 * @param {boolean} shown
 */
export function reveal(id, shown) {
  element(id, HTMLElement).hidden = !shown;
}

/**
 * A picture in its place, or none.
 * @param {string} id of a video
 * @param {MediaStream | null} stream
 */
export function picture(id, stream) {
  const video = element(id, HTMLVideoElement);
  video.srcObject = stream;
  if (stream) video.play().catch(() => undefined); // another one came before it began
}

/**
 * @param {string} id
 * @param {() => void} act
 */
export function press(id, act) {
  element(id, HTMLButtonElement).onclick = act;
}

/**
 * Where somebody goes on whose button is gone.
 * @param {string} id
 */
export function focus(id) {
  element(id, HTMLElement).focus();
}

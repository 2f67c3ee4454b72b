// @ts-check
/**
 * Samen beside the call, for the citizen and who comes along.  It opens by itself when staff asks something, unless
 * somebody is writing; else a mark on its button says that there is something.
 */

import { samen } from "../entry.js";
import { announce, element } from "../page.js";
import { hear } from "../wire.js";
import { Hours } from "./hours.js";
import { Panel } from "./panel.js";
import { point, unpoint } from "./pointing.js";

const section = element("samen", HTMLElement);
const button = element("samen-open", HTMLButtonElement);
const fold = element("samen-fold", HTMLButtonElement);
const brief = element("samen-brief", HTMLElement);
const mark = element("samen-new", HTMLElement);
const plain = button.getAttribute("aria-label") ?? "";
/** A row more of messages or of steps has room on a wide screen only. */
const ROOMY = matchMedia("(min-width: 90rem)");
/** Where it is a sheet that can be folded, as in the stylesheet. */
const SHEET = matchMedia("(max-width: 60rem) and (min-height: 26.01rem), (max-width: 60rem) and (max-aspect-ratio: 149/100)");

/** @type {Map<string, string>} how steps stood before, by their id */
let stood = new Map();
/** @type {Set<string>} documents of staff that were there before */
let had = new Set();
/** Id of the step that is to be done now: when one is done, the next comes into sight. */
let current = "";
let begun = false;
let inside = false;
let folded = false;

const panel = new Panel({
  body: () => element("samen-body", HTMLElement),
  lost: element("samen-lost", HTMLElement),
  say: announce,
  before: () => unpoint(section),
  painted,
  next: () => section.querySelector('[aria-current="step"] h4'),
});
const hours = new Hours(section, announce, () => void point(section), () => (panel.lost.hidden = false));

function isOpen() {
  return !section.hidden;
}

/**
 * Only its top line with the present step, so that the pictures have the room; or all of it.
 * @param {boolean} small
 */
function foldTo(small) {
  const opens = folded && !small;
  folded = small;
  section.dataset.folded = small ? "yes" : "no";
  document.body.dataset.samen = section.hidden ? "closed" : small ? "folded" : "open";
  const words = fold.querySelector("span");
  if (words) words.textContent = (small ? words.dataset.unfold : words.dataset.fold) ?? "";
  brief.hidden = !small;
  if (opens) toPresent();
}

/** The step that is to be done now to the top, under the line with the buttons. */
function toPresent() {
  present()?.scrollIntoView({ block: "start" });
}

/** @param {boolean} open */
function toggle(open) {
  section.hidden = !open;
  foldTo(false);
  button.ariaExpanded = String(open);
  if (open) news(false);
  if (open) toPresent();
  if (open && !ROOMY.matches && document.body.dataset.chat === "open") element("chat-close", HTMLButtonElement).click();
}

/** @param {boolean} there */
function news(there) {
  mark.hidden = !there;
  button.setAttribute("aria-label", there ? section.dataset.new ?? plain : plain);
}

/** Whether somebody is writing a message, who would lose his place. */
function writes() {
  return document.body.dataset.chat === "open" && document.activeElement instanceof HTMLTextAreaElement;
}

/** Whether somebody is writing here. */
function types() {
  return section.contains(document.activeElement) && document.activeElement instanceof HTMLTextAreaElement;
}

/** @returns {HTMLElement | null} the step that is to be done now */
function present() {
  return section.querySelector('[aria-current="step"]');
}

/** @returns {HTMLElement | null} what is asked anew: a step that was none before, or that failed; the present one first */
function askedAnew() {
  const steps = /** @type {HTMLElement[]} */ ([present(), ...section.querySelectorAll(".guide-step")].filter(Boolean));
  const before = stood;
  stood = new Map(steps.map(({ id, dataset }) => [id, dataset.state ?? ""]));
  return steps.find(({ id }) => {
    const [was = "", is = ""] = [before.get(id), stood.get(id)];
    return is === "failed" ? was !== is : is === "open" && !["open", "doing", "failed"].includes(was);
  }) ?? null;
}

/** @returns {HTMLElement | null} the latest document that staff gave since */
function givenAnew() {
  const papers = /** @type {HTMLElement[]} */ ([...section.querySelectorAll("#samen-given li")]);
  const fresh = papers.filter(({ id }) => !had.has(id));
  had = new Set(papers.map(({ id }) => id));
  return fresh.at(-1) ?? null;
}

/**
 * What is new in it opens it; what is to be done now stays in sight, and so does what somebody is at.
 */
function painted() {
  const [fresh, given, before] = [askedAnew(), givenAnew(), current];
  const step = present();
  current = step?.id ?? "";
  // Who comes in later hears what waits for him; from then on the panel says what changes.
  if (!begun && (fresh ?? given)) announce((fresh ?? given)?.dataset.said ?? "");
  const changed = begun || fresh || given;
  begun = true;
  hours.paint();
  brief.textContent = [".guide-head h4", ".guide-state"].map((each) => step?.querySelector(each)?.textContent ?? "").join(" · ");
  if (!step) brief.textContent = section.querySelector("h3 .small")?.textContent ?? "";
  const pointed = point(section);
  const anew = fresh || given || pointed.fresh;
  if (anew && !isOpen()) {
    if (writes()) news(true);
    else toggle(true);
  } else if (changed && !isOpen()) {
    news(stood.size + had.size > 0);
  }
  if (folded && anew) foldTo(false);
  if (!isOpen() || types()) return;
  const show = pointed.fresh ?? given;
  if (show) show.scrollIntoView({ block: "nearest" });
  else if (current !== before) toPresent();
}

function refresh() {
  const path = samen();
  if (path && inside) void panel.refresh(`${path}/deel`);
}

/** In the call, with a link of one's own: there is something to do together. */
function begin() {
  inside = true;
  button.hidden = samen() === "";
  refresh();
}

button.onclick = () => {
  toggle(!isOpen());
  if (isOpen()) element("samen-title", HTMLElement).focus({ preventScroll: true });
};
fold.onclick = () => foldTo(!folded);
SHEET.onchange = () => folded && !SHEET.matches && foldTo(false);
element("samen-close", HTMLButtonElement).onclick = () => {
  toggle(false);
  button.focus();
};
section.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  toggle(false);
  button.focus();
});
// The other way round: who opens the messages closes this, where there is no room for both.
new MutationObserver(() => {
  if (document.body.dataset.chat === "open" && isOpen() && !ROOMY.matches) toggle(false);
}).observe(document.body, { attributeFilter: ["data-chat"] });

section.addEventListener("submit", (event) => {
  const form = event.target;
  // What opens a tab of its own does so by itself.
  if (!(form instanceof HTMLFormElement) || form.target === "_blank") return;
  event.preventDefault();
  if (form.method === "get") return;
  void panel.send(form, event.submitter, { deel: "1" });
});

hear("welcome", ({ waiting }) => !waiting && begin());
hear("admitted", begin);
hear("news", refresh);

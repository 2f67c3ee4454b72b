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
const mark = element("samen-new", HTMLElement);
const plain = button.getAttribute("aria-label") ?? "";
/** A row more of messages or of steps has room on a wide screen only. */
const ROOMY = matchMedia("(min-width: 90rem)");

/** @type {Set<string>} steps that were asked before */
let asked = new Set();
/** Id of the step that is to be done now: when one is done, the next comes into sight. */
let current = "";
let begun = false;
let inside = false;

const panel = new Panel({
  body: () => element("samen-body", HTMLElement),
  lost: element("samen-lost", HTMLElement),
  say: announce,
  before: () => unpoint(section),
  painted,
});
const hours = new Hours(section, announce, () => void point(section), () => (panel.lost.hidden = false));

function isOpen() {
  return !section.hidden;
}

/** @param {boolean} open */
function toggle(open) {
  section.hidden = !open;
  document.body.dataset.samen = open ? "open" : "closed";
  button.ariaExpanded = String(open);
  if (open) news(false);
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

function painted() {
  const steps = [...section.querySelectorAll(".guide-step")];
  const waiting = steps.filter((each) => ["open", "failed"].includes(each.getAttribute("data-state") ?? ""));
  const ids = new Set(waiting.map(({ id }) => id));
  const fresh = [...ids].find((id) => !asked.has(id));
  const before = current;
  current = section.querySelector('[aria-current="step"]')?.id ?? "";
  // Who comes in later hears what waits for him; from then on the panel says what changes.
  if (!begun && fresh) announce(document.getElementById(fresh)?.dataset.said ?? "");
  const changed = begun || ids.size > 0;
  begun = true;
  asked = ids;
  hours.paint();
  const pointed = point(section);
  if ((fresh || pointed.fresh) && !isOpen()) {
    if (writes()) news(true);
    else toggle(true);
  } else if (changed && !isOpen()) {
    news(steps.length > 0);
  }
  if (!isOpen()) return;
  const show = pointed.fresh ?? document.getElementById(fresh ?? (current === before ? "" : current));
  if (show) show.scrollIntoView({ block: "nearest" });
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
  if (isOpen()) element("samen-title", HTMLElement).focus();
};
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

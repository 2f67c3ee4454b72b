// @ts-check
/** Samen at the desk: follows what the citizen does, and sends what staff opens, marks and points at. */

import { Panel } from "../samen/panel.js";
import { hear } from "../wire.js";

const section = /** @type {HTMLElement} */ (document.getElementById("part-samen"));
const lost = /** @type {HTMLElement} */ (document.getElementById("panel-lost"));
const said = /** @type {HTMLElement} */ (document.getElementById("panel-said"));

const panel = new Panel({
  body: () => section,
  lost,
  say: (words) => (said.textContent = words),
});
panel.tell(); // what stands in the page is no news

section.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement)) return;
  event.preventDefault();
  event.stopPropagation(); // the panel around this has a way of its own
  void panel.send(form, event.submitter);
});

hear("news", ({ about }) => about === "acts" && void panel.refresh(section.dataset.path ?? ""));
// After a lost connection nobody knows what was missed.
hear("welcome", () => void panel.refresh(section.dataset.path ?? ""));

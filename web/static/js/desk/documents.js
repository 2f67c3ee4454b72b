// @ts-check
/** Documents beside a call: what came and went, and forms about it. */

import { Panel } from "../samen/panel.js";
import { hear } from "../wire.js";

const section = document.getElementById("part-documents");
const lost = document.getElementById("panel-lost");
const said = document.getElementById("panel-said");

if (section && lost && said) {
  const panel = new Panel({ body: () => section, lost, say: (words) => (said.textContent = words) });
  panel.tell(); // what stands in the page is no news

  section.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement)) return;
    event.preventDefault();
    event.stopPropagation(); // the panel around this has a way of its own
    void panel.send(form, event.submitter);
  });

  const path = section.dataset.path ?? "";
  hear("news", ({ about }) => about === "acts" && void panel.refresh(path));
  // After a lost connection nobody knows what was missed.
  hear("welcome", () => void panel.refresh(path));
}

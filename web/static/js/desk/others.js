// @ts-check
/** In a call: somebody else waits for us.  One soft bell and a line that stays; the call is not left by accident. */

import { Alerts } from "./alerts.js";

const section = /** @type {HTMLElement} */ (document.getElementById("others"));
const list = /** @type {HTMLElement} */ (document.getElementById("others-list"));
const title = document.title;
const said = /** @type {HTMLElement} */ (document.getElementById("others-said"));

/** @param {import("./alerts.js").Alert} about */
function line({ alert, href }) {
  const made = document.createElement("li");
  made.append(alert);
  if (!href) return made;
  const link = document.createElement("a");
  link.href = href;
  link.target = "_blank"; // this call goes on
  link.rel = "noopener";
  link.textContent = section.dataset.open ?? "";
  made.append(" ", link);
  return made;
}

new Alerts(section.dataset.live ?? "", 1, {
  room: () => undefined,
  lost: () => undefined, // the call says itself how the connection is
  alerts: (all, fresh) => {
    section.hidden = all.length === 0;
    document.title = all.length ? `(${all.length}) ${title}` : title;
    list.replaceChildren(...all.map(line));
    if (fresh.length) said.textContent = fresh.map(({ alert }) => alert).join(" ");
  },
});

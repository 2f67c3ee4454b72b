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
  link.className = "button";
  link.textContent = section.dataset.open ?? "";
  made.append(" ", link);
  return made;
}

/**
 * Before we go in: who waits at this very door, as the first page has it.
 * @param {DocumentFragment} room
 */
function atTheDoor(room) {
  const place = document.getElementById("door-waits")?.dataset.visit ?? "";
  const guests = room.querySelector(`a[href="${CSS.escape(place)}"]`)?.closest(".visit")?.querySelector(".guests");
  document.getElementById("door-guests")?.replaceChildren(...(guests ? [guests.cloneNode(true)] : []));
  document.getElementById("door-nobody")?.toggleAttribute("hidden", Boolean(guests));
}

new Alerts(section.dataset.live ?? "", 1, {
  room: atTheDoor,
  lost: () => undefined, // the call says itself how the connection is
  alerts: (all, fresh) => {
    section.hidden = all.length === 0;
    document.title = all.length ? `(${all.length}) ${title}` : title;
    list.replaceChildren(...all.map(line));
    if (fresh.length) said.textContent = fresh.map(({ alert }) => alert).join(" ");
  },
});

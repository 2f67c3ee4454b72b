// @ts-check
/** The waiting room on the first page, as it is now, and how one is told of who comes. */

import { Alerts, NOTIFY, SOUND_OFF, alertsIn, kept, notifies } from "./alerts.js";
import { chime, ready } from "./chime.js";

/** Four times, a minute in all: who is at the other end of the room comes. */
const RINGS = 4;

const section = element("waiting-room", HTMLElement);
const list = element("waiting-list", HTMLElement);
const sound = element("waiting-sound", HTMLInputElement);
const notify = element("waiting-notify", HTMLInputElement);
const title = document.title;

/**
 * @template {Element} T
 * @param {string} id
 * @param {{new (): T}} kind
 * @returns {T}
 */
function element(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`no ${kind.name} with id ${id}`);
  return found;
}

/** @param {DocumentFragment} room */
function show(room) {
  const focused = document.activeElement instanceof HTMLAnchorElement && list.contains(document.activeElement)
    ? document.activeElement.getAttribute("href") : null;
  list.replaceChildren(room);
  if (focused) list.querySelector(`a[href="${CSS.escape(focused)}"]`)?.closest("a")?.focus();
}

/**
 * @param {import("./alerts.js").Alert[]} all
 * @param {import("./alerts.js").Alert[]} fresh
 */
function say(all, fresh) {
  const said = element("waiting-said", HTMLElement);
  document.title = all.length ? `(${all.length}) ${title}` : title;
  if (!all.length) said.textContent = "";
  if (fresh.length) said.textContent = fresh.map(({ alert }) => alert).join(" ");
}

// -- the switches ----------------------------------------------------------------------------------------

function paintSwitches() {
  const state = "Notification" in window ? Notification.permission : "unsupported";
  notify.checked = notifies();
  notify.disabled = state === "unsupported";
  element("waiting-notify-blocked", HTMLElement).hidden = state !== "denied";
  element("waiting-sound-hint", HTMLElement).hidden = !sound.checked || ready();
}

const alerts = new Alerts(section.dataset.live ?? "", RINGS, {
  room: show,
  lost: (lost) => (element("waiting-lost", HTMLElement).hidden = !lost),
  alerts: say,
});
sound.checked = kept("localStorage", SOUND_OFF) === "";
sound.onchange = () => {
  kept("localStorage", SOUND_OFF, sound.checked ? "" : "yes");
  if (sound.checked) chime();
  else alerts.quiet();
  paintSwitches();
};
notify.onchange = async () => {
  if (notify.checked && Notification.permission === "default") await Notification.requestPermission();
  kept("localStorage", NOTIFY, notify.checked ? "yes" : "");
  paintSwitches();
};
for (const gesture of ["pointerdown", "keydown"]) {
  // Browsers let a page sound only after somebody touched it.
  document.addEventListener(gesture, () => window.setTimeout(paintSwitches, 200), { once: true });
}

element("waiting-switches", HTMLElement).hidden = false;
paintSwitches();
alerts.judge(alertsIn(list));

// @ts-check
/**
 * The waiting room on the first page, as it is now: a stream of pictures of it, and an alert for whoever waits for us.
 * Of several open pages one rings: the first that was opened.
 */

import { chime, ready } from "./chime.js";

const AGAIN_MS = 10_000;
const RING_AGAIN_MS = 20_000;
const RINGS = 4;
const KNOWN = "balie.alerted";
const SOUND = "balie.sound-off";

const section = element("waiting-room", HTMLElement);
const list = element("waiting-list", HTMLElement);
const said = element("waiting-said", HTMLElement);
const lost = element("waiting-lost", HTMLElement);
const sound = element("waiting-sound", HTMLInputElement);
const notify = element("waiting-notify", HTMLInputElement);
const words = section.dataset;
const title = document.title;

/** @type {EventSource | null} */
let stream = null;
let retry = 0;
let bell = 0;
let rings = 0;
/** This page is the one that rings. */
let first = !navigator.locks;

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

/**
 * @param {"sessionStorage" | "localStorage"} where
 * @param {string} key
 * @param {string} [value] undefined to read
 */
function kept(where, key, value) {
  try {
    if (value === undefined) return window[where].getItem(key) ?? "";
    if (value) window[where].setItem(key, value);
    else window[where].removeItem(key);
  } catch {
    // Site data is blocked: then a reload rings once more.
  }
  return value ?? "";
}

// -- the stream ------------------------------------------------------------------------------------------

function open() {
  clearTimeout(retry);
  if (stream) return;
  stream = new EventSource(words.live ?? "");
  stream.addEventListener("room", (event) => show(JSON.parse(event.data).html));
  stream.addEventListener("signed_out", () => location.reload());
  stream.addEventListener("open", () => (lost.hidden = true));
  stream.addEventListener("error", () => {
    lost.hidden = false;
    if (stream?.readyState !== EventSource.CLOSED) return; // the browser asks again by itself
    close();
    retry = window.setTimeout(open, AGAIN_MS);
  });
}

function close() {
  stream?.close();
  stream = null;
}

/** A page that nobody looks at and that does not ring need not listen: a browser has few connections. */
function decide() {
  if (first || !document.hidden) open();
  else close();
}

/** @param {string} html our own, from the server */
function show(html) {
  const focused = document.activeElement instanceof HTMLAnchorElement && list.contains(document.activeElement)
    ? document.activeElement.getAttribute("href") : null;
  const page = new DOMParser().parseFromString(html, "text/html");
  list.replaceChildren(...page.body.childNodes);
  if (focused) list.querySelector(`a[href="${CSS.escape(focused)}"]`)?.closest("a")?.focus();
  judge();
}

// -- the alert -------------------------------------------------------------------------------------------

/** What there is to do now, and what of it is new. */
function judge() {
  const known = kept("sessionStorage", KNOWN).split(" ");
  const all = [...list.querySelectorAll("[data-alert]")]
    .map((line) => (line instanceof HTMLElement ? line.dataset : {}))
    .filter(({ alert }) => alert);
  const fresh = all.filter(({ keys = "" }) => keys.split(" ").some((key) => !known.includes(key)));
  kept("sessionStorage", KNOWN, all.map(({ keys }) => keys).join(" "));
  document.title = all.length ? `(${all.length}) ${title}` : title;
  if (!all.length) quiet();
  if (!fresh.length) return;
  said.textContent = fresh.map(({ alert }) => alert).join(" ");
  if (!first) return;
  for (const { alert = "", keys = "" } of fresh) tell(alert, keys);
  rings = 0;
  ring();
}

function ring() {
  clearTimeout(bell);
  if (!sound.checked || rings >= RINGS) return;
  rings += 1;
  chime();
  bell = window.setTimeout(ring, RING_AGAIN_MS);
}

function quiet() {
  clearTimeout(bell);
  said.textContent = "";
}

/**
 * A notification of the system, which one sees in another window too.
 * @param {string} alert
 * @param {string} key
 */
function tell(alert, key) {
  if (!notify.checked || !document.hidden) return;
  try {
    const shown = new Notification(alert, { tag: key, icon: "/static/icon.svg" });
    shown.onclick = () => {
      window.focus();
      shown.close();
    };
  } catch {
    // Chrome on Android has them for service workers only.
  }
}

// -- the switches ----------------------------------------------------------------------------------------

function paintSwitches() {
  const state = "Notification" in window ? Notification.permission : "unsupported";
  notify.checked = state === "granted" && kept("localStorage", "balie.notify") === "yes";
  notify.disabled = state === "unsupported";
  element("waiting-notify-blocked", HTMLElement).hidden = state !== "denied";
  element("waiting-sound-hint", HTMLElement).hidden = !sound.checked || ready();
}

sound.checked = kept("localStorage", SOUND) === "";
sound.onchange = () => {
  kept("localStorage", SOUND, sound.checked ? "" : "yes");
  if (sound.checked) chime();
  else clearTimeout(bell);
  paintSwitches();
};
notify.onchange = async () => {
  if (notify.checked && Notification.permission === "default") await Notification.requestPermission();
  kept("localStorage", "balie.notify", notify.checked ? "yes" : "");
  paintSwitches();
};
for (const gesture of ["pointerdown", "keydown"]) {
  // Browsers let a page sound only after somebody touched it.
  document.addEventListener(gesture, () => window.setTimeout(paintSwitches, 200), { once: true });
}

element("waiting-switches", HTMLElement).hidden = false;
paintSwitches();
judge();
document.addEventListener("visibilitychange", decide);
void navigator.locks?.request("balie.alert", () => {
  first = true;
  decide();
  return new Promise(() => undefined); // until this page is closed
});
decide();

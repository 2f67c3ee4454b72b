// @ts-check
/**
 * Who waits for us, as the server sees it: a stream of pictures of the waiting room, and an alert for what is new in one.
 * Of several open pages one rings and notifies: the first that was opened.
 */

import { chime } from "./chime.js";

const AGAIN_MS = 10_000;
const RING_AGAIN_MS = 20_000;
const KNOWN = "balie.alerted";
export const SOUND_OFF = "balie.sound-off";
export const NOTIFY = "balie.notify";

/**
 * @typedef {object} Alert
 * @property {string} alert what there is to do, in words
 * @property {string} keys one a thing, with spaces between
 * @property {string} href where; "" for nowhere
 */

/**
 * What a page makes of it.
 * @typedef {object} Listener
 * @property {(room: DocumentFragment) => void} room a new picture, our own HTML
 * @property {(lost: boolean) => void} lost the stream is away, or back
 * @property {(all: Alert[], fresh: Alert[]) => void} alerts everything that there is to do, and what of it is new
 */

/**
 * @param {"sessionStorage" | "localStorage"} where
 * @param {string} key
 * @param {string} [value] undefined to read
 */
export function kept(where, key, value) {
  try {
    if (value === undefined) return window[where].getItem(key) ?? "";
    if (value) window[where].setItem(key, value);
    else window[where].removeItem(key);
  } catch {
    // Site data is blocked: then a reload rings once more.
  }
  return value ?? "";
}

export class Alerts {
  /**
   * @param {string} live where the stream is
   * @param {number} rings how often a bell is heard for one thing
   * @param {Listener} listener
   */
  constructor(live, rings, listener) {
    this.live = live;
    this.most = rings;
    this.listener = listener;
    /** @type {EventSource | null} */
    this.stream = null;
    this.retry = 0;
    this.bell = 0;
    this.rings = 0;
    /** This page is the one that rings. */
    this.first = !navigator.locks;
    document.addEventListener("visibilitychange", () => this.decide());
    void navigator.locks?.request("balie.alert", () => {
      this.first = true;
      this.decide();
      return new Promise(() => undefined); // until this page is closed
    });
    this.decide();
  }

  /** A page that nobody looks at and that does not ring need not listen: a browser has few connections. */
  decide() {
    if (this.first || !document.hidden) this.open();
    else this.close();
  }

  open() {
    clearTimeout(this.retry);
    if (this.stream) return;
    const stream = new EventSource(this.live);
    this.stream = stream;
    stream.addEventListener("room", (event) => this.show(JSON.parse(event.data).html));
    stream.addEventListener("signed_out", () => this.signedOut());
    stream.addEventListener("open", () => this.listener.lost(false));
    stream.addEventListener("error", () => {
      this.listener.lost(true);
      if (stream.readyState !== EventSource.CLOSED) return; // the browser asks again by itself
      this.close();
      this.retry = window.setTimeout(() => this.open(), AGAIN_MS);
    });
  }

  close() {
    this.stream?.close();
    this.stream = null;
  }

  /** A call goes on, whatever becomes of the session. */
  signedOut() {
    if (document.body.dataset.state === undefined) location.reload();
    else this.close();
  }

  /** @param {string} html our own, from the server */
  show(html) {
    const room = document.createDocumentFragment();
    room.append(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
    const all = alertsIn(room);
    this.listener.room(room);
    this.judge(all);
  }

  /**
   * What there is to do now, and what of it is new.
   * @param {Alert[]} all
   */
  judge(all) {
    const known = kept("sessionStorage", KNOWN).split(" ");
    const fresh = all.filter(({ keys }) => keys.split(" ").some((key) => !known.includes(key)));
    kept("sessionStorage", KNOWN, all.map(({ keys }) => keys).join(" "));
    if (!all.length) this.quiet();
    this.listener.alerts(all, fresh);
    if (!fresh.length || !this.first) return;
    for (const each of fresh) notify(each);
    this.rings = 0;
    this.ring();
  }

  ring() {
    clearTimeout(this.bell);
    if (kept("localStorage", SOUND_OFF) || this.rings >= this.most) return;
    this.rings += 1;
    chime();
    this.bell = window.setTimeout(() => this.ring(), RING_AGAIN_MS);
  }

  quiet() {
    clearTimeout(this.bell);
  }
}

/**
 * What a picture of the waiting room says that there is to do.
 * @param {ParentNode} room
 * @returns {Alert[]}
 */
export function alertsIn(room) {
  const found = [];
  for (const line of room.querySelectorAll("[data-alert]")) {
    const { alert = "", keys = "" } = line instanceof HTMLElement ? line.dataset : {};
    if (alert) found.push({ alert, keys, href: line.querySelector("a[href]")?.getAttribute("href") ?? "" });
  }
  return found;
}

/** Whether staff wants notifications of the system, and the browser allows them. */
export function notifies() {
  return "Notification" in window && Notification.permission === "granted" && kept("localStorage", NOTIFY) === "yes";
}

/**
 * A notification of the system, which one sees in another window too.
 * @param {Alert} about
 */
function notify({ alert, keys }) {
  if (!notifies() || !document.hidden) return;
  try {
    const shown = new Notification(alert, { tag: keys, icon: "/static/icon.svg" });
    shown.onclick = () => {
      window.focus();
      shown.close();
    };
  } catch {
    // Chrome on Android has them for service workers only.
  }
}

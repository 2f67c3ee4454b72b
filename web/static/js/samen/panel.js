// @ts-check
/**
 * A panel that follows the server: fetched again at every change, with one request on its way at a time, and its forms
 * sent from here so that the call goes on.  Says what changed, once, and nothing of what only moved.
 */

import { morph } from "./morph.js";

/** Sentences of one change: more would not be listened to. */
const SAID_MAX = 3;

/** When to ask again after the server was not reached, in ms, the last for good; about so, for many ask at once. */
const RETRIES_MS = [1_000, 2_000, 5_000, 10_000, 30_000];

export class Panel {
  /**
   * @param {object} parts
   * @param {() => HTMLElement | null} parts.body what is fetched, with this id in the answer too
   * @param {HTMLElement} parts.lost shown while a request did not work
   * @param {(words: string) => void} parts.say
   * @param {() => void} [parts.before] before a change of the page: what a script put there is taken away
   * @param {() => void} [parts.painted] after it
   * @param {() => HTMLElement | null} [parts.next] takes the focus when what had it is gone; else the top of the panel
   */
  constructor({ body, lost, say, before = () => {}, painted = () => {}, next = () => null }) {
    this.body = body;
    this.lost = lost;
    this.lostWords = lost.textContent ?? "";
    this.say = say;
    this.before = before;
    this.painted = painted;
    this.next = next;
    this.busy = false;
    this.again = false;
    /** The last request did not reach the server, or the server was not well: what it tells is still to come. */
    this.unreached = false;
    this.retries = 0;
    this.timer = 0;
    /** Answers are put in the page in the order of their questions. */
    this.asked = 0;
    this.shown = 0;
    /** @type {Map<string, string> | null} none: nothing was shown yet, so that nothing is news */
    this.said = null;
  }

  /** @param {string} path */
  async refresh(path) {
    if (this.busy) {
      this.again = true;
      return;
    }
    this.busy = true;
    clearTimeout(this.timer);
    do {
      this.again = false;
      await this.fetch(path);
    } while (this.again);
    this.busy = false;
    if (!this.unreached) {
      this.retries = 0;
      return;
    }
    const wait = RETRIES_MS[Math.min(this.retries++, RETRIES_MS.length - 1)] ?? 0;
    this.timer = setTimeout(() => void this.refresh(path), wait * (0.75 + Math.random() / 2));
  }

  /**
   * Fetch the panel, or send one of its forms.  Returns whether the server took it.
   * @param {string} path
   * @param {URLSearchParams} [form]
   */
  async fetch(path, form) {
    const mine = ++this.asked;
    try {
      const method = form ? "POST" : "GET";
      const response = await fetch(path, { method, body: form, cache: "no-store", headers: { Accept: "text/html" } });
      this.unreached = response.status >= 500;
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      if (response.redirected || !(response.ok || response.status === 422)) {
        // Who may not do this reads why.
        throw new Error(response.status === 403 ? page.querySelector("[data-why]")?.textContent?.trim() : "");
      }
      this.lost.hidden = true;
      if (mine > this.shown) this.paint(page);
      this.shown = Math.max(this.shown, mine);
      return response.ok;
    } catch (error) {
      this.unreached ||= error instanceof TypeError;
      this.lost.textContent = (error instanceof Error && !(error instanceof TypeError) && error.message) || this.lostWords;
      this.lost.hidden = false;
      return false;
    }
  }

  /** @param {Document} page */
  paint(page) {
    const body = this.body();
    const fresh = body && page.getElementById(body.id);
    if (!body || !fresh) return;
    const focused = body.contains(document.activeElement);
    this.before();
    morph(body, fresh);
    // What had the focus is gone: not to the top of the page, but to what comes next here.
    if (focused && document.activeElement === document.body) this.heading()?.focus();
    this.painted();
    this.tell();
  }

  heading() {
    const heading = this.next() ?? this.body()?.querySelector("h3");
    if (heading) heading.tabIndex = -1;
    return heading;
  }

  /** Says what is not as it was. */
  tell() {
    /** @type {Map<string, string>} */
    const now = new Map();
    for (const each of this.body()?.querySelectorAll("[data-said]") ?? []) {
      const { key = "", said = "", pointedSaid = "" } = /** @type {HTMLElement} */ (each).dataset;
      // What somebody does himself is not said, and if he gives up, not what was said before either.
      now.set(key, said || (this.said?.get(key) ?? ""));
      if (pointedSaid) now.set(`${key} pointed`, pointedSaid);
    }
    const changed = [...now].filter(([key, words]) => words && this.said && this.said.get(key) !== words);
    const fresh = changed.map(([, words]) => words);
    this.said = now;
    if (fresh.length) this.say(fresh.slice(0, SAID_MAX).join(" "));
  }

  /**
   * Send a form; then what was wrong with it has the focus, or what it gave.
   * @param {HTMLFormElement} form
   * @param {HTMLElement | null} button
   * @param {Record<string, string>} [more]
   */
  async send(form, button, more = {}) {
    const pressed = button ?? form;
    if (pressed.ariaBusy === "true") return; // twice is an accident; another button of it is not
    pressed.ariaBusy = "true";
    const sent = new URLSearchParams(more);
    for (const [name, value] of new FormData(form, button)) sent.append(name, String(value));
    const taken = await this.fetch(form.getAttribute("action") ?? "", sent);
    pressed.ariaBusy = null;
    if (taken) form.reset();
    const next = taken ? null : this.body()?.querySelector("[aria-invalid=true], .field-error");
    if (next instanceof HTMLElement) {
      if (!next.matches("input, select, textarea")) next.tabIndex = -1;
      next.focus();
    }
  }
}

// @ts-check
/**
 * Real-time text (EN 301 549, clause 6): others read what somebody types while he types it.  What is said for good is in
 * the list of messages; what is being typed stands under it, where a screen reader finds it without being interrupted by
 * every letter.
 */

import { announce, element, recall, remember, text } from "./page.js";
import { hear, tell } from "./wire.js";

/** @typedef {import("./captions.js").Captions} Captions */

/** Half a second is the most that the standard allows, from key to eye. */
const SEND_MS = 150;
const LINE_MAX = 500;
/** Somebody who stopped in the middle of a line went away, or his network did. */
const FADES_MS = 60000;
const OFF = "balie.typing-off";

export class LiveText {
  /**
   * @param {HTMLTextAreaElement} box where we type
   * @param {() => string | null} to one person, or null for everybody
   * @param {Captions} captions
   * @param {() => boolean} isOpen whether the messages are on the screen
   */
  constructor(box, to, captions, isOpen) {
    this.box = box;
    this.to = to;
    this.captions = captions;
    this.isOpen = isOpen;
    this.place = element("chat-live", HTMLDivElement);
    this.box.oninput = () => this.typed();
    this.switch = element("chat-rtt", HTMLInputElement);
    this.switch.checked = recall("local", OFF) === "";
    this.switch.onchange = () => {
      remember("local", OFF, this.switch.checked ? "" : "yes");
      this.send(this.switch.checked ? this.box.value : "");
    };
    this.sentAt = 0;
    this.sent = "";
    this.later = 0;
    /** @type {Map<string, string>} names of who is here */
    this.names = new Map();
    /** @type {Map<string, {words: string, timer: number}>} what others type */
    this.lines = new Map();
    hear("welcome", ({ participants }) => this.here(participants));
    hear("admitted", ({ participants }) => this.here(participants));
    hear("joined", ({ participant }) => this.names.set(participant.id, participant.name));
    hear("left", ({ participant }) => this.said(participant));
    hear("typing", (message) => this.heard(message.participant, message.text));
    hear("lobby", ({ people }) => this.here(people));
  }

  /** @param {{id: string, name: string}[]} people */
  here(people) {
    for (const { id, name } of people) this.names.set(id, name);
  }

  // -- ours ------------------------------------------------------------------------------------------

  typed() {
    if (!this.switch.checked) return;
    clearTimeout(this.later);
    const wait = this.sentAt + SEND_MS - Date.now();
    if (wait > 0) this.later = window.setTimeout(() => this.send(this.box.value), wait);
    else this.send(this.box.value);
  }

  /** @param {string} words */
  send(words) {
    clearTimeout(this.later);
    // The end of a long text is what is being written.
    const line = words.slice(-LINE_MAX);
    if (line === this.sent) return;
    this.sentAt = Date.now();
    if (tell({ type: "typing", text: line, to: this.to() })) this.sent = line;
  }

  /** It was sent as a message, which takes its place everywhere. */
  cleared() {
    clearTimeout(this.later);
    this.send("");
  }

  /** A connection is there again: nobody knows any more what others and we were typing. */
  begin() {
    for (const id of [...this.lines.keys()]) this.said(id);
    this.sent = "";
    if (this.switch.checked) this.send(this.box.value);
  }

  // -- others' ---------------------------------------------------------------------------------------

  /**
   * @param {string} id
   * @param {string} words
   */
  heard(id, words) {
    const known = this.lines.get(id);
    clearTimeout(known?.timer);
    if (!words) {
      this.said(id);
      return;
    }
    if (!known) announce(text("types", { name: this.names.get(id) ?? "" }));
    this.lines.set(id, { words, timer: window.setTimeout(() => this.said(id), FADES_MS) });
    this.paint();
  }

  /**
   * Nothing of this person is being typed any more.
   * @param {string} id
   */
  said(id) {
    clearTimeout(this.lines.get(id)?.timer);
    if (!this.lines.delete(id)) return;
    this.captions.hide(id);
    this.paint();
  }

  paint() {
    for (const line of this.place.querySelectorAll("p")) {
      if (!this.lines.has(line.dataset.participant ?? "")) line.remove();
    }
    for (const [id, { words }] of this.lines) {
      const name = this.names.get(id) ?? "";
      if (!this.isOpen()) this.captions.show(id, name, words, false);
      /** @type {HTMLElement | null} */
      let line = this.place.querySelector(`p[data-participant="${CSS.escape(id)}"]`);
      if (!line) {
        line = document.createElement("p");
        line.dataset.participant = id;
        const who = document.createElement("strong");
        who.textContent = `${text("types", { name })} `;
        line.append(who, document.createElement("span"));
        this.place.append(line);
      }
      const place = line.querySelector("span");
      if (!place || place.textContent === words) continue;
      place.textContent = words;
      line.scrollIntoView({ block: "nearest" });
    }
  }
}

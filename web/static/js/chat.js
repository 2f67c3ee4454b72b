// @ts-check
/** The messages of a call: a list that screen readers follow, a box to write in, and how many are unread. */

import { Captions } from "./captions.js";
import { announce, element, text, write } from "./page.js";
import { roleOf } from "./people.js";
import { LiveText } from "./realtime_text.js";
import { hear, tell } from "./wire.js";

/**
 * @typedef {import("./protocol.js").Chat} Message
 * @typedef {{id: string, name: string, held: boolean}} Waiting
 */

export class Chat {
  /** @param {Captions} captions where a message shows while the list is closed */
  constructor(captions) {
    this.panel = element("chat", HTMLElement);
    this.list = element("chat-list", HTMLDivElement);
    this.log = element("chat-log", HTMLDivElement);
    this.box = element("chat-text", HTMLTextAreaElement);
    this.to = element("chat-to", HTMLSelectElement);
    this.captions = captions;
    this.me = "";
    this.unread = 0;
    /** @type {Set<string>} messages that are on the page: after a lost connection some come twice */
    this.shown = new Set();
    /** @type {{text: string, to: string | null, place: string}[]} ours that did not come back: perhaps lost on the way */
    this.sent = [];
    /** Of the ping after which everything has come back that will; 0 for none. */
    this.settled = 0;
    this.live = new LiveText(this.box, () => this.to.value || null, captions, () => this.isOpen);
    hear("welcome", (welcome) => this.begin(welcome.you.id, welcome.chat, welcome.resumed));
    hear("pong", ({ at }) => this.sendAgain(at));
    hear("error", ({ re }) => re === "chat" && this.sent.shift()); // refused: it is not lost
    hear("chat", (message) => this.take(message, true));
    hear("lobby", ({ people }) => this.waiting(people));
    element("chat-form", HTMLFormElement).onsubmit = (event) => {
      event.preventDefault();
      this.send();
    };
    this.box.onkeydown = (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.send();
    };
    const open = element("chat-open", HTMLButtonElement);
    open.onclick = () => this.toggle(!this.isOpen);
    element("chat-close", HTMLButtonElement).onclick = () => {
      this.toggle(false);
      open.focus();
    };
    this.panel.onkeydown = (event) => {
      if (event.key !== "Escape" || this.panel.dataset.place !== "call") return;
      this.toggle(false);
      open.focus();
    };
  }

  get isOpen() {
    return !this.panel.hidden;
  }

  /**
   * In the waiting room it is always there; in the call it opens and closes.
   * @param {"waiting" | "call"} place
   */
  moveTo(place) {
    if (this.panel.dataset.place === place) return;
    this.panel.dataset.place = place;
    element(place === "waiting" ? "waiting-chat" : "call-chat", HTMLDivElement).append(this.panel);
    element("chat-close", HTMLButtonElement).hidden = place === "waiting";
    this.toggle(place === "waiting", false);
  }

  /**
   * @param {boolean} open
   * @param {boolean} [focus] go and write
   */
  toggle(open, focus = true) {
    this.panel.hidden = !open;
    document.body.dataset.chat = open && this.panel.dataset.place === "call" ? "open" : "closed";
    element("chat-open", HTMLButtonElement).ariaExpanded = String(open);
    if (open) {
      this.count(0);
      this.captions.clear();
      this.list.scrollTop = this.list.scrollHeight;
      if (focus) this.box.focus();
    }
    this.live.paint();
  }

  /**
   * @param {string} me
   * @param {Message[]} said
   * @param {boolean} resumed what we missed comes after this
   */
  begin(me, said, resumed) {
    this.me = me;
    const known = said.some((message) => this.shown.has(keyOf(message)));
    if (!resumed && !known && this.shown.size) this.forgotten();
    for (const message of said) this.take(message, false);
    this.settled = this.sent.length ? Date.now() : 0;
    if (this.settled) tell({ type: "ping", at: this.settled });
    this.live.begin();
  }

  /** The server began anew and keeps nothing: it is said. */
  forgotten() {
    const note = document.createElement("p");
    note.className = "small";
    note.textContent = text("chat_forgotten");
    this.log.append(note);
    this.shown.clear(); // once is enough
  }

  /**
   * A connection that broke took these with it.
   * @param {number} at
   */
  sendAgain(at) {
    if (at !== this.settled) return;
    this.settled = 0;
    for (const message of this.sent.splice(0)) {
      if (message.place !== this.panel.dataset.place) this.box.value ||= message.text; // others would read it here
      else if (!this.say(message.text, message.to)) this.sent.push(message);
    }
  }

  /**
   * @param {string} words
   * @param {string | null} to
   * @returns {boolean} whether it went out
   */
  say(words, to) {
    const out = tell({ type: "chat", text: words, to });
    if (out) this.sent.push({ text: words, to, place: this.panel.dataset.place ?? "" });
    return out;
  }

  /**
   * @param {Message} message
   * @param {boolean} fresh said now, not before we came
   */
  take(message, fresh) {
    const key = keyOf(message);
    if (this.shown.has(key)) return;
    this.shown.add(key);
    const mine = message.from === this.me;
    const first = mine ? this.sent.findIndex((each) => each.text === message.text) : -1;
    if (first >= 0) this.sent.splice(first, 1);
    const name = mine ? text("you") : message.name;
    this.log.append(line(message, name, mine));
    this.list.scrollTop = this.list.scrollHeight;
    element("chat-none", HTMLParagraphElement).hidden = true;
    this.live.said(message.from);
    if (mine || this.isOpen) return;
    this.count(this.unread + 1);
    if (!fresh) return;
    this.captions.show(message.from, name, message.text, true);
    announce(text("chat_from", { name, text: message.text }));
  }

  /** @param {number} unread */
  count(unread) {
    this.unread = unread;
    const badge = element("chat-unread", HTMLSpanElement);
    badge.hidden = unread === 0;
    badge.textContent = unread ? String(unread) : "";
    const words = unread === 0 ? "chat" : unread === 1 ? "chat_unread_1" : "chat_unread_n";
    element("chat-open", HTMLButtonElement).ariaLabel = text(words, { n: String(unread) });
  }

  send() {
    const words = this.box.value.trim();
    if (!words) {
      this.box.focus();
      return;
    }
    if (!this.say(words, this.to.value || null)) {
      write("chat-problem", text("chat_later"));
      return;
    }
    write("chat-problem", "");
    this.box.value = "";
    this.live.cleared();
  }

  /**
   * Staff may write to one who waits.
   * @param {Waiting[]} people
   */
  waiting(people) {
    const chosen = this.to.value;
    this.to.replaceChildren(new Option(text("chat_to_all"), ""));
    for (const { id, name } of people) this.to.append(new Option(text("chat_to_waiting", { name }), id));
    this.to.value = people.some(({ id }) => id === chosen) ? chosen : "";
    const label = this.to.closest("label");
    if (label) label.hidden = people.length === 0;
  }
}

/**
 * A server that started anew counts anew.
 * @param {Message} message
 */
function keyOf({ id, at }) {
  return `${id} ${at}`;
}

/**
 * @param {Message} message
 * @param {string} name
 * @param {boolean} mine
 */
function line(message, name, mine) {
  const place = document.createElement("p");
  place.className = mine ? "said mine" : "said";
  const who = document.createElement("strong");
  who.textContent = mine ? name : `${name}, ${roleOf({ role: message.role, label: "" })}`;
  const at = document.createElement("time");
  const moment = new Date(message.at);
  at.dateTime = moment.toISOString();
  at.textContent = moment.toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
  const words = document.createElement("span");
  words.className = "words";
  words.textContent = message.text;
  place.append(who, " ", at, " ", words);
  return place;
}

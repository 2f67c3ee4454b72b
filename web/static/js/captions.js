// @ts-check
/** Words over the pictures, a line per person: what is typed or sent while the messages are closed; captions, where there are. */

import { element } from "./page.js";

const LINES = 3;
/** Long enough to read some thirty words. */
const STAYS_MS = 9000;

export class Captions {
  constructor() {
    this.place = element("captions", HTMLDivElement);
    /** @type {Map<string, number>} timers, by whose line it is */
    this.timers = new Map();
  }

  /**
   * @param {string} id whose
   * @param {string} name
   * @param {string} words as they stand now
   * @param {boolean} done no more comes: it goes after a while
   */
  show(id, name, words, done) {
    clearTimeout(this.timers.get(id));
    let line = this.line(id);
    if (!line) {
      line = document.createElement("p");
      line.dataset.participant = id;
      line.append(document.createElement("strong"), " ", document.createElement("span"));
    }
    const [who, said] = [line.querySelector("strong"), line.querySelector("span")];
    if (who) who.textContent = `${name}:`;
    if (said) said.textContent = words;
    if (!line.isConnected) this.place.append(line);
    while (this.place.childElementCount > LINES) this.place.firstElementChild?.remove();
    this.place.hidden = false;
    line.scrollTop = line.scrollHeight; // the last words are the new ones
    if (done) this.timers.set(id, window.setTimeout(() => this.hide(id), STAYS_MS));
  }

  /** @param {string} id */
  line(id) {
    return /** @type {HTMLElement | null} */ (this.place.querySelector(`p[data-participant="${CSS.escape(id)}"]`));
  }

  /** @param {string} id */
  hide(id) {
    this.line(id)?.remove();
    this.place.hidden = this.place.childElementCount === 0;
  }

  clear() {
    this.place.replaceChildren();
    this.place.hidden = true;
  }
}

// @ts-check
/** For who shares a screen: while somebody points at it, a small picture of it with the dots. */

import { element, text, write } from "./page.js";
import { Dots } from "./pointer.js";

const STAYS_MS = 4000;

export class Pointed {
  constructor() {
    this.box = element("pointed", HTMLDivElement);
    const picture = element("pointed-screen", HTMLVideoElement);
    this.picture = picture;
    this.dots = new Dots(element("pointed-sheet", HTMLDivElement), picture);
    this.timer = 0;
  }

  /**
   * @param {MediaStreamTrack | null} screen ours
   * @param {string} id
   * @param {string} name
   * @param {number | null} x
   * @param {number | null} y
   */
  show(screen, id, name, x, y) {
    if (!screen) {
      this.hide();
      return;
    }
    this.dots.show(id, name, x, y);
    if (x === null) return;
    if (this.box.hidden) {
      this.picture.srcObject = new MediaStream([screen]);
      write("pointed-words", text("points", { name }));
      this.box.hidden = false;
    }
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.hide(), STAYS_MS);
  }

  hide() {
    clearTimeout(this.timer);
    this.box.hidden = true;
    this.picture.srcObject = null;
  }
}

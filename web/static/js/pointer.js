// @ts-check
/** Pointing at a shared screen: a dot with a name, where somebody's mouse, finger or arrow keys are. */

import { announce, text } from "./page.js";
import { tileButton } from "./tile.js";
import { tell } from "./wire.js";

/** Twenty times a second is smooth, and under what the server takes. */
const SEND_MS = 50;
const FADES_MS = 3000;
/** Of the screen, for one press of an arrow key. */
const KEY_STEP = 0.02;
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Where the picture stands in its box: what is whole has bars beside it or above it.
 * @param {HTMLVideoElement} picture
 */
function pictureIn(picture) {
  const { clientWidth: width, clientHeight: height, videoWidth, videoHeight } = picture;
  const scale = Math.min(width / (videoWidth || 16), height / (videoHeight || 9));
  const [wide, high] = [(videoWidth || 16) * scale, (videoHeight || 9) * scale];
  return { left: (width - wide) / 2, top: (height - high) / 2, wide, high };
}

/** The dots on one picture. */
export class Dots {
  /**
   * @param {HTMLElement} sheet as large as the picture's box
   * @param {HTMLVideoElement} picture
   */
  constructor(sheet, picture) {
    this.sheet = sheet;
    this.picture = picture;
    /** @type {Map<string, {dot: HTMLElement, timer: number}>} */
    this.dots = new Map();
  }

  /**
   * @param {string} id
   * @param {string} name
   * @param {number | null} x 0 to 1 of the picture; null: not any more
   * @param {number | null} y
   */
  show(id, name, x, y) {
    const known = this.dots.get(id);
    clearTimeout(known?.timer);
    if (x === null || y === null) {
      known?.dot.remove();
      this.dots.delete(id);
      return;
    }
    const dot = known?.dot ?? document.createElement("span");
    if (!known) {
      dot.className = "dot";
      dot.dataset.name = name;
      const words = document.createElement("span");
      words.textContent = name;
      dot.append(words);
      this.sheet.append(dot);
    }
    const { left, top, wide, high } = pictureIn(this.picture);
    dot.style.setProperty("--x", `${left + x * wide}px`);
    dot.style.setProperty("--y", `${top + y * high}px`);
    // A name at the right edge would be cut off.
    dot.dataset.side = x > 0.6 ? "left" : "right";
    this.dots.set(id, { dot, timer: window.setTimeout(() => this.show(id, name, null, null), FADES_MS) });
  }
}

/** Our own hand on somebody's screen. */
export class Pointing {
  /**
   * @param {HTMLElement} sheet
   * @param {HTMLVideoElement} picture
   * @param {Dots} dots
   */
  constructor(sheet, picture, dots) {
    this.sheet = sheet;
    this.picture = picture;
    this.dots = dots;
    this.on = false;
    this.at = { x: 0.5, y: 0.5 };
    this.sentAt = 0;
    this.later = 0;
    this.button = tileButton("point", text("point"), () => this.toggle());
    this.button.ariaPressed = "false";
    this.button.onkeydown = (event) => this.key(event);
    sheet.addEventListener("pointermove", (event) => this.move(event));
    sheet.addEventListener("pointerdown", (event) => this.move(event));
    sheet.addEventListener("pointerleave", () => this.away());
  }

  toggle() {
    this.on = !this.on;
    this.button.ariaPressed = String(this.on);
    this.sheet.dataset.pointing = this.on ? "yes" : "no";
    if (this.on) announce(text("point_help"));
    else this.away();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const by = ARROWS[event.key];
    if (!this.on || !by) return;
    event.preventDefault();
    this.to(this.at.x + by[0] * KEY_STEP, this.at.y + by[1] * KEY_STEP);
  }

  /** @param {PointerEvent} event */
  move(event) {
    if (!this.on) return;
    const box = this.picture.getBoundingClientRect();
    const { left, top, wide, high } = pictureIn(this.picture);
    this.to((event.clientX - box.left - left) / wide, (event.clientY - box.top - top) / high);
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  to(x, y) {
    const within = (/** @type {number} */ each) => Math.round(Math.max(0, Math.min(1, each)) * 10000) / 10000;
    this.at = { x: within(x), y: within(y) };
    this.dots.show("", text("you"), this.at.x, this.at.y);
    clearTimeout(this.later);
    const wait = this.sentAt + SEND_MS - Date.now();
    if (wait > 0) this.later = window.setTimeout(() => this.send(), wait);
    else this.send();
  }

  send() {
    this.sentAt = Date.now();
    tell({ type: "pointer", x: this.at.x, y: this.at.y });
  }

  away() {
    clearTimeout(this.later);
    if (this.sentAt) tell({ type: "pointer", x: null, y: null });
    this.sentAt = 0;
    this.dots.show("", "", null, null);
  }
}

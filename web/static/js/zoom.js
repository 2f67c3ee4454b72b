// @ts-check
/** A shared screen closer by: its picture grows in a box that scrolls, by finger, wheel or arrow keys. */

import { text } from "./page.js";
import { tileButton } from "./tile.js";

const STEPS = [1, 1.5, 2, 3];

export class Zoom {
  /**
   * @param {HTMLElement} tile its video moves into the box
   * @param {HTMLVideoElement} picture
   */
  constructor(tile, picture) {
    this.step = 0;
    this.box = document.createElement("div");
    this.box.className = "zoom";
    this.sheet = document.createElement("div");
    this.sheet.className = "sheet-of-screen";
    this.sheet.append(picture);
    this.box.append(this.sheet);
    tile.prepend(this.box);
    this.smaller = tileButton("zoom-out", "−", () => this.go(-1));
    this.larger = tileButton("zoom-in", "+", () => this.go(1));
    this.smaller.ariaLabel = text("zoom_out");
    this.larger.ariaLabel = text("zoom_in");
    this.paint();
  }

  get buttons() {
    return [this.smaller, this.larger];
  }

  /** @param {1 | -1} by */
  go(by) {
    const pressed = document.activeElement;
    const before = STEPS[this.step] ?? 1;
    this.step = Math.max(0, Math.min(STEPS.length - 1, this.step + by));
    const ratio = (STEPS[this.step] ?? 1) / before;
    const { box } = this;
    // What was in the middle stays there.
    const left = (box.scrollLeft + box.clientWidth / 2) * ratio - box.clientWidth / 2;
    const top = (box.scrollTop + box.clientHeight / 2) * ratio - box.clientHeight / 2;
    this.paint();
    // A button that can do no more gives the focus to the other, or it would fall off the page.
    if (pressed === this.smaller && this.smaller.disabled) this.larger.focus();
    if (pressed === this.larger && this.larger.disabled) this.smaller.focus();
    box.scrollTo(left, top);
  }

  paint() {
    const zoom = STEPS[this.step] ?? 1;
    this.sheet.style.setProperty("--zoom", String(zoom));
    this.smaller.disabled = this.step === 0;
    this.larger.disabled = this.step === STEPS.length - 1;
    // Only what scrolls is a stop for the Tab key.
    if (zoom > 1) {
      this.box.tabIndex = 0;
      this.box.role = "region";
      this.box.ariaLabel = text("zoom_box");
    } else {
      this.box.removeAttribute("tabindex");
      this.box.removeAttribute("role");
      this.box.removeAttribute("aria-label");
    }
  }
}

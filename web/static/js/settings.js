// @ts-check
/** The dialog with what somebody may want otherwise: devices, background, signing, a picture in a corner of his screen. */

import { explain } from "./devices.js";
import { element, text, write } from "./page.js";

/** @typedef {import("./conversation.js").Conversation} Conversation */

export class Settings {
  /**
   * @param {Conversation} conversation
   * @param {(words: string) => void} say a problem, and what to do
   */
  constructor(conversation, say) {
    this.conversation = conversation;
    this.say = say;
    this.dialog = element("devices", HTMLDialogElement);
    this.blur = element("blur", HTMLInputElement);
    this.signs = element("signs", HTMLInputElement);
    this.corner = element("corner", HTMLButtonElement);
    this.blur.onchange = () => void this.setBlur();
    this.signs.checked = conversation.sending.signs;
    this.signs.onchange = () => void conversation.sending.setSigns(this.signs.checked);
    this.corner.onclick = () => void this.toCorner();
    element("flip", HTMLButtonElement).onclick = () => void this.flip();
  }

  show() {
    write("devices-status", "");
    this.paint();
    this.dialog.showModal();
  }

  paint() {
    const { devices, tiles } = this.conversation;
    hideLine(this.blur, !devices.blurs);
    this.corner.hidden = !document.pictureInPictureEnabled || tiles.main === null;
  }

  async setBlur() {
    const on = await this.conversation.devices.blur(this.blur.checked);
    if (on !== this.blur.checked) write("devices-status", text("blur_failed"));
    this.blur.checked = on;
  }

  async flip() {
    try {
      await this.conversation.sending.flip();
      write("devices-status", "");
    } catch (error) {
      write("devices-status", explain(error));
    }
    await this.conversation.devices.list();
  }

  /** Whom we look at, in a small window above other programs. */
  async toCorner() {
    const picture = this.conversation.tiles.main;
    this.dialog.close();
    try {
      if (document.pictureInPictureElement) await document.exitPictureInPicture();
      else await picture?.requestPictureInPicture();
    } catch {
      this.say(text("corner_failed"));
    }
  }
}

/**
 * @param {HTMLInputElement} input
 * @param {boolean} hidden
 */
function hideLine(input, hidden) {
  const line = input.closest("p");
  if (line) line.hidden = hidden;
}

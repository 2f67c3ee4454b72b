// @ts-check
/** The door: one's own picture, a level meter, a choice of devices, and what to do when one does not work. */

import { explain, watchLevel } from "./devices.js";
import { element, markUpright, text, write } from "./page.js";

/**
 * @typedef {import("./devices.js").Devices} Devices
 * @typedef {import("./devices.js").Device} Device
 */

/** A prompt of the browser that is not answered after so long deserves an explanation. */
const PROMPT_MS = 800;
/** Of 100: above the noise of a quiet room. */
const HEARD = 12;
const SILENT_MS = 5000;

export class Door {
  /** @param {Devices} devices */
  constructor(devices) {
    this.devices = devices;
    this.stopMeter = () => {};
    this.closed = false;
    element("door-flip", HTMLButtonElement).onclick = () => void this.flip();
    markUpright(element("preview", HTMLVideoElement));
  }

  /**
   * Start camera and microphone, and show what they give.
   * @returns {Promise<string>} what is wrong with them, if anything
   */
  async open() {
    const retry = element("retry", HTMLButtonElement);
    retry.hidden = true;
    write("door-status", "");
    write("preview-message", text("starting"));
    const slow = window.setTimeout(() => write("preview-message", text("allow")), PROMPT_MS);
    const problem = await this.devices.open();
    clearTimeout(slow);
    await this.devices.list();
    if (this.closed) return problem;
    retry.hidden = !problem;
    write("door-status", problem);
    this.show();
    const { camera, microphone } = this.devices.tracks;
    element("door-devices", HTMLDivElement).hidden = !camera && !microphone;
    return problem;
  }

  /** What there is of camera and microphone now. */
  show() {
    if (this.closed) return;
    const { camera, microphone } = this.devices.tracks;
    element("preview", HTMLVideoElement).srcObject = camera ? new MediaStream([camera]) : null;
    write("preview-message", camera ? "" : text(microphone ? "without_camera" : "without_devices"));
    this.stopMeter();
    this.stopMeter = () => {};
    element("level", HTMLMeterElement).value = 0;
    write("level-words", microphone ? "" : text("without_microphone"));
    if (microphone) this.listen(microphone);
  }

  /** @param {MediaStreamTrack} microphone */
  listen(microphone) {
    const meter = element("level", HTMLMeterElement);
    let quiet = Date.now();
    this.stopMeter = watchLevel(microphone, (level) => {
      meter.value = level;
      if (level > HEARD) {
        quiet = Number.POSITIVE_INFINITY; // once heard is enough: words that come and go are restless
        write("level-words", text("sound"));
      } else if (Date.now() - quiet > SILENT_MS) write("level-words", text("no_sound_yet"));
    });
  }

  /**
   * Another camera or microphone.
   * @param {Device} device
   * @param {string} id
   */
  async choose(device, id) {
    try {
      await this.devices.reopen(device, id);
      write("door-status", "");
    } catch (error) {
      write("door-status", explain(error));
    }
    this.show();
    await this.devices.list();
  }

  async flip() {
    try {
      await this.devices.flip();
      write("door-status", "");
    } catch (error) {
      write("door-status", explain(error));
    }
    this.show();
  }

  /** The person is before the door again, his devices still open. */
  reopen() {
    this.closed = false;
    this.show();
  }

  /** The person goes in: the devices stay open. */
  close() {
    this.closed = true;
    this.stopMeter();
    this.stopMeter = () => {};
    element("preview", HTMLVideoElement).srcObject = null;
  }
}

// @ts-check
/** Camera and microphone under test: opening, seeing, hearing, choosing, and what to do when one does not work. */

import { watchLevel } from "../devices.js";
import { element, text, write } from "../page.js";
import { focus, picture, press, reveal, waiting } from "./checks.js";
import { advice, settingsLink, trouble } from "./guidance.js";
import { record } from "./sources.js";

/**
 * @typedef {import("../devices.js").Devices} Devices
 * @typedef {import("../devices.js").Device} Device
 * @typedef {import("./browser.js").Browser} Browser
 */

/** A prompt of the browser that is not answered after so long deserves an explanation. */
const PROMPT_MS = 800;
/** Of 100: above the noise of a quiet room. */
const HEARD = 12;
const SILENT_MS = 8000;
const RECORD_MS = 4000;
const DEVICES = /** @type {Device[]} */ (["camera", "microphone"]);

export class Equipment {
  /**
   * @param {Devices} devices
   * @param {Browser} browser
   * @param {(part: Device, code: string, more?: {fix?: string}) => void} know
   */
  constructor(devices, browser, know) {
    this.devices = devices;
    this.browser = browser;
    this.know = know;
    this.stopMeter = () => {};
    this.recorded = "";
    /** The advice that stands at the camera: nobody reads the same twice. */
    this.shown = "";
    devices.onlost = (device) => this.fails(device, new DOMException("it was taken away", "NotFoundError"));
    for (const device of DEVICES) {
      press(`retry-${device}`, () => {
        focus(`name-${device}`);
        // Often one switch holds both back: so one press tries both, and the browser asks once.
        const { camera, microphone } = this.devices.tracks;
        void (camera || microphone ? this.again(device) : this.open());
      });
    }
    for (const select of document.querySelectorAll("select[data-devices]")) {
      select.addEventListener("change", () => {
        if (select instanceof HTMLSelectElement) void this.again(/** @type {Device} */ (select.dataset.devices), select.value);
      });
    }
    press("record", () => void this.listenToOneself());
    navigator.mediaDevices?.addEventListener?.("devicechange", () => void devices.list());
  }

  /** Both, with one question of the browser; or each alone, when one of them stands in the other's way. */
  async open() {
    const slow = window.setTimeout(() => waiting("camera", "busy", text("asking")), PROMPT_MS);
    for (const device of DEVICES) {
      waiting(device, "busy");
      reveal(`retry-${device}-line`, false);
      this.devices.stop(device);
    }
    const wish = { audio: this.devices.wish("microphone", false), video: this.devices.wish("camera", false) };
    try {
      this.devices.take(await navigator.mediaDevices.getUserMedia(wish));
      for (const device of DEVICES) this.works(device);
    } catch (error) {
      for (const device of DEVICES) await this.openAlone(device, error);
    } finally {
      clearTimeout(slow);
    }
    await this.devices.list();
  }

  /**
   * @param {Device} device
   * @param {unknown} before why both together did not open
   */
  async openAlone(device, before) {
    try {
      await this.devices.reopen(device);
      this.works(device);
    } catch (error) {
      // Asked again at once, a browser that was told no does not say again why; the first answer did.
      const first = ["system", "dismissed"].includes(trouble(before));
      this.fails(device, first && trouble(error) === "denied" ? before : error);
    }
  }

  /**
   * One of them again, another one or the same.
   * @param {Device} device
   * @param {string} [id]
   */
  async again(device, id) {
    waiting(device, "busy");
    reveal(`retry-${device}-line`, false);
    try {
      await this.devices.reopen(device, id);
      this.works(device);
    } catch (error) {
      this.fails(device, error);
    }
    await this.devices.list();
  }

  /** @param {Device} device */
  works(device) {
    reveal(`${device}-choice`, true);
    const track = this.devices.tracks[device];
    if (!track) return;
    if (device === "microphone") this.listen(track);
    else {
      this.shown = "";
      reveal("camera-picture", true);
      picture("preview", new MediaStream([track]));
      this.know("camera", "good");
    }
  }

  /**
   * @param {Device} device
   * @param {unknown} error
   */
  fails(device, error) {
    const what = trouble(error);
    reveal(device === "camera" ? "camera-picture" : "microphone-level", false);
    if (device === "microphone") {
      this.stopMeter();
      reveal("recorder", false);
    } else picture("preview", null);
    reveal(`${device}-choice`, what === "unfit" || what === "busy" || what === "failed");
    reveal(`retry-${device}-line`, true);
    const link = settingsLink(what, device, this.browser);
    const settings = element(`settings-${device}`, HTMLAnchorElement);
    settings.hidden = link === "";
    if (link) settings.href = link;
    settings.textContent = text(`open_settings_${device}`);
    const fix = advice(what, device, this.browser);
    this.know(device, what, { fix: device === "microphone" && fix === this.shown ? "fix_as_camera" : fix });
    if (device === "camera") this.shown = fix;
  }

  /** @param {MediaStreamTrack} microphone */
  listen(microphone) {
    const meter = element("level", HTMLMeterElement);
    reveal("microphone-level", true);
    reveal("recorder", true);
    waiting("microphone", "busy", text("speak"));
    this.stopMeter();
    let code = "";
    const stop = watchLevel(microphone, (level) => {
      meter.value = level;
      // Once heard is enough; and who is heard late is heard.
      if (level > HEARD && code !== "good") this.know("microphone", (code = "good"));
    });
    // By a clock of its own: a device without a sound card measures nothing at all.
    const silent = setTimeout(() => {
      if (!code) this.know("microphone", (code = "quiet"));
    }, SILENT_MS);
    this.stopMeter = () => {
      clearTimeout(silent);
      stop();
    };
  }

  async listenToOneself() {
    const { microphone } = this.devices.tracks;
    const button = element("record", HTMLButtonElement);
    const playback = element("playback", HTMLAudioElement);
    if (!microphone || button.ariaDisabled === "true") return;
    button.ariaDisabled = "true"; // it keeps the focus
    playback.pause();
    reveal("playback", false);
    write("record-words", text("recording"));
    try {
      if (this.recorded) URL.revokeObjectURL(this.recorded);
      playback.src = this.recorded = await record(microphone, RECORD_MS);
      reveal("playback", true);
      write("record-words", text("playing"));
      playback.onended = () => write("record-words", text("recorded"));
      await playback.play();
    } catch {
      write("record-words", text(playback.hidden ? "not_recorded" : "recorded"));
    }
    button.ariaDisabled = "false";
  }

  /**
   * Whether devices may be chosen now.
   * @param {boolean} held
   */
  hold(held) {
    for (const select of document.querySelectorAll("select[data-devices]")) {
      if (select instanceof HTMLSelectElement) select.disabled = held || !select.options[0]?.value;
    }
  }
}

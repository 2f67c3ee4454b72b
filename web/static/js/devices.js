// @ts-check
/** Cameras and microphones: opening, choosing, remembering, losing, and what to say when it does not work. */

import { hasText, recall, remember, text } from "./page.js";

const REMEMBERED = "balie.devices";
const VIDEO = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
const AUDIO = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** @typedef {"camera" | "microphone"} Device */
/** @typedef {Device | "speaker"} Choice what there is a list of; speakers are chosen, not opened */

/** @type {Record<Choice, MediaDeviceKind>} */
const KINDS = { camera: "videoinput", microphone: "audioinput", speaker: "audiooutput" };

export class Devices {
  constructor() {
    /** @type {Record<Device, MediaStreamTrack | null>} */
    this.tracks = { camera: null, microphone: null };
    /** @type {Record<string, string>} */
    this.chosen = chosenBefore();
    /** @type {(device: Device) => void} called when a device was unplugged or taken away */
    this.onlost = () => {};
    /** @type {(device: Device) => void} called when the system holds a device back, as a telephone call does */
    this.onpaused = () => {};
    /** @type {(device: Device) => void} called when it gives it back */
    this.onresumed = () => {};
    /** What the system calls its microphone, as the browser names it: another one after a headset came or went. */
    this.defaultMicrophone = "";
    /** Whether the browser was asked to blur what is behind us. */
    this.blurred = false;
    /** Opening is one at a time: two at once would leave a camera on that nobody stops. */
    this.queue = Promise.resolve();
    this.closed = false;
  }

  /**
   * Open camera and microphone; one of them, or none, is better than an error.
   * @returns {Promise<string>} what to tell the user, empty when both work
   */
  async open() {
    if (!supported()) return text("error_unsupported");
    try {
      this.take(await this.ask("microphone", "camera"));
      return "";
    } catch (error) {
      const why = explain(error);
      for (const device of /** @type {Device[]} */ (["microphone", "camera"])) {
        try {
          this.take(await this.ask(device));
        } catch {
          continue;
        }
      }
      return why;
    }
  }

  /**
   * Ask the browser.  What somebody chose is what he gets, as long as it is there: a browser that is only asked to prefer
   * it may think another one fits better.
   * @param {Device[]} wanted
   * @returns {Promise<MediaStream>}
   */
  async ask(...wanted) {
    const wishes = (/** @type {boolean} */ exactly) =>
      Object.fromEntries(wanted.map((device) => [kind(device), this.wish(device, exactly)]));
    if (wanted.some((device) => this.chosen[device])) {
      try {
        return await navigator.mediaDevices.getUserMedia(wishes(true));
      } catch (error) {
        if (!(error instanceof Error || error instanceof DOMException) || error.name !== "OverconstrainedError") throw error;
      }
    }
    return navigator.mediaDevices.getUserMedia(wishes(false));
  }

  /**
   * @param {Device} device
   * @param {boolean} exactly
   * @returns {MediaTrackConstraints}
   */
  wish(device, exactly) {
    const id = exactly ? this.chosen[device] : "";
    if (device === "microphone") return id ? { ...AUDIO, deviceId: { exact: id } } : AUDIO;
    return id ? { ...VIDEO, deviceId: { exact: id } } : { ...VIDEO, facingMode: "user" };
  }

  /** @param {MediaStream} stream */
  take(stream) {
    for (const track of stream.getTracks()) {
      if (this.closed) {
        track.stop(); // the call ended while the browser asked
        continue;
      }
      const device = track.kind === "video" ? "camera" : "microphone";
      this.stop(device);
      this.tracks[device] = track;
      track.onended = () => {
        if (this.tracks[device] !== track) return;
        this.tracks[device] = null;
        this.onlost(device);
      };
      track.onmute = () => {
        if (this.tracks[device] === track) this.onpaused(device);
      };
      track.onunmute = () => {
        if (this.tracks[device] === track) this.onresumed(device);
      };
      if (device === "camera" && this.blurred) void this.blur(true);
    }
  }

  /**
   * Open one device again, another one or the same.
   * @param {Device} device
   * @param {string} [id]
   * @returns {Promise<MediaStreamTrack>}
   */
  reopen(device, id) {
    const opened = this.queue.then(async () => {
      if (id) this.remember(device, id);
      this.stop(device); // first: some phones open one camera at a time
      this.take(await this.ask(device));
      const track = this.tracks[device];
      if (!track) throw new DOMException("the call is over", "AbortError");
      return track;
    });
    this.queue = opened.then(() => undefined, () => undefined);
    return opened;
  }

  /**
   * After something was plugged in or out: whether the system has another microphone now, and we use "the system's".
   * @returns {Promise<string>} its name, "" when nothing changed for us
   */
  async newDefault() {
    const all = await navigator.mediaDevices.enumerateDevices();
    const found = all.find(({ kind: each, deviceId }) => each === KINDS.microphone && deviceId === DEFAULT)?.label ?? "";
    const before = this.defaultMicrophone;
    this.defaultMicrophone = found;
    const follows = (this.chosen.microphone || DEFAULT) === DEFAULT && this.tracks.microphone !== null;
    return follows && before && found && found !== before ? plain(found) : "";
  }

  /**
   * As people call it.
   * @param {MediaStreamTrack} track
   */
  nameOf(track) {
    return plain(track.label) || text("microphone_n", { n: "" }).trim();
  }

  /** Whether the speaker that somebody chose is gone; it is then not chosen any more. */
  async speakerGone() {
    const { speaker } = this.chosen;
    if (!speaker) return false;
    const all = await navigator.mediaDevices.enumerateDevices();
    if (all.some(({ kind: each, deviceId }) => each === KINDS.speaker && deviceId === speaker)) return false;
    this.chosen.speaker = ""; // this time: next time it may be there again
    return true;
  }

  /** The camera at the other side of a phone, or the next one of a laptop. */
  async flip() {
    const all = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind: each }) => each === "videoinput");
    const settings = this.tracks.camera?.getSettings();
    const at = all.findIndex(({ deviceId }) => deviceId === settings?.deviceId);
    return this.reopen("camera", all[(at + 1) % all.length]?.deviceId);
  }

  /** Whether this browser can blur what is behind us, in hardware or by itself (Media Capture Extensions). */
  get blurs() {
    const can = /** @type {any} */ (this.tracks.camera?.getCapabilities?.())?.backgroundBlur;
    return Array.isArray(can) && can.includes(true);
  }

  /**
   * @param {boolean} on
   * @returns {Promise<boolean>} whether it is blurred now
   */
  async blur(on) {
    const camera = this.tracks.camera;
    this.blurred = on;
    await camera?.applyConstraints(/** @type {any} */ ({ backgroundBlur: on })).catch(() => undefined);
    return Boolean(/** @type {any} */ (camera?.getSettings())?.backgroundBlur);
  }

  /** @param {Device} device */
  stop(device) {
    const track = this.tracks[device];
    this.tracks[device] = null;
    track?.stop();
  }

  /** For good. */
  close() {
    this.closed = true;
    this.stop("camera");
    this.stop("microphone");
  }

  /** Fill every list of devices on the page. */
  async list() {
    const all = await navigator.mediaDevices?.enumerateDevices?.() ?? [];
    this.defaultMicrophone ||= all.find(({ kind: each, deviceId }) => each === KINDS.microphone && deviceId === DEFAULT)?.label ?? "";
    for (const select of document.querySelectorAll("select[data-devices]")) {
      if (!(select instanceof HTMLSelectElement)) continue;
      const device = /** @type {Choice} */ (select.dataset.devices);
      const mine = all.filter((each) => each.kind === KINDS[device] && each.deviceId !== "");
      const track = device === "speaker" ? null : this.tracks[device];
      const current = track?.getSettings().deviceId ?? this.chosen[device];
      select.replaceChildren(...mine.map((each, at) => {
        const option = new Option(each.label || text(`${device}_n`, { n: String(at + 1) }), each.deviceId);
        option.selected = each.deviceId === current;
        return option;
      }));
      if (mine.length === 0 && device !== "speaker") select.append(new Option(text(`no_${device}`), ""));
      select.disabled = mine.length === 0;
      // Where a browser lets nobody choose, the system does: then there is nothing to show.
      const label = select.closest("label");
      if (device === "speaker" && label) label.hidden = mine.length < 2 || !("setSinkId" in HTMLMediaElement.prototype);
    }
    const cameras = all.filter((each) => each.kind === "videoinput").length;
    for (const button of document.querySelectorAll("[data-flip]")) {
      if (button instanceof HTMLButtonElement) button.hidden = cameras < 2 || !matchMedia("(pointer: coarse)").matches;
    }
  }

  /**
   * @param {Choice} device
   * @param {string} id
   */
  remember(device, id) {
    this.chosen[device] = id;
    remember("local", REMEMBERED, JSON.stringify(this.chosen));
  }
}

/** What Chromium calls the device that the system uses; others have no such line, and change devices themselves. */
const DEFAULT = "default";

/**
 * "Default - Headset" is what the browser says; people call it the headset.
 * @param {string} label
 */
function plain(label) {
  return label.replace(/^[^-]+ - /, "");
}

/** Whether this browser can call at all: old ones cannot, nor can some that live in other apps. */
export function supported() {
  return Boolean(navigator.mediaDevices?.getUserMedia) && "RTCPeerConnection" in window;
}

/** @param {Device} device */
function kind(device) {
  return device === "camera" ? "video" : "audio";
}

/** @returns {Record<string, string>} */
function chosenBefore() {
  try {
    return JSON.parse(recall("local", REMEMBERED) || "{}");
  } catch {
    return {};
  }
}

/**
 * What went wrong with a device, in words and with what to do.
 * @param {unknown} error
 */
export function explain(error) {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  return hasText(`error_${name}`) ? text(`error_${name}`) : text("error_AbortError");
}

/**
 * A meter that moves when somebody speaks.
 * @param {MediaStreamTrack} track
 * @param {(level: number) => void} tell 0 to 100, about ten times a second
 * @returns {() => void} to stop it
 */
export function watchLevel(track, tell) {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const stop = new AbortController();
  for (const event of ["pointerdown", "keydown"]) {
    // A browser may hold sound back, also unheard one, until somebody does something.
    document.addEventListener(event, () => void context.resume(), { once: true, signal: stop.signal });
  }
  // A telephone call interrupts all sound of a page (iOS); it does not go on by itself.
  const wake = () => void (context.state === "running" || context.resume());
  track.addEventListener("unmute", wake, { signal: stop.signal });
  document.addEventListener("visibilitychange", wake, { signal: stop.signal });
  const timer = window.setInterval(() => {
    if (context.state !== "running") return;
    analyser.getFloatTimeDomainData(samples);
    let sum = 0;
    for (const sample of samples) sum += sample * sample;
    const db = 10 * Math.log10(sum / samples.length + 1e-9);
    tell(Math.round(Math.max(0, Math.min(100, (db + 60) * 2))));
  }, 100);
  return () => {
    clearInterval(timer);
    stop.abort();
    void context.close();
  };
}

// @ts-check
/** Cameras and microphones: opening, choosing, remembering, and what to say when it does not work. */

import { hasText, text } from "./page.js";

const REMEMBERED = "balie.devices";
const VIDEO = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
const AUDIO = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** @typedef {"camera" | "microphone"} Device */

export class Devices {
  constructor() {
    /** @type {Record<Device, MediaStreamTrack | null>} */
    this.tracks = { camera: null, microphone: null };
    /** @type {Record<string, string>} */
    this.chosen = JSON.parse(localStorage.getItem(REMEMBERED) ?? "{}");
  }

  /**
   * Open camera and microphone; one of them, or none, is better than an error.
   * @returns {Promise<string>} what to tell the user, empty when both work
   */
  async open() {
    if (!navigator.mediaDevices?.getUserMedia || !("RTCPeerConnection" in window)) return text("error_unsupported");
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: this.wish("microphone"), video: this.wish("camera") });
      this.take(stream);
      return "";
    } catch (error) {
      const why = explain(error);
      for (const device of /** @type {Device[]} */ (["microphone", "camera"])) {
        try {
          const key = device === "camera" ? "video" : "audio";
          this.take(await navigator.mediaDevices.getUserMedia({ [key]: this.wish(device) }));
        } catch {
          continue;
        }
      }
      return why;
    }
  }

  /** @param {Device} device @returns {MediaTrackConstraints} */
  wish(device) {
    const base = device === "camera" ? { ...VIDEO, facingMode: "user" } : AUDIO;
    const id = this.chosen[device];
    return id ? { ...(device === "camera" ? VIDEO : AUDIO), deviceId: { ideal: id } } : base;
  }

  /** @param {MediaStream} stream */
  take(stream) {
    for (const track of stream.getTracks()) {
      const device = track.kind === "video" ? "camera" : "microphone";
      this.tracks[device]?.stop();
      this.tracks[device] = track;
    }
  }

  /**
   * Open one device again, another one or the same.
   * @param {Device} device
   * @param {string} [id]
   * @returns {Promise<MediaStreamTrack>}
   */
  async reopen(device, id) {
    if (id) {
      this.chosen[device] = id;
      localStorage.setItem(REMEMBERED, JSON.stringify(this.chosen));
    }
    this.tracks[device]?.stop();
    this.tracks[device] = null;
    const key = device === "camera" ? "video" : "audio";
    this.take(await navigator.mediaDevices.getUserMedia({ [key]: this.wish(device) }));
    const track = this.tracks[device];
    if (!track) throw new Error(`no ${device}`);
    return track;
  }

  /** @param {Device} device */
  stop(device) {
    this.tracks[device]?.stop();
    this.tracks[device] = null;
  }

  stopAll() {
    this.stop("camera");
    this.stop("microphone");
  }

  /** Fill every list of devices on the page. */
  async list() {
    const all = await navigator.mediaDevices?.enumerateDevices?.() ?? [];
    for (const select of document.querySelectorAll("select[data-devices]")) {
      if (!(select instanceof HTMLSelectElement)) continue;
      const device = /** @type {Device} */ (select.dataset.devices);
      const kind = device === "camera" ? "videoinput" : "audioinput";
      const mine = all.filter((each) => each.kind === kind && each.deviceId !== "");
      const current = this.tracks[device]?.getSettings().deviceId ?? this.chosen[device];
      select.replaceChildren(...mine.map((each, at) => {
        const option = new Option(each.label || text(`${device}_n`, { n: String(at + 1) }), each.deviceId);
        option.selected = each.deviceId === current;
        return option;
      }));
      select.disabled = mine.length === 0;
    }
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
  const resume = () => void context.resume();
  document.addEventListener("pointerdown", resume, { once: true });
  document.addEventListener("keydown", resume, { once: true });
  const timer = window.setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    let sum = 0;
    for (const sample of samples) sum += sample * sample;
    const db = 10 * Math.log10(sum / samples.length + 1e-9);
    tell(Math.round(Math.max(0, Math.min(100, (db + 60) * 2))));
  }, 100);
  return () => {
    clearInterval(timer);
    void context.close();
  };
}

// @ts-check
/** What we send: microphone, camera and screen, switched on and off, chosen anew, lost, shaped to what others can use. */

import { announce, recall, remember, text } from "./page.js";
import { Publisher, cameraPicture } from "./peers.js";

/**
 * @typedef {import("./protocol.js").Signalling} Signalling
 * @typedef {import("./protocol.js").Rights} Rights
 * @typedef {import("./devices.js").Devices} Devices
 * @typedef {import("./devices.js").Device} Device
 * @typedef {{changed: () => void, say: (words: string) => void}} Listener
 */

/** Letters need pixels more than frames; a 4K screen would cost four times the work for what nobody can read anyway. */
const SCREEN = { video: { width: { max: 1920 }, height: { max: 1080 }, frameRate: { ideal: 15, max: 30 } }, audio: false };
const MIC_OFF = "balie.microphone-off";
const CAMERA_OFF = "balie.camera-off";
const SIGNS = "balie.signs";

export class Sending {
  /**
   * @param {Devices} devices
   * @param {Signalling} signalling
   * @param {Listener} listener
   */
  constructor(devices, signalling, listener) {
    this.devices = devices;
    this.signalling = signalling;
    this.listener = listener;
    /** @type {Publisher | null} */
    this.publisher = null;
    /** @type {Rights["publish"] | null} null until the server said */
    this.may = null;
    /** @type {MediaStreamTrack | null} */
    this.screenTrack = null;
    // A reload must not switch on what its owner switched off.
    this.micOn = recall("session", MIC_OFF) === "";
    this.cameraOn = recall("session", CAMERA_OFF) === "";
    /** Somebody signs: movement matters more than sharpness. */
    this.signs = recall("local", SIGNS) !== "";
    /** Switching is one at a time: two quick presses must end where the second one says. */
    this.turn = Promise.resolve();
    /** What the system holds back, and was on: it comes on again by itself. @type {Set<Device>} */
    this.held = new Set();
    devices.onlost = (device) => void this.deviceLost(device);
    devices.onpaused = (device) => this.paused(device);
    devices.onresumed = (device) => this.givenBack(device);
  }

  /** @param {RTCIceServer[]} iceServers */
  begin(iceServers) {
    this.publisher?.close();
    this.publisher = new Publisher(this.signalling, iceServers, () => this.listener.changed());
  }

  /** The media ends; what is on and off stays as it is. */
  end() {
    this.publisher?.close();
    this.publisher = null;
    if (this.screenTrack) this.screenTrack.onended = null;
    this.screenTrack?.stop();
    this.screenTrack = null;
  }

  /** For good. */
  close() {
    this.end();
    for (const key of [MIC_OFF, CAMERA_OFF]) remember("session", key, "");
  }

  /** The WebSocket was away. */
  resumed() {
    this.publisher?.resumed();
    this.sayMuted(true);
  }

  /** Send all that there is: after coming in, or when a browser's question was answered late. */
  async publishAll() {
    const { camera, microphone } = this.devices.tracks;
    const publisher = this.publisher;
    if (!publisher) return;
    if (microphone) microphone.enabled = this.micOn;
    if (!this.cameraOn) this.devices.stop("camera");
    const may = (/** @type {string} */ source) => this.may?.includes(source) ?? false;
    await Promise.all([
      microphone && may("microphone") ? publisher.set("microphone", microphone) : null,
      camera && this.cameraOn && may("camera") ? publisher.set("camera", camera, this.signs) : null,
      this.screenTrack && may("screen") ? publisher.set("screen", this.screenTrack) : null,
    ]);
    this.listener.changed();
  }

  /**
   * Others see whether we are muted.  The server knows of a source once it was published.
   * @param {boolean} all also that we are not
   */
  sayMuted(all) {
    if (all || !this.micOn) this.signalling.send({ type: "mute", source: "microphone", muted: !this.micOn });
    if (all || !this.cameraOn) this.signalling.send({ type: "mute", source: "camera", muted: !this.cameraOn });
  }

  /**
   * A picture as large as others can use.
   * @param {number} others
   * @param {boolean} screen somebody else shares one
   */
  adapt(others, screen) {
    const publisher = this.publisher;
    if (!publisher) return;
    // Hands are read: beside a shared screen, too.
    const picture = cameraPicture(others, !this.signs && (screen || this.screenTrack !== null));
    if (picture.bitrate !== publisher.picture.bitrate) void publisher.shape(picture);
  }

  /**
   * A telephone call comes in, or another program takes it: others see that it is off.
   * @param {Device} device
   */
  paused(device) {
    if (!this.publisher) return;
    if (device === "microphone" ? this.micOn : this.cameraOn) this.held.add(device);
    if (device === "camera") this.signalling.send({ type: "mute", source: "camera", muted: true });
    else if (this.micOn) this.setMicrophone(false);
    this.listener.say(text(`paused_${device}`));
  }

  /**
   * It is over: everything is as before it.
   * @param {Device} device
   */
  givenBack(device) {
    if (!this.publisher || !this.held.delete(device)) return;
    if (device === "camera") this.signalling.send({ type: "mute", source: "camera", muted: !this.cameraOn });
    else this.setMicrophone(true);
    this.listener.say(text(`resumed_${device}`));
  }

  /** @param {boolean} on */
  setMicrophone(on) {
    if (on) this.held.delete("microphone");
    this.micOn = on;
    remember("session", MIC_OFF, on ? "" : "yes");
    if (this.devices.tracks.microphone) this.devices.tracks.microphone.enabled = on;
    this.signalling.send({ type: "mute", source: "microphone", muted: !on });
    this.listener.changed();
  }

  toggleMicrophone() {
    return this.inTurn(async () => {
      this.held.delete("microphone"); // who decides himself is not overruled
      const on = !(this.micOn && this.devices.tracks.microphone);
      if (on && !this.devices.tracks.microphone) {
        await this.publisher?.set("microphone", await this.devices.reopen("microphone"));
      }
      this.setMicrophone(on);
      announce(text(on ? "you_mic_on" : "you_mic_off"));
    });
  }

  toggleCamera() {
    return this.inTurn(async () => {
      if (this.cameraOn && this.devices.tracks.camera) {
        await this.stopCamera();
        announce(text("you_camera_off"));
      } else {
        await this.startCamera(await this.devices.reopen("camera"));
        announce(text("you_camera_on"));
      }
    });
  }

  async stopCamera() {
    this.held.delete("camera");
    this.cameraOn = false;
    remember("session", CAMERA_OFF, "yes");
    this.signalling.send({ type: "mute", source: "camera", muted: true });
    this.devices.stop("camera");
    await this.publisher?.set("camera", null);
    this.listener.changed();
  }

  /** @param {MediaStreamTrack} track */
  async startCamera(track) {
    this.cameraOn = true;
    remember("session", CAMERA_OFF, "");
    await this.publisher?.set("camera", track, this.signs);
    this.signalling.send({ type: "mute", source: "camera", muted: false });
    this.listener.changed();
  }

  /**
   * Another camera or microphone.
   * @param {Device} device
   * @param {string} id
   */
  choose(device, id) {
    return this.inTurn(async () => {
      const track = await this.devices.reopen(device, id);
      if (device === "camera") await this.startCamera(track);
      else {
        track.enabled = this.micOn;
        await this.publisher?.set("microphone", track);
      }
      this.listener.changed();
    });
  }

  /** The camera at the other side of a phone. */
  flip() {
    return this.inTurn(async () => this.startCamera(await this.devices.flip()));
  }

  /** @param {boolean} on somebody signs before our camera */
  async setSigns(on) {
    this.signs = on;
    remember("local", SIGNS, on ? "yes" : "");
    const { camera } = this.devices.tracks;
    if (camera && this.cameraOn) await this.publisher?.set("camera", camera, on);
    this.listener.changed();
  }

  /**
   * Unplugged, or taken away by the system.
   * @param {Device} device
   */
  async deviceLost(device) {
    let another = "";
    await this.inTurn(async () => {
      if (device === "camera") await this.stopCamera(); // what another one looks at, its owner may not want to show
      else another = await this.nextMicrophone();
      await this.devices.list();
    });
    this.listener.say(another ? text("now_microphone", { name: another }) : text(`lost_${device}`));
  }

  /**
   * Headphones were pulled out: one goes on talking with what the system has then.
   * @returns {Promise<string>} its name; "" when there is none, and the microphone is off
   */
  async nextMicrophone() {
    try {
      this.devices.chosen.microphone = ""; // this time: next time it may be there again
      const track = await this.devices.reopen("microphone");
      track.enabled = this.micOn;
      await this.publisher?.set("microphone", track);
      this.listener.changed();
      return this.devices.nameOf(track);
    } catch {
      await this.publisher?.set("microphone", null);
      this.setMicrophone(false);
      return "";
    }
  }

  /** The system has another microphone, as when a headset connects: who did not choose one himself uses it too. */
  async followDefault() {
    const name = await this.devices.newDefault();
    if (!name || !this.publisher) return;
    await this.inTurn(async () => {
      const track = await this.devices.reopen("microphone");
      track.enabled = this.micOn;
      await this.publisher?.set("microphone", track);
    });
    this.listener.say(text("now_microphone", { name }));
  }

  /** Rejects with NotAllowedError when the person closes the browser's own chooser. */
  async startShare() {
    const [track] = (await navigator.mediaDevices.getDisplayMedia(SCREEN)).getVideoTracks();
    if (!track) return;
    if (!this.publisher) {
      track.stop(); // the call ended meanwhile
      return;
    }
    this.screenTrack = track;
    track.onended = () => void this.stopShare(); // the browser's own bar has a button for it
    await this.publisher.set("screen", track);
    announce(text("you_share"));
    this.listener.changed();
  }

  async stopShare() {
    const track = this.screenTrack;
    if (!track) return;
    this.screenTrack = null;
    track.onended = null;
    track.stop();
    await this.publisher?.set("screen", null);
    announce(text("you_share_off"));
    this.listener.changed();
  }

  /**
   * @param {() => Promise<void>} act
   * @returns {Promise<void>}
   */
  inTurn(act) {
    const done = this.turn.then(act);
    this.turn = done.catch(() => undefined);
    return done;
  }
}

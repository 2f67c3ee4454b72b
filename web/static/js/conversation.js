// @ts-check
/**
 * Being in a call: the session, what we send, what we receive, and how the connection is.  Knows no buttons: what it has
 * to say goes to its listener.
 */

import { announce, recall, remember, text } from "./page.js";
import { Publisher, Subscriber, cameraPicture } from "./peers.js";
import { Signalling } from "./protocol.js";
import { nameOf } from "./tiles.js";

/**
 * @typedef {import("./protocol.js").Welcome} Welcome
 * @typedef {import("./protocol.js").Message} Message
 * @typedef {import("./protocol.js").Participant} Participant
 * @typedef {import("./devices.js").Devices} Devices
 * @typedef {import("./devices.js").Device} Device
 * @typedef {import("./tiles.js").Tiles} Tiles
 */

/**
 * @typedef {object} Listener
 * @property {() => void} changed controls, people or the connection are not as they were
 * @property {(words: string) => void} say a problem, and what to do
 * @property {(words: string) => void} ended the call is over, and why
 * @property {(code: string) => void} refused the server will not let us in
 */

/** A connection that takes longer than this is not coming by itself. */
const PATIENCE_MS = 20000;
/** Letters need pixels more than frames; a 4K screen would cost four times the work for what nobody can read anyway. */
const SCREEN = { video: { width: { max: 1920 }, height: { max: 1080 }, frameRate: { ideal: 15, max: 30 } }, audio: false };
const MIC_OFF = "balie.microphone-off";
const CAMERA_OFF = "balie.camera-off";

export class Conversation {
  /**
   * @param {Devices} devices
   * @param {Tiles} tiles
   * @param {() => Promise<string>} getToken
   * @param {Listener} listener
   */
  constructor(devices, tiles, getToken, listener) {
    this.devices = devices;
    this.tiles = tiles;
    this.listener = listener;
    this.signalling = new Signalling(getToken, {
      welcome: (welcome) => this.welcomed(welcome),
      message: (message) => this.heard(message),
      lost: () => this.lost(),
      refused: (code) => this.listener.refused(code),
    });
    /** @type {Publisher | null} */
    this.publisher = null;
    /** @type {Subscriber | null} */
    this.subscriber = null;
    /** @type {Welcome["can"]} */
    this.can = { publish: [], subscribe: false, moderate: false };
    /** @type {Participant | null} */
    this.me = null;
    /** @type {MediaStreamTrack | null} */
    this.screenTrack = null;
    // A reload must not switch on what its owner switched off.
    this.micOn = recall("session", MIC_OFF) === "";
    this.cameraOn = recall("session", CAMERA_OFF) === "";
    this.draining = false;
    /** When the trouble began, 0 while there is none. */
    this.awaySince = 0;
    this.badSince = 0;
    /** Switching is one at a time: two quick presses must end where the second one says. */
    this.turn = Promise.resolve();
    devices.onlost = (device) => void this.deviceLost(device);
  }

  enter() {
    void this.signalling.open();
  }

  /** Leave, or clean up after the server ended it. */
  close() {
    this.signalling.leave();
    this.closePeers();
    this.devices.close();
    if (this.screenTrack) this.screenTrack.onended = null;
    this.screenTrack?.stop();
    this.screenTrack = null;
    this.tiles.clear();
    for (const key of [MIC_OFF, CAMERA_OFF]) remember("session", key, "");
  }

  closePeers() {
    this.publisher?.close();
    this.subscriber?.close();
    this.publisher = this.subscriber = null;
  }

  // -- the session -----------------------------------------------------------------------------------

  /** @param {Welcome} welcome */
  welcomed(welcome) {
    this.me = welcome.you;
    this.can = welcome.can;
    if (this.awaySince) announce(text("back"));
    this.awaySince = 0;
    this.draining = false;
    const here = new Set(welcome.participants.map(({ id }) => id));
    for (const id of [...this.tiles.people.keys()]) if (!here.has(id)) this.tiles.gone(id);
    for (const person of welcome.participants) this.tiles.person(person);
    if (welcome.resumed && this.publisher && this.subscriber) {
      this.publisher.resumed();
      this.subscriber.resumed();
      this.sayMuted(true);
    } else {
      this.closePeers();
      this.badSince = Date.now();
      this.publisher = new Publisher(this.signalling, welcome.ice_servers, () => this.changed());
      this.subscriber = new Subscriber(this.signalling, welcome.ice_servers, (all) => this.show(all), () => this.changed());
      void this.publishAll();
    }
    this.changed();
  }

  /** Send all that there is: after coming in, or when a browser's question was answered late. */
  async publishAll() {
    const { camera, microphone } = this.devices.tracks;
    const publisher = this.publisher;
    if (!publisher || !this.me) return;
    this.adapt();
    if (microphone) microphone.enabled = this.micOn;
    if (!this.cameraOn) this.devices.stop("camera");
    const may = (/** @type {string} */ source) => this.can.publish.includes(source);
    await Promise.all([
      microphone && may("microphone") ? publisher.set("microphone", microphone) : null,
      camera && this.cameraOn && may("camera") ? publisher.set("camera", camera) : null,
      this.screenTrack && may("screen") ? publisher.set("screen", this.screenTrack) : null,
    ]);
    this.changed();
  }

  /** @param {Message} message */
  heard(message) {
    switch (message.type) {
      case "published":
        if (message.refused.some((/** @type {{reason: string}} */ { reason }) => reason === "full")) {
          this.listener.say(text("too_busy_to_send"));
        }
        void this.publisher?.answered(/** @type {any} */ (message)).then(() => this.sayMuted(false));
        return;
      case "subscribe":
        this.subscriber?.offered(/** @type {any} */ (message));
        return;
      case "joined":
        this.tiles.person(message.participant);
        announce(text("joined", { name: nameOf(message.participant) }));
        break;
      case "left":
        this.someoneLeft(message.participant, message.reason);
        break;
      case "updated":
        this.updated(message.participant);
        break;
      case "speakers":
        this.tiles.speakers(message.participants);
        return;
      case "connection":
        if (message.state === "failed") this.signalling.rejoin();
        break;
      case "error":
        if (message.re === "publish") void this.publisher?.refused();
        if (message.code === "room_full") this.listener.say(text("too_busy"));
        break;
      case "bye":
        if (message.reason === "draining") this.draining = true;
        else this.listener.ended(text(message.reason === "ended" && this.can.moderate ? "bye_ended_staff" : `bye_${message.reason}`));
        break;
    }
    this.changed();
  }

  /**
   * @param {string} id
   * @param {string} reason
   */
  someoneLeft(id, reason) {
    const person = this.tiles.people.get(id);
    this.tiles.gone(id);
    if (person && reason !== "replaced") announce(text("left", { name: person.name }));
  }

  /** @param {Participant} person */
  updated(person) {
    const find = (/** @type {Participant | null | undefined} */ who, /** @type {string} */ source) =>
      who?.sources.find((each) => each.source === source);
    if (person.id === this.me?.id) {
      this.me = person;
      if (find(person, "microphone")?.muted && this.micOn) {
        this.setMicrophone(false);
        this.listener.say(text("you_muted_by_staff"));
      }
      return;
    }
    const before = this.tiles.people.get(person.id);
    if (!before) return; // a replay after a resume, of somebody who left meanwhile
    this.tiles.person(person);
    const was = find(before, "microphone")?.muted;
    const is = find(person, "microphone")?.muted;
    if (was !== undefined && is !== undefined && was !== is) announce(text(is ? "muted" : "unmuted", { name: person.name }));
    const shared = Boolean(find(before, "screen"));
    const shares = Boolean(find(person, "screen"));
    if (shared !== shares) announce(text(shares ? "sharing" : "sharing_stopped", { name: person.name }));
  }

  lost() {
    this.awaySince ||= Date.now();
    this.changed();
  }

  /** @param {{track: MediaStreamTrack, participant: string, source: string}[]} all */
  show(all) {
    this.tiles.show(all);
    this.changed();
  }

  changed() {
    this.adapt();
    this.listener.changed();
  }

  /** A picture as large as others can use. */
  adapt() {
    const publisher = this.publisher;
    if (!publisher) return;
    const picture = cameraPicture(this.tiles.people.size, this.tiles.screen || this.screenTrack !== null);
    if (picture.bitrate !== publisher.picture.bitrate) void publisher.shape(picture);
  }

  /**
   * The health of the connection, as the name of a text.
   * @returns {string}
   */
  health() {
    const now = Date.now();
    if (this.awaySince) {
      if (this.draining) return "bye_draining";
      return now - this.awaySince > PATIENCE_MS ? "reconnecting_long" : this.me ? "reconnecting" : "joining";
    }
    const used = [this.publisher, this.subscriber].filter((each) => each?.used).map((each) => each?.pc.connectionState);
    const bad = !this.me || used.some((state) => state !== "connected");
    this.badSince = bad ? this.badSince || now : 0;
    if (bad && now - this.badSince > PATIENCE_MS) return "blocked";
    if (used.some((state) => state === "disconnected" || state === "failed")) return "weak";
    if (!this.me) return "joining";
    if (this.tiles.people.size === 0) return "alone";
    return bad ? "joining" : "connected";
  }

  /**
   * Others see whether we are muted.  The server knows of a source once it was published.
   * @param {boolean} all also that we are not
   */
  sayMuted(all) {
    if (all || !this.micOn) this.signalling.send({ type: "mute", source: "microphone", muted: !this.micOn });
    if (all || !this.cameraOn) this.signalling.send({ type: "mute", source: "camera", muted: !this.cameraOn });
  }

  // -- what we send ----------------------------------------------------------------------------------

  /** @param {boolean} on */
  setMicrophone(on) {
    this.micOn = on;
    remember("session", MIC_OFF, on ? "" : "yes");
    if (this.devices.tracks.microphone) this.devices.tracks.microphone.enabled = on;
    this.signalling.send({ type: "mute", source: "microphone", muted: !on });
    this.changed();
  }

  toggleMicrophone() {
    return this.inTurn(async () => {
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
    this.cameraOn = false;
    remember("session", CAMERA_OFF, "yes");
    this.signalling.send({ type: "mute", source: "camera", muted: true });
    this.devices.stop("camera");
    await this.publisher?.set("camera", null);
    this.changed();
  }

  /** @param {MediaStreamTrack} track */
  async startCamera(track) {
    this.cameraOn = true;
    remember("session", CAMERA_OFF, "");
    await this.publisher?.set("camera", track);
    this.signalling.send({ type: "mute", source: "camera", muted: false });
    this.changed();
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
      this.changed();
    });
  }

  /**
   * Unplugged, or taken away by the system.
   * @param {Device} device
   */
  async deviceLost(device) {
    await this.inTurn(async () => {
      if (device === "camera") await this.stopCamera();
      else {
        await this.publisher?.set("microphone", null);
        this.setMicrophone(false);
      }
      await this.devices.list();
    });
    this.listener.say(text(`lost_${device}`));
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
    this.changed();
  }

  async stopShare() {
    const track = this.screenTrack;
    if (!track) return;
    this.screenTrack = null;
    track.onended = null;
    track.stop();
    await this.publisher?.set("screen", null);
    announce(text("you_share_off"));
    this.changed();
  }

  /**
   * Staff only.
   * @param {"mute" | "remove" | "end"} action
   * @param {string} [participant]
   */
  moderate(action, participant) {
    const source = action === "mute" ? "microphone" : null;
    this.signalling.send({ type: "moderate", action, participant: participant ?? null, source });
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

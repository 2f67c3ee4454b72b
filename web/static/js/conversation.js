// @ts-check
/**
 * Being in a call: the session, the waiting before it, who is there, what we receive, and how the connection is.  Knows no
 * buttons: what it has to say goes to its listener.
 */

import { announce, text } from "./page.js";
import { Subscriber } from "./peers.js";
import { nameOf } from "./people.js";
import { Signalling } from "./protocol.js";
import { Quality } from "./quality.js";
import { Sending } from "./sending.js";
import { connect, pass } from "./wire.js";

/**
 * @typedef {import("./protocol.js").Welcome} Welcome
 * @typedef {import("./protocol.js").Message} Message
 * @typedef {import("./protocol.js").Participant} Participant
 * @typedef {import("./protocol.js").Rights} Rights
 * @typedef {import("./devices.js").Devices} Devices
 * @typedef {import("./tiles.js").Tiles} Tiles
 */

/**
 * @typedef {object} Listener
 * @property {() => void} changed controls, people or the connection are not as they were
 * @property {(words: string) => void} say a problem, and what to do
 * @property {(waiting: boolean) => void} waiting whether we wait outside
 * @property {(reason: string, words: string) => void} ended the call is over, and why
 * @property {(code: string) => void} refused the server will not let us in
 */

/** A connection that takes longer than this is not coming by itself. */
const PATIENCE_MS = 20000;

export class Conversation {
  /**
   * @param {Devices} devices
   * @param {Tiles} tiles
   * @param {(signal: AbortSignal) => Promise<string>} getToken
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
    connect((message) => this.signalling.send(message));
    this.sending = new Sending(devices, this.signalling, {
      changed: () => this.changed(),
      say: (words) => this.listener.say(words),
    });
    /** @type {Subscriber | null} */
    this.subscriber = null;
    /** @type {Rights} */
    this.can = { publish: [], subscribe: false, moderate: false };
    /** @type {Participant | null} */
    this.me = null;
    /** @type {RTCIceServer[]} */
    this.iceServers = [];
    this.waits = false;
    this.draining = false;
    /** Staff was here, and is not any more. */
    this.staffLeft = false;
    /** When the trouble began, 0 while there is none. */
    this.awaySince = 0;
    this.badSince = 0;
    this.quality = new Quality();
  }

  enter() {
    void this.signalling.open();
  }

  /** Leave, or clean up after the server ended it. */
  close() {
    this.signalling.leave();
    connect(null);
    this.subscriber?.close();
    this.subscriber = null;
    this.sending.close();
    this.devices.close();
    this.tiles.clear();
  }

  // -- the session -----------------------------------------------------------------------------------

  /** @param {Welcome} welcome */
  welcomed(welcome) {
    this.me = welcome.you;
    this.iceServers = welcome.ice_servers;
    if (this.awaySince) announce(text("back"));
    this.awaySince = 0;
    this.draining = false;
    if (welcome.waiting) this.wait();
    else this.inside(welcome.participants, welcome.can, welcome.resumed);
    pass(welcome);
    this.changed();
  }

  /** We wait outside: nothing goes out, nothing comes in. */
  wait() {
    this.waits = true;
    this.sending.may = [];
    this.sending.end();
    this.subscriber?.close();
    this.subscriber = null;
    this.tiles.clear();
    this.listener.waiting(true);
  }

  /**
   * We are in the room, with these people.
   * @param {Participant[]} participants
   * @param {Rights} can
   * @param {boolean} resumed our media may still be there
   */
  inside(participants, can, resumed) {
    this.waits = false;
    this.can = can;
    if (participants.some(({ role }) => role === "staff")) this.staffLeft = false;
    this.sending.may = can.publish;
    const here = new Set(participants.map(({ id }) => id));
    for (const id of [...this.tiles.people.keys()]) if (!here.has(id)) this.tiles.gone(id);
    for (const person of participants) this.tiles.person(person);
    if (resumed && this.sending.publisher && this.subscriber) {
      this.sending.resumed();
      this.subscriber.resumed();
    } else {
      this.badSince = Date.now();
      this.sending.begin(this.iceServers);
      this.subscriber?.close();
      this.subscriber = new Subscriber(this.signalling, this.iceServers, (all) => this.show(all), () => this.changed());
      this.adapt();
      void this.sending.publishAll();
    }
    this.listener.waiting(false);
  }

  /** @param {Message} message */
  heard(message) {
    switch (message.type) {
      case "published":
        if (message.refused.some((/** @type {{reason: string}} */ { reason }) => reason === "full")) {
          this.listener.say(text("too_busy_to_send"));
        }
        void this.sending.publisher?.answered(/** @type {any} */ (message)).then(() => this.sending.sayMuted(false));
        return;
      case "subscribe":
        this.subscriber?.offered(/** @type {any} */ (message));
        return;
      case "admitted":
        this.iceServers = message.ice_servers;
        this.inside(message.participants, message.can, false);
        break;
      case "held":
        this.wait();
        break;
      case "joined":
        this.tiles.person(message.participant);
        if (message.participant.role === "staff") this.staffLeft = false;
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
        this.wrong(message);
        break;
      case "bye":
        if (message.reason === "draining") this.draining = true;
        else {
          const staff = message.reason === "ended" && this.can.moderate;
          this.listener.ended(message.reason, text(staff ? "bye_ended_staff" : `bye_${message.reason}`));
        }
        break;
    }
    pass(message);
    this.changed();
  }

  /** @param {Message} message */
  wrong(message) {
    if (message.re === "publish") void this.sending.publisher?.refused();
    if (message.code === "room_full") this.listener.say(text("too_busy"));
    if (message.re === "chat") this.listener.say(text("chat_failed"));
  }

  /**
   * @param {string} id
   * @param {string} reason
   */
  someoneLeft(id, reason) {
    const person = this.tiles.people.get(id);
    this.tiles.gone(id);
    const staff = [...this.tiles.people.values()].some(({ role }) => role === "staff");
    if (person?.role === "staff" && !staff && !this.can.moderate) this.staffLeft = true;
    if (person && reason !== "replaced") announce(text(reason === "held" ? "held_other" : "left", { name: person.name }));
  }

  /** @param {Participant} person */
  updated(person) {
    const find = (/** @type {Participant | null | undefined} */ who, /** @type {string} */ source) =>
      who?.sources.find((each) => each.source === source);
    if (person.id === this.me?.id) {
      this.me = person;
      if (find(person, "microphone")?.muted && this.sending.micOn) {
        this.sending.setMicrophone(false);
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
    this.sending.adapt(this.tiles.people.size, this.tiles.screen);
  }

  /** Look at how much gets lost on the way; to be asked once in a while. */
  measure() {
    const peers = [this.sending.publisher?.pc, this.subscriber?.pc];
    void this.quality.measure(peers.filter((pc) => pc !== undefined));
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
    if (this.waits) return "waiting";
    const used = [this.sending.publisher, this.subscriber].filter((each) => each?.used).map((each) => each?.pc.connectionState);
    const bad = !this.me || used.some((state) => state !== "connected");
    this.badSince = bad ? this.badSince || now : 0;
    if (bad && now - this.badSince > PATIENCE_MS) return "blocked";
    if (used.some((state) => state === "disconnected" || state === "failed")) return "weak";
    if (!this.me) return "joining";
    if (this.tiles.people.size === 0) return this.staffLeft ? "left_alone" : "alone";
    if (bad) return "joining";
    return this.quality.poor ? "poor" : "connected";
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
}

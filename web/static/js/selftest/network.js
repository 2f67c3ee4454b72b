// @ts-check
/**
 * The way to the media server and back, as a conversation would use it: a room in which one meets oneself.  What it
 * measures is judged in verdict.js.
 */

import { Publisher, Subscriber } from "../peers.js";
import { Refusal, Signalling } from "../protocol.js";

/**
 * @typedef {"" | "udp" | "tcp" | "turn"} Transport
 * @typedef {object} Measured
 * @property {"through" | "blocked" | "offline" | "crowded"} outcome whether media came back, or what stood in the way
 * @property {number} rtt_ms -1 when it was not measured
 * @property {number} loss_percent the worse of both ways, -1 when it was not measured
 * @property {number} kbit_s what may be sent, as the browser estimates it; -1 when it does not say
 * @property {Transport} transport
 */

const PATH = "/test/proef";
/** For the WebSocket; a phone on a poor network takes some seconds. */
const WELCOME_MS = 12000;
/** From then on until media comes back: what a firewall lets through is there within two seconds. */
const MEDIA_MS = 15000;
/** The first second is a ramp up; loss needs some hundred packets to speak of. */
const MEASURE_MS = 5000;
const LOOK_MS = 500;

/**
 * @param {MediaStreamTrack[]} tracks to send; they stay the caller's
 * @param {(track: MediaStreamTrack) => void} seen the own picture came back
 * @returns {Promise<Measured>}
 */
export async function measure(tracks, seen) {
  const probe = new Probe(tracks, seen);
  try {
    return await probe.run();
  } finally {
    probe.close();
  }
}

class Probe {
  /**
   * @param {MediaStreamTrack[]} tracks
   * @param {(track: MediaStreamTrack) => void} seen
   */
  constructor(tracks, seen) {
    this.tracks = tracks;
    this.seen = seen;
    /** @type {Publisher | null} */
    this.publisher = null;
    /** @type {Subscriber | null} */
    this.subscriber = null;
    this.code = "";
    this.welcomed = false;
    this.signalling = new Signalling(() => this.getToken(), {
      welcome: (welcome) => this.begin(welcome),
      message: (message) => this.heard(message),
      lost: () => undefined,
      refused: (code) => (this.code = code),
    });
  }

  async getToken() {
    const response = await fetch(PATH, { method: "POST", cache: "no-store", body: new URLSearchParams() });
    if (response.ok) return String((await response.json()).token);
    throw new Refusal(response.status === 429 ? "crowded" : "failed");
  }

  /** @returns {Promise<Measured>} */
  async run() {
    void this.signalling.open();
    if (!await until(() => this.welcomed || this.code !== "", WELCOME_MS) || this.code) {
      return nothing(["crowded", "draining", "room_full", "rate_limited"].includes(this.code) ? "crowded" : "offline");
    }
    if (!await until(async () => (await this.numbers()).received > 0, MEDIA_MS)) return nothing("blocked");
    const start = await this.numbers();
    await pause(MEASURE_MS);
    const end = await this.numbers();
    // What arrived a moment ago and does no more is a line that broke off.
    if (end.received === start.received) return nothing("blocked");
    const { rtt_ms, kbit_s, transport } = end;
    return { outcome: "through", rtt_ms, loss_percent: loss(start, end), kbit_s, transport };
  }

  /** @param {import("../protocol.js").Welcome} welcome */
  begin(welcome) {
    this.end();
    this.welcomed = true;
    const changed = () => undefined;
    this.publisher = new Publisher(this.signalling, welcome.ice_servers, changed);
    this.subscriber = new Subscriber(this.signalling, welcome.ice_servers, (all) => {
      for (const { track } of all) if (track.kind === "video") this.seen(track);
    }, changed);
    for (const track of this.tracks) void this.publisher.set(track.kind === "video" ? "camera" : "microphone", track);
  }

  /** @param {import("../protocol.js").Message} message */
  heard(message) {
    if (message.type === "published") void this.publisher?.answered(/** @type {any} */ (message));
    else if (message.type === "subscribe") this.subscriber?.offered(/** @type {any} */ (message));
    else if (message.type === "bye") this.code ||= "offline";
  }

  /** What went out and came back until now. */
  async numbers() {
    const found = { received: 0, lost: 0, sent: 0, notArrived: 0, rtt_ms: -1, kbit_s: -1, transport: /** @type {Transport} */ ("") };
    /** @type {any[]} */
    const came = [...(await this.subscriber?.pc.getStats())?.values() ?? []];
    /** @type {any[]} */
    const went = [...(await this.publisher?.pc.getStats())?.values() ?? []];
    for (const each of came) {
      if (each.type !== "inbound-rtp") continue;
      found.received += each.packetsReceived ?? 0;
      found.lost += Math.max(0, each.packetsLost ?? 0);
    }
    for (const each of went) {
      if (each.type === "outbound-rtp") found.sent += each.packetsSent ?? 0;
      if (each.type !== "remote-inbound-rtp") continue;
      found.notArrived += Math.max(0, each.packetsLost ?? 0);
      if (each.roundTripTime > 0) found.rtt_ms = Math.round(each.roundTripTime * 1000);
    }
    const pair = chosen(went);
    if (pair?.currentRoundTripTime !== undefined) found.rtt_ms = Math.round(pair.currentRoundTripTime * 1000);
    if (pair?.availableOutgoingBitrate) found.kbit_s = Math.round(pair.availableOutgoingBitrate / 1000);
    found.transport = transportOf(went.find(({ id }) => id === pair?.localCandidateId));
    return found;
  }

  end() {
    this.publisher?.close();
    this.subscriber?.close();
  }

  close() {
    this.signalling.leave();
    this.end();
  }
}

/** @param {"blocked" | "offline" | "crowded"} outcome @returns {Measured} */
function nothing(outcome) {
  return { outcome, rtt_ms: -1, loss_percent: -1, kbit_s: -1, transport: "" };
}

/**
 * The pair of addresses that is used: Firefox marks it, others name it.
 * @param {any[]} statistics
 */
function chosen(statistics) {
  const named = statistics.find(({ type }) => type === "transport")?.selectedCandidatePairId;
  return statistics.find((each) => each.type === "candidate-pair"
    && (named ? each.id === named : each.nominated && each.state === "succeeded"));
}

/** @param {any} candidate our own side of it @returns {Transport} */
export function transportOf(candidate) {
  if (candidate?.candidateType === "relay") return "turn";
  return candidate?.protocol === "tcp" ? "tcp" : candidate?.protocol === "udp" ? "udp" : "";
}

/**
 * @param {{received: number, lost: number, sent: number, notArrived: number}} start
 * @param {{received: number, lost: number, sent: number, notArrived: number}} end
 */
export function loss(start, end) {
  const back = share(end.lost - start.lost, end.received - start.received + Math.max(0, end.lost - start.lost));
  const there = share(end.notArrived - start.notArrived, end.sent - start.sent);
  return Math.max(back, there);
}

/** @param {number} part @param {number} whole */
function share(part, whole) {
  return whole > 0 ? Math.min(100, Math.round((Math.max(0, part) * 100) / whole)) : -1;
}

/** @param {number} wait_ms @returns {Promise<void>} */
function pause(wait_ms) {
  return new Promise((done) => setTimeout(done, wait_ms));
}

/**
 * @param {() => boolean | Promise<boolean>} condition
 * @param {number} within_ms
 */
async function until(condition, within_ms) {
  for (const end = Date.now() + within_ms; Date.now() < end; await pause(LOOK_MS / 5)) if (await condition()) return true;
  return false;
}

// @ts-check
/** How well packets get through, as one word: what a browser counts, over some seconds, both ways. */

/** Of a hundred packets, lost on the way: from here on speech loses syllables. */
const LOST = 0.08;
/** Seconds there and back: from here on people begin to talk at the same time. */
const LATE_S = 0.8;
/** One bad moment is no bad connection. */
const TIMES = 2;

export class Quality {
  constructor() {
    /** @type {Map<string, {lost: number, received: number}>} */
    this.before = new Map();
    this.bad = 0;
  }

  /** Whether it has been bad for a while. */
  get poor() {
    return this.bad >= TIMES;
  }

  /** @param {RTCPeerConnection[]} connections */
  async measure(connections) {
    let worst = false;
    for (const pc of connections) {
      if (pc.connectionState !== "connected") continue;
      for (const each of (await pc.getStats()).values()) worst = this.isBad(each) || worst;
    }
    this.bad = worst ? this.bad + 1 : 0;
  }

  /** @param {any} each */
  isBad(each) {
    if (each.type === "candidate-pair" && each.nominated) return (each.currentRoundTripTime ?? 0) > LATE_S;
    if (each.type === "remote-inbound-rtp") return (each.fractionLost ?? 0) > LOST;
    if (each.type !== "inbound-rtp") return false;
    const now = { lost: each.packetsLost ?? 0, received: each.packetsReceived ?? 0 };
    const before = this.before.get(each.id) ?? now;
    this.before.set(each.id, now);
    const lost = Math.max(0, now.lost - before.lost);
    const all = lost + now.received - before.received;
    return all > 50 && lost / all > LOST;
  }
}

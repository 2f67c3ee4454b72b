// @ts-check
/** The two peer connections: one that we offer (publish) and one that the server offers (subscribe). */

/**
 * @typedef {import("./protocol.js").Signalling} Signalling
 * @typedef {import("./protocol.js").SubscribedTrack} SubscribedTrack
 * @typedef {"microphone" | "camera" | "screen"} Source
 * @typedef {{lines: number, bitrate: number}} Picture lines of the shorter side; bits per second
 */

/** A screen whose letters stay sharp. */
const SCREEN_BITRATE = 2_500_000;
/** kbit/s.  Chromium starts at 300, which is 480 by 270 for the first ten seconds; 800 is 640 by 360 at once. */
const START_KBIT = 800;
/** A connection that hesitates often comes back by itself, so a restart waits a little. */
const DISCONNECTED_MS = 3000;

/**
 * How large a camera's picture need be: it is one of many, or beside a screen.  The rest would be thrown away at the
 * other side, after everybody's uplink, downlink and processor paid for it.
 * @param {number} others how many people watch
 * @param {boolean} screen somebody shares a screen
 * @returns {Picture}
 */
export function cameraPicture(others, screen) {
  if (screen || others > 3) return { lines: 360, bitrate: 600_000 };
  if (others > 1) return { lines: 540, bitrate: 1_200_000 };
  return { lines: 720, bitrate: 1_700_000 };
}

/**
 * Call when a connection failed, or hesitates for long.  What happens to one path through the network happens to the
 * other one, too: when the media hesitates or is back, the WebSocket is looked at.
 * @param {RTCPeerConnection} pc
 * @param {Signalling} signalling
 * @param {() => void} restart
 * @param {() => void} changed
 */
function watch(pc, signalling, restart, changed) {
  let timer = 0;
  let hesitated = false;
  pc.onconnectionstatechange = () => {
    clearTimeout(timer);
    const state = pc.connectionState;
    if (state === "failed") restart();
    else if (state === "disconnected") timer = window.setTimeout(restart, DISCONNECTED_MS);
    if (state === "disconnected" || (state === "connected" && hesitated)) signalling.hurry();
    hesitated = state === "disconnected" || state === "failed";
    changed();
  };
}

/** What we send. */
export class Publisher {
  /**
   * @param {Signalling} signalling
   * @param {RTCIceServer[]} iceServers
   * @param {() => void} changed the connection state is another
   */
  constructor(signalling, iceServers, changed) {
    this.signalling = signalling;
    this.pc = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
    /** @type {Map<Source, RTCRtpTransceiver>} */
    this.transceivers = new Map();
    this.picture = cameraPicture(1, false);
    this.offerId = 0;
    this.planned = false;
    this.waiting = false;
    this.again = false;
    this.restart = false;
    this.moves = false;
    watch(this.pc, signalling, () => this.restartIce(), changed);
  }

  get closed() {
    return this.pc.signalingState === "closed";
  }

  /** Whether anything is sent, or ever was. */
  get used() {
    return this.transceivers.size > 0;
  }

  /**
   * Send a track as a source, or nothing in its place.
   * @param {Source} source
   * @param {MediaStreamTrack | null} track
   * @param {boolean} [signs] somebody signs: rather fewer pixels than fewer frames
   */
  async set(source, track, signs = false) {
    if (this.closed) return;
    if (source === "screen" && track) track.contentHint = "detail";
    if (source === "camera" && track) track.contentHint = signs ? "motion" : "";
    this.moves = source === "camera" ? signs : this.moves;
    const known = this.transceivers.get(source);
    if (known) {
      await known.sender.replaceTrack(track);
      if (this.closed) return;
      const direction = track ? "sendonly" : "inactive";
      // The camera's section stays when it is off, so that switching it on again is instant; a screen ends.
      if (source === "screen" && known.direction !== direction) {
        known.direction = direction;
        this.negotiate();
      }
      if (source === "camera") await this.shape();
      return;
    }
    if (!track) return;
    const sendEncodings = [source === "camera" ? encoding(track, this.picture)
      : source === "screen" ? { maxBitrate: SCREEN_BITRATE } : {}];
    this.transceivers.set(source, this.pc.addTransceiver(track, { direction: "sendonly", sendEncodings }));
    this.negotiate();
  }

  /**
   * The size of the camera's picture from now on.
   * @param {Picture} [picture]
   */
  async shape(picture = this.picture) {
    this.picture = picture;
    const sender = this.transceivers.get("camera")?.sender;
    if (!sender?.track || this.closed) return;
    const parameters = sender.getParameters();
    const [first] = parameters.encodings ?? [];
    if (!first) return;
    Object.assign(first, encoding(sender.track, picture));
    if (this.moves) Object.assign(parameters, { degradationPreference: "maintain-framerate" });
    await sender.setParameters(parameters).catch(() => undefined); // a wish: the call goes on without
  }

  /** Without a server to hear it, it would only spoil what may come back by itself: see resumed(). */
  restartIce() {
    if (!this.signalling.isOpen) return;
    this.restart = true;
    this.negotiate();
  }

  /** Offer, once for everything that is changed in one go. */
  negotiate() {
    if (this.waiting) this.again = true;
    else if (!this.planned) {
      this.planned = true;
      queueMicrotask(() => {
        this.planned = false;
        void this.offer();
      });
    }
  }

  async offer() {
    if (this.closed) return;
    this.waiting = true;
    this.again = false;
    const iceRestart = this.restart;
    this.restart = false;
    try {
      await this.pc.setLocalDescription(await this.pc.createOffer({ iceRestart }));
    } catch {
      if (!this.closed) this.signalling.rejoin();
      return;
    }
    this.offerId += 1;
    const tracks = [];
    for (const [source, transceiver] of this.transceivers) {
      if (transceiver.mid !== null && transceiver.direction === "sendonly") tracks.push({ mid: transceiver.mid, source });
    }
    this.signalling.send({ type: "publish", id: this.offerId, sdp: this.pc.localDescription?.sdp ?? "", tracks });
  }

  /** @param {{id: number, sdp: string}} message */
  async answered(message) {
    if (message.id !== this.offerId || this.pc.signalingState !== "have-local-offer") return;
    try {
      await this.pc.setRemoteDescription({ type: "answer", sdp: startingAt(message.sdp, START_KBIT) });
    } catch {
      if (!this.closed) this.signalling.rejoin();
      return;
    }
    this.waiting = false;
    if (this.again) this.negotiate();
  }

  /** The server cannot take what we offered: the call goes on with what it had. */
  async refused() {
    this.waiting = false;
    if (this.pc.signalingState !== "have-local-offer") return;
    await this.pc.setLocalDescription({ type: "rollback" }).catch(() => this.signalling.rejoin());
  }

  /** The WebSocket was away: what was asked then may be lost, and the network may be another. */
  resumed() {
    if (!this.used) return;
    const state = this.pc.connectionState;
    if (state === "failed" || state === "disconnected") this.restart = true;
    if (this.restart || this.pc.signalingState === "have-local-offer") void this.offer();
  }

  close() {
    this.pc.onconnectionstatechange = null;
    this.pc.close();
  }
}

/** What we receive. */
export class Subscriber {
  /**
   * @param {Signalling} signalling
   * @param {RTCIceServer[]} iceServers
   * @param {(tracks: {track: MediaStreamTrack, participant: string, source: string}[]) => void} show all that there is
   * @param {() => void} changed the connection state is another
   */
  constructor(signalling, iceServers, show, changed) {
    this.signalling = signalling;
    this.show = show;
    this.pc = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
    this.queue = Promise.resolve();
    /** @type {{type: string, id: number, sdp: string} | null} */
    this.lastAnswer = null;
    watch(this.pc, signalling, () => this.restartIce(), changed);
  }

  /** Whether there was anything to receive. */
  get used() {
    return this.pc.remoteDescription !== null;
  }

  restartIce() {
    this.signalling.send({ type: "restart", connection: "subscribe" });
  }

  /** @param {{id: number, sdp: string, tracks: SubscribedTrack[]}} message */
  offered(message) {
    this.queue = this.queue.then(() => this.answer(message)).catch(() => {
      if (this.pc.signalingState !== "closed") this.signalling.rejoin();
    });
  }

  /** @param {{id: number, sdp: string, tracks: SubscribedTrack[]}} message */
  async answer(message) {
    if (this.pc.signalingState === "closed") return;
    await this.pc.setRemoteDescription({ type: "offer", sdp: message.sdp });
    await this.pc.setLocalDescription(await this.pc.createAnswer());
    this.lastAnswer = { type: "subscribed", id: message.id, sdp: this.pc.localDescription?.sdp ?? "" };
    this.signalling.send(this.lastAnswer);
    const byMid = new Map(this.pc.getTransceivers().map((each) => [each.mid, each.receiver.track]));
    const shown = [];
    for (const { mid, participant, source } of message.tracks) {
      const track = byMid.get(mid);
      if (track) shown.push({ track, participant, source });
    }
    this.show(shown);
  }

  /** After a lost WebSocket: our last answer may be lost, and the server waits for it; the network may be another. */
  resumed() {
    if (this.lastAnswer) this.signalling.send(this.lastAnswer);
    const state = this.pc.connectionState;
    if (state === "failed" || state === "disconnected") this.restartIce();
  }

  close() {
    this.pc.onconnectionstatechange = null;
    this.pc.close();
  }
}

/**
 * @param {MediaStreamTrack} track
 * @param {Picture} picture
 */
function encoding(track, picture) {
  const { width = 1280, height = 720 } = track.getSettings();
  const scaleResolutionDownBy = Math.max(1, Math.min(width, height) / picture.lines);
  return { maxBitrate: picture.bitrate, scaleResolutionDownBy };
}

/**
 * An answer that lets Chromium begin with a good picture: its own format parameter, which others leave alone.
 * @param {string} sdp
 * @param {number} kbit
 */
function startingAt(sdp, kbit) {
  const parameter = `x-google-start-bitrate=${kbit}`;
  return sdp.split(/(?=^m=)/m).map((section) => {
    const payload = /^m=video \d+ \S+ (\d+)/.exec(section)?.[1];
    if (!payload) return section;
    const known = new RegExp(`^(a=fmtp:${payload} [^\r\n]*)`, "m");
    if (known.test(section)) return section.replace(known, `$1;${parameter}`);
    return section.replace(new RegExp(`^(a=rtpmap:${payload} [^\r\n]*)`, "m"), `$1\r\na=fmtp:${payload} ${parameter}`);
  }).join("");
}

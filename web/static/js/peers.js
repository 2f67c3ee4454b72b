// @ts-check
/** The two peer connections: one that we offer (publish) and one that the server offers (subscribe). */

/**
 * @typedef {import("./protocol.js").Signalling} Signalling
 * @typedef {import("./protocol.js").SubscribedTrack} SubscribedTrack
 */

/** Bits per second.  A face at 720p; a screen whose letters stay sharp. */
const MAX_BITRATE = { camera: 1_700_000, screen: 2_500_000 };

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
    /** @type {Map<string, RTCRtpTransceiver>} by source */
    this.transceivers = new Map();
    this.offerId = 0;
    this.waiting = false;
    this.again = false;
    this.restart = false;
    this.pc.onconnectionstatechange = () => {
      if (this.pc.connectionState === "failed") this.restartIce();
      changed();
    };
  }

  /**
   * Send a track as a source, or nothing in its place.
   * @param {"microphone" | "camera" | "screen"} source
   * @param {MediaStreamTrack | null} track
   */
  async set(source, track) {
    const known = this.transceivers.get(source);
    if (known) {
      await known.sender.replaceTrack(track);
      const direction = track ? "sendonly" : "inactive";
      // The camera's section stays when it is off, so that switching it on again is instant; a screen ends.
      if (source === "screen" && known.direction !== direction) {
        known.direction = direction;
        this.negotiate();
      }
      return;
    }
    if (!track) return;
    if (source === "screen") track.contentHint = "detail";
    const sendEncodings = source === "microphone" ? [{}] : [{ maxBitrate: MAX_BITRATE[source] }];
    const transceiver = this.pc.addTransceiver(track, { direction: "sendonly", sendEncodings });
    this.transceivers.set(source, transceiver);
    this.negotiate();
  }

  restartIce() {
    this.restart = true;
    this.negotiate();
  }

  negotiate() {
    if (this.waiting) this.again = true;
    else void this.offer();
  }

  async offer() {
    this.waiting = true;
    this.again = false;
    const offer = await this.pc.createOffer({ iceRestart: this.restart });
    this.restart = false;
    await this.pc.setLocalDescription(offer);
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
    await this.pc.setRemoteDescription({ type: "answer", sdp: message.sdp });
    this.waiting = false;
    if (this.again) this.negotiate();
  }

  /** The WebSocket was away: what was asked then may be lost, and the network may be another. */
  resumed() {
    if (this.waiting || this.pc.connectionState !== "connected") {
      this.restart = this.pc.connectionState !== "connected" && this.pc.connectionState !== "new";
      if (this.pc.signalingState === "have-local-offer" || this.restart) void this.offer();
    }
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
    this.pc.onconnectionstatechange = () => {
      if (this.pc.connectionState === "failed") this.signalling.send({ type: "restart", connection: "subscribe" });
      changed();
    };
  }

  /** @param {{id: number, sdp: string, tracks: SubscribedTrack[]}} message */
  offered(message) {
    this.queue = this.queue.then(() => this.answer(message)).catch(() => this.signalling.rejoin());
  }

  /** @param {{id: number, sdp: string, tracks: SubscribedTrack[]}} message */
  async answer(message) {
    await this.pc.setRemoteDescription({ type: "offer", sdp: message.sdp });
    await this.pc.setLocalDescription(await this.pc.createAnswer());
    this.signalling.send({ type: "subscribed", id: message.id, sdp: this.pc.localDescription?.sdp ?? "" });
    const byMid = new Map(this.pc.getTransceivers().map((each) => [each.mid, each.receiver.track]));
    const shown = [];
    for (const { mid, participant, source } of message.tracks) {
      const track = byMid.get(mid);
      if (track) shown.push({ track, participant, source });
    }
    this.show(shown);
  }

  /** After a lost WebSocket: the network may be another. */
  resumed() {
    const state = this.pc.connectionState;
    if (state === "failed" || state === "disconnected") {
      this.signalling.send({ type: "restart", connection: "subscribe" });
    }
  }

  close() {
    this.pc.onconnectionstatechange = null;
    this.pc.close();
  }
}

// @ts-check
/**
 * The WebSocket protocol of signalling/PROTOCOL.md: connect, say hello, resume after a lost connection.
 * Knows nothing of media.
 */

const BACKOFF_MS = [300, 700, 1500, 3000, 5000];
const PING_MS = 10000;

/**
 * @typedef {{source: string, muted: boolean}} SourceState
 * @typedef {{id: string, name: string, role: string, label: string, sources: SourceState[]}} Participant
 * @typedef {{mid: string, participant: string, source: string}} SubscribedTrack
 * @typedef {{publish: string[], subscribe: boolean, moderate: boolean}} Rights
 * @typedef {{type: "welcome", n: number, session: string, secret: string, resumed: boolean, room: string,
 *   you: Participant, participants: Participant[], can: Rights, ice_servers: RTCIceServer[]}} Welcome
 * @typedef {{type: string, n: number, [field: string]: any}} Message
 */

/**
 * What a connection tells its owner.
 * @typedef {object} Listener
 * @property {(welcome: Welcome) => void} welcome a session began or was resumed
 * @property {(message: Message) => void} message
 * @property {() => void} lost the connection broke; it is being tried again
 * @property {(code: string) => void} refused the server will not let us in
 */

export class Signalling {
  /**
   * @param {() => Promise<string>} getToken a fresh join token
   * @param {Listener} listener
   */
  constructor(getToken, listener) {
    this.getToken = getToken;
    this.listener = listener;
    /** @type {WebSocket | null} */
    this.socket = null;
    this.session = "";
    this.secret = "";
    this.seen = 0;
    this.attempt = 0;
    this.over = false;
    this.timer = 0;
    this.pinger = 0;
  }

  /** Connect, or connect again. */
  async open() {
    if (this.over) return;
    /** @type {string} */
    let token = "";
    if (!this.session) {
      try {
        token = await this.getToken();
      } catch (error) {
        const code = error instanceof Refusal ? error.code : "";
        if (code) this.end(code);
        else this.retry();
        return;
      }
      if (this.over) return;
    }
    const address = new URL("/ws", location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    this.socket = socket;
    socket.onopen = () => {
      const resume = this.session ? { session: this.session, secret: this.secret, seen: this.seen } : null;
      socket.send(JSON.stringify({ type: "hello", v: 1, token, resume }));
    };
    socket.onmessage = (event) => this.receive(JSON.parse(String(event.data)));
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.socket = null;
      clearInterval(this.pinger);
      this.retry();
    };
  }

  /** @param {Message} message */
  receive(message) {
    if (message.type === "welcome") {
      const welcome = /** @type {Welcome} */ (/** @type {unknown} */ (message));
      this.session = welcome.session;
      this.secret = welcome.secret;
      this.attempt = 0;
      if (!welcome.resumed) this.seen = welcome.n;
      clearInterval(this.pinger);
      this.pinger = window.setInterval(() => this.send({ type: "ping", at: Date.now() }), PING_MS);
      this.listener.welcome(welcome);
      return;
    }
    if (message.n > 0) this.seen = Math.max(this.seen, message.n);
    if (message.type === "error" && message.fatal) {
      if (message.code === "not_found" && this.session) this.forget();
      else if (!["rate_limited", "wrong_order", "internal"].includes(message.code)) this.end(message.code);
      return;
    }
    if (message.type === "bye") {
      this.over = message.reason !== "draining";
      this.forget();
    }
    this.listener.message(message);
  }

  /** Start anew at the next connection: the session is over, or its media is. */
  forget() {
    this.session = "";
    this.secret = "";
    this.seen = 0;
  }

  /** Leave this session and begin another. */
  rejoin() {
    this.forget();
    if (this.socket) this.socket.close();
    else this.retry();
  }

  retry() {
    if (this.over) return;
    this.listener.lost();
    clearTimeout(this.timer);
    const wait = BACKOFF_MS[Math.min(this.attempt, BACKOFF_MS.length - 1)] ?? 5000;
    this.attempt += 1;
    this.timer = window.setTimeout(() => void this.open(), wait);
  }

  /** Do not wait for the next try: the network came back. */
  hurry() {
    if (this.over || this.socket) return;
    clearTimeout(this.timer);
    void this.open();
  }

  /** @param {string} code */
  end(code) {
    this.over = true;
    this.listener.refused(code);
  }

  /** @param {{type: string, [field: string]: unknown}} message */
  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  leave() {
    this.over = true;
    clearTimeout(this.timer);
    clearInterval(this.pinger);
    this.send({ type: "leave" });
    this.socket?.close();
  }
}

/** The server said no: code is an error code, or a text key's end. */
export class Refusal extends Error {
  /** @param {string} code */
  constructor(code) {
    super(code);
    this.code = code;
  }
}

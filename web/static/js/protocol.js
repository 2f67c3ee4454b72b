// @ts-check
/**
 * The WebSocket protocol of signalling/PROTOCOL.md: connect, say hello, resume after a lost connection.
 * Knows nothing of media.
 */

/** Between tries.  A server that stays away for LONG_MS is asked less often. */
const BACKOFF_MS = [200, 500, 1000, 1500];
const LONG_MS = 120000;
const SELDOM_MS = 5000;
/** Pages that lost the same server do not all come back in the same moment. */
const SPREAD = 0.2;
const PING_MS = 10000;
/** A server that says nothing for so long after a question is not there any more, whatever the socket says. */
const SILENCE_MS = 5000;
/** The same, when something just came back: a phone in its owner's hand, another network. */
const HURRY_MS = 2000;
/**
 * A try that takes so long began while nothing arrived.  Browsers make one WebSocket to a server at a time, so it is given
 * up before the next one.  How long connecting took before says what is long here; once in a while a try gets all the time.
 */
const CONNECT_MS = 2500;
const CONNECT_FIRST_MS = 6000;
const CONNECT_MOST_MS = 10000;
const TRIES = 6;
/** Fatal errors after which a new session may do; the others need the person to do something. */
const PASSING = ["draining", "not_found", "rate_limited", "wrong_order", "internal"];

/**
 * @typedef {{source: string, muted: boolean}} SourceState
 * @typedef {{id: string, name: string, role: string, label: string, sources: SourceState[]}} Participant
 * @typedef {{mid: string, participant: string, source: string}} SubscribedTrack
 * @typedef {{id: number, from: string, name: string, role: string, text: string, at: number, to: string | null,
 *   waiting: boolean}} Chat at: Unix ms
 * @typedef {{publish: string[], subscribe: boolean, moderate: boolean}} Rights
 * @typedef {{type: "welcome", n: number, session: string, secret: string, resumed: boolean, room: string,
 *   waiting: boolean, chat: Chat[], you: Participant, participants: Participant[], can: Rights,
 *   ice_servers: RTCIceServer[]}} Welcome
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
   * @param {(signal: AbortSignal) => Promise<string>} getToken a fresh join token
   * @param {Listener} listener
   */
  constructor(getToken, listener) {
    this.getToken = getToken;
    this.listener = listener;
    /** @type {WebSocket | null} */
    this.socket = null;
    this.opening = false;
    this.session = "";
    this.secret = "";
    this.seen = 0;
    this.attempt = 0;
    this.lostAt = 0;
    this.triedAt = 0;
    this.patience_ms = CONNECT_FIRST_MS;
    this.over = false;
    this.retryTimer = 0;
    this.pingTimer = 0;
    this.silenceTimer = 0;
  }

  /** Connect, or connect again.  One at a time: a second hello would throw the first one out. */
  async open() {
    if (this.over || this.socket || this.opening) return;
    this.opening = true;
    this.triedAt = Date.now();
    const patience = this.attempt % TRIES === TRIES - 1 ? CONNECT_MOST_MS : this.patience_ms;
    let token = "";
    const late = new AbortController();
    const timer = window.setTimeout(() => late.abort(), patience);
    try {
      if (!this.session) token = await this.getToken(late.signal);
    } catch (error) {
      if (error instanceof Refusal) this.end(error.code);
      else this.retry();
      return;
    } finally {
      this.opening = false;
      clearTimeout(timer);
    }
    if (this.over) return;
    const address = new URL("/ws", location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    const began = Date.now();
    this.socket = socket;
    this.expect(patience);
    socket.onopen = () => {
      this.patience_ms = Math.min(Math.max(CONNECT_MS, 3 * (Date.now() - began)), CONNECT_MOST_MS);
      this.expect(SILENCE_MS);
      const resume = this.session ? { session: this.session, secret: this.secret, seen: this.seen } : null;
      socket.send(JSON.stringify({ type: "hello", v: 1, token, resume }));
    };
    socket.onmessage = (event) => {
      clearTimeout(this.silenceTimer);
      this.receive(JSON.parse(String(event.data)));
    };
    socket.onclose = () => this.drop();
  }

  /** @param {Message} message */
  receive(message) {
    if (message.type === "welcome") {
      const welcome = /** @type {Welcome} */ (/** @type {unknown} */ (message));
      this.session = welcome.session;
      this.secret = welcome.secret;
      this.attempt = this.lostAt = 0;
      if (!welcome.resumed) this.seen = welcome.n;
      clearInterval(this.pingTimer);
      this.pingTimer = window.setInterval(() => this.ping(), PING_MS);
      this.listener.welcome(welcome);
      return;
    }
    if (message.n > 0) this.seen = Math.max(this.seen, message.n);
    if (message.type === "error" && message.fatal) {
      this.forget();
      if (message.code === "not_found") this.attempt = 0; // a server that began anew is there: say hello at once
      if (!PASSING.includes(message.code)) this.end(message.code);
      return;
    }
    if (message.type === "bye") {
      this.over = message.reason !== "draining";
      this.forget();
    }
    this.listener.message(message);
  }

  /**
   * Ask whether the server is there.
   * @param {number} [within_ms]
   */
  ping(within_ms = SILENCE_MS) {
    this.send({ type: "ping", at: Date.now() });
    this.expect(within_ms);
  }

  /**
   * Something must come within this time, or the socket is dead: a phone that changed network is never told.
   * @param {number} within_ms
   */
  expect(within_ms) {
    clearTimeout(this.silenceTimer);
    this.silenceTimer = window.setTimeout(() => this.drop(), within_ms);
  }

  /** This socket is of no more use. */
  drop() {
    const socket = this.socket;
    this.socket = null;
    clearInterval(this.pingTimer);
    clearTimeout(this.silenceTimer);
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this.retry();
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
    this.drop();
  }

  retry() {
    if (this.over) return;
    this.listener.lost();
    clearTimeout(this.retryTimer);
    this.lostAt ||= Date.now();
    const usual = BACKOFF_MS[Math.min(this.attempt, BACKOFF_MS.length - 1)] ?? SELDOM_MS;
    const wait = Date.now() - this.lostAt > LONG_MS ? SELDOM_MS : usual;
    this.attempt += 1;
    this.retryTimer = window.setTimeout(() => void this.open(), wait * (1 + SPREAD * (2 * Math.random() - 1)));
  }

  /** The network came back, or the page did: do not wait for the next try, and look whether the socket lives. */
  hurry() {
    if (this.over) return;
    if (this.isOpen) {
      this.ping(HURRY_MS);
      return;
    }
    // A try that began before this moment may be lost on the way.
    if (this.opening || (this.socket && Date.now() - this.triedAt < HURRY_MS)) return;
    this.attempt = 0;
    if (this.socket) {
      this.drop();
      return;
    }
    clearTimeout(this.retryTimer);
    void this.open();
  }

  /** @param {string} code */
  end(code) {
    this.over = true;
    this.listener.refused(code);
  }

  /** Whether there is a session, and a socket for it. */
  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN && this.session !== "";
  }

  /**
   * What is sent while the connection is lost is lost too: the owner says after a resume how things are.
   * @param {{type: string, [field: string]: unknown}} message
   * @returns {boolean} whether it went out
   */
  send(message) {
    if (!this.isOpen) return false;
    this.socket?.send(JSON.stringify(message));
    return true;
  }

  leave() {
    this.send({ type: "leave" });
    this.over = true;
    clearTimeout(this.retryTimer);
    this.drop();
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

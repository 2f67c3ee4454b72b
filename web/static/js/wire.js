// @ts-check
/**
 * The messages of the call, for parts of the page that the call itself does not know, such as the desk's panel: they hear
 * what the server says and say something to it, without a WebSocket of their own.
 */

/** @typedef {import("./protocol.js").Message} Message */

/** What is still true when somebody begins to listen later. */
const LASTING = ["welcome", "lobby"];

/** @type {Map<string, Set<(message: any) => void>>} */
const listeners = new Map();
/** @type {Map<string, any>} */
const latest = new Map();
/** @type {(message: {type: string, [field: string]: unknown}) => boolean} */
let send = () => false;

/**
 * Call for every message of a type of signalling/PROTOCOL.md, "welcome" included; at once for the latest welcome and lobby.
 * @param {string} type
 * @param {(message: any) => void} listener
 */
export function hear(type, listener) {
  const of = listeners.get(type) ?? new Set();
  of.add(listener);
  listeners.set(type, of);
  if (latest.has(type)) listener(latest.get(type));
}

/**
 * Say something to the server.
 * @param {{type: string, [field: string]: unknown}} message
 * @returns {boolean} whether it went out: false while the connection is lost
 */
export function tell(message) {
  return send(message);
}

/**
 * The call passes on what it hears.
 * @param {{type: string, [field: string]: any}} message
 */
export function pass(message) {
  if (LASTING.includes(message.type)) latest.set(message.type, message);
  for (const listener of listeners.get(message.type) ?? []) listener(message);
}

/**
 * The call that speaks for us; null when it is over.
 * @param {typeof send | null} way
 */
export function connect(way) {
  latest.clear();
  send = way ?? (() => false);
}

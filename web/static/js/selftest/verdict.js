// @ts-check
/** From what was found to a light and words.  Knows no page; the same rules as balie/visit/device_test.py. */

/**
 * @typedef {"good" | "careful" | "bad"} Light
 * @typedef {"browser" | "camera" | "microphone" | "speaker" | "network"} Part
 * @typedef {Record<Part, string>} Codes a code of balie.visit.device_test.CODES, or "" when nothing is known yet
 */

/** @type {Part[]} */
export const PARTS = ["browser", "camera", "microphone", "speaker", "network"];

/** Above it two people start to talk at the same time (ITU-T G.114: 150 ms one way is hardly noticed, 400 is the limit). */
const SLOW_MS = 350;
/** Above it voices break up, in spite of Opus' own repair. */
const LOSSY_PERCENT = 5;
/** Under it there is sound, but no picture to speak of. */
const THIN_KBIT_S = 200;

/** Without these there is no conversation. */
const NEEDED = /** @type {Record<string, string[]>} */ ({
  browser: ["old"],
  network: ["blocked", "offline"],
  microphone: ["denied", "system", "dismissed", "missing", "busy", "unfit", "failed", "insecure"],
});
/** What says nothing of the device. */
const PASSING = /** @type {Record<string, string[]>} */ ({ speaker: ["untested"], network: ["crowded", "untested"] });

/**
 * @param {import("./network.js").Measured} found
 * @returns {"good" | "slow" | "lossy" | "blocked" | "offline" | "crowded"}
 */
export function network({ outcome, rtt_ms, loss_percent, kbit_s }) {
  if (outcome !== "through") return outcome;
  if (loss_percent > LOSSY_PERCENT) return "lossy";
  return rtt_ms > SLOW_MS || (kbit_s >= 0 && kbit_s < THIN_KBIT_S) ? "slow" : "good";
}

/**
 * The light of one part.
 * @param {Part} part
 * @param {string} code
 * @returns {Light}
 */
export function light(part, code) {
  if (code === "good") return "good";
  // Red where it does not work, also when a conversation is possible without it.
  const broken = NEEDED[part]?.includes(code) || (part === "camera" && code !== "");
  return broken ? "bad" : "careful";
}

/**
 * The light of everything together: a conversation will go well, with something missing, or not at all.
 * @param {Codes} codes
 * @returns {Light}
 */
export function overall(codes) {
  if (PARTS.some((part) => NEEDED[part]?.includes(codes[part]))) return "bad";
  return PARTS.every((part) => codes[part] === "good" || PASSING[part]?.includes(codes[part])) ? "good" : "careful";
}

/**
 * Whether there is a code for every part.
 * @param {Codes} codes
 */
export function complete(codes) {
  return PARTS.every((part) => codes[part] !== "");
}

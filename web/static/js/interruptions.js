// @ts-check
/**
 * What happens in the middle of a call and is nobody's fault: a headset comes or goes, a phone changes network, a browser
 * puts the page to sleep, somebody takes a telephone call.  The call goes on with what there is then, and says so.
 */

import { text } from "./page.js";

/**
 * @typedef {import("./conversation.js").Conversation} Conversation
 * @typedef {import("./devices.js").Devices} Devices
 * @typedef {import("./tiles.js").Tiles} Tiles
 */

/** Several devices of one headset come within this time. */
const SETTLE_MS = 300;

/**
 * @param {Devices} devices
 * @param {Tiles} tiles
 * @param {() => Conversation | null} current
 * @param {(words: string) => void} say
 */
export function watchInterruptions(devices, tiles, current, say) {
  let timer = 0;
  navigator.mediaDevices?.addEventListener?.("devicechange", () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => void plugged(devices, tiles, current, say), SETTLE_MS);
  });
  // The Network Information API: Chrome on Android.  Elsewhere a connection that hesitates says it, some seconds later.
  const network = /** @type {any} */ (navigator).connection;
  let kind = network?.type;
  network?.addEventListener?.("change", () => {
    const moved = network.type !== kind && network.type !== "none";
    kind = network.type === "none" ? kind : network.type;
    if (moved) otherNetwork(current(), say);
  });
  // A page that slept heard nothing: neither that its connection broke nor that it is time for something.
  document.addEventListener("resume", () => back(current(), tiles));
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") back(current(), tiles);
  });
}

/**
 * @param {Devices} devices
 * @param {Tiles} tiles
 * @param {() => Conversation | null} current
 * @param {(words: string) => void} say
 */
async function plugged(devices, tiles, current, say) {
  if (await devices.speakerGone()) {
    tiles.speaker("");
    say(text("now_speaker"));
  }
  await current()?.sending.followDefault().catch(() => undefined); // a track that ended says so itself
  await devices.list();
}

/**
 * @param {Conversation | null} conversation
 * @param {(words: string) => void} say
 */
function otherNetwork(conversation, say) {
  if (!conversation || conversation.waits) return;
  conversation.signalling.hurry();
  conversation.sending.publisher?.restartIce();
  conversation.subscriber?.restartIce();
  say(text("network_changed"));
}

/**
 * @param {Conversation | null} conversation
 * @param {Tiles} tiles
 */
function back(conversation, tiles) {
  if (!conversation) return;
  conversation.signalling.hurry();
  tiles.unblock(); // what was playing may have been stopped
}

// @ts-check
/**
 * Somebody of whom nothing arrives any more: his browser crashed, his battery is empty, his network is gone.  The server waits
 * half a minute for him to come back; who looks at a picture that stands still wants to know earlier.
 */

import { text } from "./page.js";

/** Packets of sound come fifty times a second, also when nobody speaks. */
const SILENT_MS = 4000;
/** Still: once more, for who did not read it. */
const AGAIN_MS = 12000;

/**
 * @typedef {import("./conversation.js").Conversation} Conversation
 * @typedef {import("./tiles.js").Tiles} Tiles
 */

export class Silence {
  /**
   * @param {Tiles} tiles
   * @param {(words: string) => void} say
   */
  constructor(tiles, say) {
    this.tiles = tiles;
    this.say = say;
    /** @type {Map<string, {packet: number, at: number, told: number}>} by participant: his latest packet, since when */
    this.heard = new Map();
  }

  /**
   * Look again; about once a second.
   * @param {Conversation} conversation
   * @param {boolean} well our own connection is: else it is not his
   * @param {number} now ms
   */
  look(conversation, well, now = Date.now()) {
    const receivers = new Map(conversation.subscriber?.pc.getReceivers().map((each) => [each.track.id, each]));
    for (const { dataset, srcObject } of this.tiles.players.values()) {
      const id = dataset.participant ?? "";
      const person = this.tiles.people.get(id);
      const sends = person?.sources.some(({ source, muted }) => source === "microphone" && !muted);
      const track = srcObject instanceof MediaStream ? srcObject.getTracks()[0] : undefined;
      const packet = receivers.get(track?.id ?? "")?.getSynchronizationSources?.()[0]?.timestamp ?? 0;
      const before = this.heard.get(id);
      // Without a first packet there is nothing to miss: he is coming in, or this browser does not say.
      if (!well || !person || !sends || (!before && !packet)) this.heard.delete(id);
      else if (!before || (packet && packet !== before.packet)) this.heard.set(id, { packet, at: now, told: 0 });
      else this.missed(person.name, before, now - before.at);
    }
    for (const id of this.heard.keys()) if (!this.tiles.people.has(id)) this.heard.delete(id);
  }

  /**
   * @param {string} name
   * @param {{told: number}} him
   * @param {number} since ms
   */
  missed(name, him, since) {
    if (since < (him.told === 0 ? SILENT_MS : AGAIN_MS * him.told)) return;
    him.told += 1;
    this.say(text("other_silent", { name }));
  }
}

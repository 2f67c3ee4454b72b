// @ts-check
/** The pictures: a tile per participant, one per shared screen, one of ourselves; and everybody's sound. */

import { element, text } from "./page.js";

/** @typedef {import("./protocol.js").Participant} Participant */

export class Tiles {
  /** @param {() => void} blocked a browser refused to play sound without a click */
  constructor(blocked) {
    this.stage = element("stage", HTMLDivElement);
    this.sounds = element("sounds", HTMLDivElement);
    this.blocked = blocked;
    /** @type {Map<string, Participant>} */
    this.people = new Map();
    /** @type {Map<string, HTMLElement>} tile by participant and source */
    this.tiles = new Map();
    /** @type {Map<string, HTMLAudioElement>} */
    this.players = new Map();
  }

  /**
   * Somebody is there, or is there differently.
   * @param {Participant} person
   */
  person(person) {
    this.people.set(person.id, person);
    this.tile(person.id, "camera");
    this.refresh(person.id);
  }

  /** @param {string} id */
  gone(id) {
    this.people.delete(id);
    for (const [key, tile] of this.tiles) {
      if (tile.dataset.participant !== id) continue;
      tile.remove();
      this.tiles.delete(key);
    }
    for (const [key, player] of this.players) {
      if (player.dataset.participant !== id) continue;
      player.remove();
      this.players.delete(key);
    }
    this.arrange();
  }

  clear() {
    for (const id of [...this.people.keys()]) this.gone(id);
    this.own(null, "");
  }

  /**
   * Everything that we receive now.
   * @param {{track: MediaStreamTrack, participant: string, source: string}[]} all
   */
  show(all) {
    const present = new Set(all.map(({ participant, source }) => `${participant} ${source}`));
    for (const [key, tile] of this.tiles) {
      if (present.has(key) || tile.classList.contains("own")) continue;
      if (tile.dataset.source === "screen") {
        tile.remove();
        this.tiles.delete(key);
      } else {
        video(tile).srcObject = null;
      }
    }
    for (const [key, player] of this.players) {
      if (present.has(key)) continue;
      player.remove();
      this.players.delete(key);
    }
    for (const { track, participant, source } of all) {
      if (track.kind === "audio") this.play(track, participant, source);
      else attach(video(this.tile(participant, source)), track);
      if (this.people.has(participant)) this.refresh(participant);
    }
    this.arrange();
  }

  /**
   * @param {MediaStreamTrack} track
   * @param {string} participant
   * @param {string} source
   */
  play(track, participant, source) {
    const key = `${participant} ${source}`;
    let player = this.players.get(key);
    if (!player) {
      player = document.createElement("audio");
      player.autoplay = true;
      player.dataset.participant = participant;
      player.dataset.source = source;
      this.sounds.append(player);
      this.players.set(key, player);
    }
    attach(player, track);
    player.play().catch((error) => {
      if (error instanceof DOMException && error.name === "NotAllowedError") this.blocked();
    });
  }

  /** After a click: play what the browser held back. */
  unblock() {
    for (const player of this.players.values()) void player.play();
  }

  /**
   * Our own picture, or null for none.
   * @param {MediaStreamTrack | null} track
   * @param {string} name
   */
  own(track, name) {
    const tile = this.tile("", "own");
    tile.classList.add("own");
    tile.hidden = !name;
    caption(tile, text("you"), []);
    initials(tile, name);
    tile.dataset.picture = track ? "yes" : "no";
    if (track) attach(video(tile), track);
    else video(tile).srcObject = null;
    video(tile).muted = true;
    this.arrange();
  }

  /** @param {string[]} ids loudest first */
  speakers(ids) {
    for (const tile of this.tiles.values()) {
      const id = tile.dataset.participant ?? "";
      const speaks = ids.includes(id) && tile.dataset.source === "camera";
      tile.dataset.speaking = speaks ? "yes" : "no";
    }
    for (const id of this.people.keys()) this.refresh(id);
  }

  /** @param {string} id */
  refresh(id) {
    const person = this.people.get(id);
    if (!person) return;
    const muted = new Map(person.sources.map(({ source, muted: off }) => [source, off]));
    const tile = this.tile(id, "camera");
    const marks = [];
    if (tile.dataset.speaking === "yes") marks.push(text("speaking"));
    if (muted.get("microphone") === true) marks.push(text("mic_off_mark"));
    if (muted.get("camera") !== false) marks.push(text("camera_off_mark"));
    tile.dataset.picture = muted.get("camera") === false && video(tile).srcObject ? "yes" : "no";
    caption(tile, nameOf(person), marks);
    initials(tile, person.name);
    const screen = this.tiles.get(`${id} screen`);
    if (screen) {
      caption(screen, text("screen_of", { name: person.name }), []);
      screen.dataset.picture = "yes";
    }
  }

  /**
   * The tile of a participant's source; made when there is none.
   * @param {string} participant
   * @param {string} source
   */
  tile(participant, source) {
    const key = `${participant} ${source}`;
    let tile = this.tiles.get(key);
    if (!tile) {
      tile = document.createElement("figure");
      tile.className = "tile";
      tile.dataset.participant = participant;
      tile.dataset.source = source;
      tile.dataset.picture = "no";
      const picture = document.createElement("video");
      picture.autoplay = true;
      picture.muted = true;
      picture.playsInline = true;
      const letters = document.createElement("span");
      letters.className = "initials";
      letters.ariaHidden = "true";
      tile.append(picture, letters, document.createElement("figcaption"));
      if (source === "screen" && document.fullscreenEnabled) tile.append(enlarger(picture));
      this.stage.append(tile);
      this.tiles.set(key, tile);
    }
    return tile;
  }

  /** Count the pictures, so that the stylesheet can lay them out. */
  arrange() {
    const others = [...this.tiles.values()].filter((tile) => !tile.classList.contains("own"));
    this.stage.dataset.count = String(others.length);
    this.stage.dataset.screen = others.some((tile) => tile.dataset.source === "screen") ? "yes" : "no";
  }
}

/** @param {HTMLElement} tile */
function video(tile) {
  const found = tile.querySelector("video");
  if (!found) throw new Error("a tile without video");
  return found;
}

/**
 * @param {HTMLMediaElement} player
 * @param {MediaStreamTrack} track
 */
function attach(player, track) {
  const current = player.srcObject;
  if (current instanceof MediaStream && current.getTracks()[0] === track) return;
  player.srcObject = new MediaStream([track]);
}

/**
 * @param {HTMLElement} tile
 * @param {string} name
 * @param {string[]} marks
 */
function caption(tile, name, marks) {
  const place = tile.querySelector("figcaption");
  if (!place) return;
  const words = document.createElement("span");
  words.className = "marks";
  words.textContent = marks.join(" · ");
  place.replaceChildren(name, words);
}

/**
 * @param {HTMLElement} tile
 * @param {string} name
 */
function initials(tile, name) {
  const place = tile.querySelector(".initials");
  const letters = name.split(/\s+/).map((word) => word[0] ?? "").join("");
  if (place) place.textContent = letters.slice(0, 2).toUpperCase();
}

/** @param {Participant} person */
export function nameOf(person) {
  const role = person.label || text(`role_${person.role}`);
  return role ? `${person.name}, ${role}` : person.name;
}

/** @param {HTMLVideoElement} picture */
function enlarger(picture) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "enlarge";
  button.textContent = text("enlarge");
  button.onclick = () => void picture.requestFullscreen();
  return button;
}

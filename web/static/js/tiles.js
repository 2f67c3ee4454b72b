// @ts-check
/** The pictures: a tile per participant, one per shared screen, one of ourselves; and everybody's sound. */

import { fit, tileSize } from "./layout.js";
import { element, text } from "./page.js";

/** @typedef {import("./protocol.js").Participant} Participant */

/** Where there is room beside the controls, we stand there and cover nobody. */
const ROOMY = "(min-width: 72rem) and (min-aspect-ratio: 1/1) and (min-height: 30rem)";
/** Width and height, in letters' sizes, under which a caption is one short line, or it would cover a face. */
const SMALL = { width: 11, height: 8.3 };
/** Who just came in has nothing to show yet; saying "microphone off" meanwhile would be wrong. */
const ARRIVING_MS = 3000;

export class Tiles {
  /** @param {() => void} blocked a browser refused to play sound without a click */
  constructor(blocked) {
    this.stage = element("stage", HTMLDivElement);
    this.screens = element("screens", HTMLDivElement);
    this.faces = element("faces", HTMLDivElement);
    this.mirror = element("mirror", HTMLDivElement);
    this.sounds = element("sounds", HTMLDivElement);
    this.blocked = blocked;
    /** @type {Map<string, Participant>} */
    this.people = new Map();
    /** @type {Map<string, number>} when somebody came, while he has nothing to show */
    this.arriving = new Map();
    /** @type {Map<string, HTMLElement>} tile by participant and source */
    this.tiles = new Map();
    /** @type {Map<string, HTMLAudioElement>} */
    this.players = new Map();
    this.enlarged = false;
    this.roomy = window.matchMedia(ROOMY);
    this.roomy.onchange = () => this.arrange();
    const observer = new ResizeObserver(() => this.measure());
    observer.observe(this.faces);
    observer.observe(this.screens);
    document.addEventListener("fullscreenchange", () => {
      if (!document.fullscreenElement && this.enlarged) this.enlarge(false);
    });
  }

  /** Whether anybody else shares a screen. */
  get screen() {
    return this.screens.childElementCount > 0;
  }

  /**
   * Somebody is there, or is there differently.
   * @param {Participant} person
   */
  person(person) {
    if (!this.people.has(person.id)) {
      this.arriving.set(person.id, window.setTimeout(() => this.arrived(person.id), ARRIVING_MS));
    }
    this.people.set(person.id, person);
    this.tile(person.id, "camera");
    if (person.sources.length > 0) this.arrived(person.id);
    this.refresh(person.id);
    this.arrange();
  }

  /** @param {string} id */
  arrived(id) {
    clearTimeout(this.arriving.get(id));
    if (this.arriving.delete(id)) this.refresh(id);
  }

  /** @param {string} id */
  gone(id) {
    clearTimeout(this.arriving.get(id));
    this.arriving.delete(id);
    this.people.delete(id);
    for (const [key, tile] of this.tiles) if (tile.dataset.participant === id) this.removeTile(key, tile);
    for (const [key, player] of this.players) if (player.dataset.participant === id) this.removePlayer(key, player);
    this.arrange();
  }

  clear() {
    for (const id of [...this.people.keys()]) this.gone(id);
    this.own(null, "");
  }

  /**
   * @param {string} key
   * @param {HTMLElement} tile
   */
  removeTile(key, tile) {
    video(tile).srcObject = null;
    tile.remove();
    this.tiles.delete(key);
  }

  /**
   * @param {string} key
   * @param {HTMLAudioElement} player
   */
  removePlayer(key, player) {
    player.srcObject = null;
    player.remove();
    this.players.delete(key);
  }

  /**
   * Everything that we receive now.
   * @param {{track: MediaStreamTrack, participant: string, source: string}[]} all
   */
  show(all) {
    const here = all.filter(({ participant }) => this.people.has(participant));
    const present = new Set(here.map(({ participant, source }) => `${participant} ${source}`));
    for (const [key, tile] of this.tiles) {
      if (present.has(key) || tile.classList.contains("own")) continue;
      if (tile.dataset.source === "screen") this.removeTile(key, tile);
      else video(tile).srcObject = null;
    }
    for (const [key, player] of this.players) if (!present.has(key)) this.removePlayer(key, player);
    for (const { track, participant, source } of here) {
      if (track.kind === "audio") this.play(track, participant, source);
      else attach(video(this.tile(participant, source)), track);
    }
    for (const id of this.people.keys()) this.refresh(id);
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
      player.dataset.participant = participant;
      player.dataset.source = source;
      this.sounds.append(player);
      this.players.set(key, player);
    }
    if (!attach(player, track)) return;
    player.play().catch((error) => {
      if (error instanceof DOMException && error.name === "NotAllowedError") this.blocked();
    });
  }

  /** After a click: play what the browser held back. */
  unblock() {
    for (const player of this.players.values()) player.play().catch(() => undefined);
  }

  /**
   * Our own picture, or null for none; no name: no tile.
   * @param {MediaStreamTrack | null} track
   * @param {string} name
   */
  own(track, name) {
    const tile = this.tile("", "own");
    tile.classList.add("own");
    tile.hidden = !name;
    caption(tile, text("you"), "", track || !name ? [] : [text("camera_off_mark")]);
    initials(tile, name);
    // A mirror, as people know themselves; what a phone's back camera shows must stay readable.
    tile.dataset.mirror = track?.getSettings().facingMode === "environment" ? "no" : "yes";
    tile.dataset.picture = track ? "yes" : "no";
    if (track) attach(video(tile), track);
    else video(tile).srcObject = null;
    this.arrange();
  }

  /** @param {string[]} ids loudest first */
  speakers(ids) {
    for (const tile of this.tiles.values()) {
      const id = tile.dataset.participant ?? "";
      tile.dataset.speaking = ids.includes(id) && tile.dataset.source === "camera" ? "yes" : "no";
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
    if (!this.arriving.has(id)) {
      if (muted.get("microphone") !== false) marks.push(text("mic_off_mark"));
      if (muted.get("camera") !== false) marks.push(text("camera_off_mark"));
    }
    tile.dataset.picture = muted.get("camera") === false && video(tile).videoWidth > 0 ? "yes" : "no";
    caption(tile, person.name, roleOf(person), marks);
    initials(tile, person.name);
    const screen = this.tiles.get(`${id} screen`);
    if (screen) {
      caption(screen, text("screen_of", { name: person.name }), "", []);
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
      picture.onresize = () => {
        this.refresh(participant);
        this.measure();
      };
      const letters = document.createElement("span");
      letters.className = "initials";
      letters.ariaHidden = "true";
      tile.append(picture, letters, document.createElement("figcaption"));
      if (source === "screen") tile.append(this.enlarger());
      (source === "screen" ? this.screens : this.faces).append(tile);
      this.tiles.set(key, tile);
    }
    return tile;
  }

  /** The button that lets a shared screen have all the room, the whole of the monitor where a browser allows it. */
  enlarger() {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "enlarge";
    button.textContent = text("enlarge");
    button.onclick = () => this.enlarge(!this.enlarged);
    return button;
  }

  /** @param {boolean} on */
  enlarge(on) {
    this.enlarged = on;
    this.stage.dataset.enlarged = on ? "yes" : "no";
    for (const button of this.screens.querySelectorAll(".enlarge")) button.textContent = text(on ? "reduce" : "enlarge");
    if (on && document.fullscreenEnabled) {
      // A phone that is held upright turns the picture; elsewhere there is nothing to turn, which is no error.
      const turn = () => /** @type {any} */ (screen.orientation)?.lock?.("landscape");
      this.stage.requestFullscreen().then(turn).catch(() => undefined);
    }
    if (!on && document.fullscreenElement) void document.exitFullscreen();
    this.measure();
  }

  /** Tell the stylesheet what there is to lay out. */
  arrange() {
    const others = this.people.size;
    if (!this.screen && this.enlarged) this.enlarge(false);
    this.stage.dataset.count = String(others);
    this.stage.dataset.screen = this.screen ? "yes" : "no";
    // We are small, beside the controls or in a corner of the only other; on a narrow screen with more people, one of all.
    const aside = others > 0 && this.roomy.matches;
    this.stage.dataset.corner = others === 1 && !this.screen && !aside ? "yes" : "no";
    const own = this.tiles.get(" own");
    const place = aside ? this.mirror : this.faces;
    if (own && own.parentElement !== place) {
      place.append(own);
      video(own).play().catch(() => undefined); // moving a picture stops it
    }
    this.measure();
  }

  measure() {
    const shown = [...this.faces.children].filter((tile) => tile instanceof HTMLElement && !tile.hidden).length;
    const count = Math.max(1, shown - (this.stage.dataset.corner === "yes" ? 1 : 0));
    const size = tileSize(count, this.faces.clientWidth, this.faces.clientHeight);
    this.faces.style.setProperty("--tile-width", `${size.width}px`);
    this.faces.style.setProperty("--tile-height", `${size.height}px`);
    const letter = parseFloat(getComputedStyle(this.faces).fontSize);
    this.faces.dataset.small = size.width < SMALL.width * letter || size.height < SMALL.height * letter ? "yes" : "no";
    for (const tile of this.tiles.values()) {
      if (tile.dataset.source === "screen") continue;
      const picture = video(tile);
      tile.dataset.fit = fit(picture.videoWidth / picture.videoHeight, tile.clientWidth / tile.clientHeight);
    }
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
 * @returns {boolean} whether it is another track than before
 */
function attach(player, track) {
  const current = player.srcObject;
  if (current instanceof MediaStream && current.getTracks()[0] === track) return false;
  player.srcObject = new MediaStream([track]);
  return true;
}

/**
 * @param {HTMLElement} tile
 * @param {string} name
 * @param {string} role
 * @param {string[]} marks
 */
function caption(tile, name, role, marks) {
  const place = tile.querySelector("figcaption");
  if (!place) return;
  const parts = [["name", name], ["role", role], ["marks", marks.join(" · ")]].filter(([, words]) => words);
  if (place.dataset.said === JSON.stringify(parts)) return;
  place.dataset.said = JSON.stringify(parts);
  place.replaceChildren(...parts.map(([kind = "", words = ""]) => {
    const part = document.createElement("span");
    part.className = kind;
    part.textContent = words;
    return part;
  }));
}

/**
 * @param {HTMLElement} tile
 * @param {string} name
 */
function initials(tile, name) {
  const place = tile.querySelector(".initials");
  const words = name.split(/\s+/).filter(Boolean);
  const letters = [words[0], words.length > 1 ? words[words.length - 1] : ""].map((word) => [...(word ?? "")][0] ?? "");
  if (place) place.textContent = letters.join("").toUpperCase();
}

/** @param {Participant} person */
export function roleOf(person) {
  return person.label || text(`role_${person.role}`);
}

/** @param {Participant} person */
export function nameOf(person) {
  return `${person.name}, ${roleOf(person)}`;
}

// @ts-check
/** The pictures: a tile per participant, one per shared screen, one of ourselves; and everybody's sound. */

import { bars, cornerWidth, divide, fit, tileSize } from "./layout.js";
import { announce, element, text } from "./page.js";
import { roleOf } from "./people.js";
import { Screen } from "./screens.js";
import { attach, caption, initials, makeTile, tileButton, video } from "./tile.js";

/** @typedef {import("./protocol.js").Participant} Participant */

/** Where there is room beside the controls, we stand there and cover nobody.  The desk's panel takes its part. */
const ROOMY = `(min-width: ${document.getElementById("panel") ? 84 : 72}rem) and (min-aspect-ratio: 1/1) and (min-height: 30rem)`;
/** What a shared screen is taken to be until its first picture comes. */
const USUAL_SCREEN = 16 / 9;
/** Width by height of our own tile in a corner: as our camera is held. */
const OWN = { upright: 3 / 4, flat: 16 / 9 };
/** Width and height, in letters' sizes, under which a caption is one short line, or it would cover a face. */
const SMALL = { width: 11, height: 8.3 };
/** Height under which even that would: it stands under the picture then. */
const TINY = 5.5;
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
    /** @type {Map<string, Screen>} what a shared screen has beside its picture, by whose it is */
    this.tools = new Map();
    this.pinned = "";
    this.output = "";
    this.enlarged = false;
    this.roomy = window.matchMedia(ROOMY);
    this.roomy.onchange = () => this.arrange();
    const observer = new ResizeObserver(() => this.measure());
    observer.observe(this.faces);
    observer.observe(this.screens);
    observer.observe(this.stage);
    document.addEventListener("fullscreenchange", () => {
      if (!document.fullscreenElement && this.enlarged) this.enlarge(false);
    });
  }

  /** Whether anybody else shares a screen. */
  get screen() {
    return this.tools.size > 0;
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
    if (this.pinned === id) this.pinned = "";
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
    if (tile.dataset.source === "screen") this.tools.delete(tile.dataset.participant ?? "");
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
      void this.route(player);
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
      tile = makeTile(participant, source);
      video(tile).onresize = () => {
        this.refresh(participant);
        this.measure();
      };
      if (source === "screen") this.tools.set(participant, new Screen(tile, () => this.enlarge(!this.enlarged)));
      if (source === "camera") tile.append(tileButton("pin", text("pin"), () => this.pin(participant)));
      (source === "screen" ? this.screens : this.faces).append(tile);
      this.tiles.set(key, tile);
    }
    return tile;
  }

  /**
   * Keep somebody large, such as an interpreter who signs; once more: as before.
   * @param {string} id
   */
  pin(id) {
    this.pinned = this.pinned === id ? "" : id;
    this.arrange();
    this.tiles.get(`${id} camera`)?.querySelector("button")?.focus(); // it moved, and focus must not fall off the page
    announce(text(this.pinned ? "pinned" : "unpinned", { name: this.people.get(id)?.name ?? "" }));
  }

  /** Whom we look at: who is pinned, or the first other with a picture. */
  get main() {
    const shown = [...this.tiles.values()].filter((tile) => tile.dataset.picture === "yes" && !tile.classList.contains("own"));
    const tile = shown.find((each) => each.dataset.participant === this.pinned) ?? shown[0];
    return tile ? video(tile) : null;
  }

  /**
   * Somebody points at a shared screen.
   * @param {string} id
   * @param {number | null} x
   * @param {number | null} y
   */
  point(id, x, y) {
    const name = this.people.get(id)?.name ?? "";
    for (const screen of this.tools.values()) screen.dots.show(id, name, x, y);
  }

  /** @param {string} id of a loudspeaker */
  speaker(id) {
    this.output = id;
    for (const player of this.players.values()) void this.route(player);
  }

  /** @param {HTMLAudioElement} player */
  async route(player) {
    if (!("setSinkId" in player) || player.sinkId === this.output) return;
    await player.setSinkId(this.output).catch(() => undefined); // it is gone: the system's own speaks
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
    const large = this.screen || this.pinned !== "";
    this.stage.dataset.count = String(others);
    this.stage.dataset.screen = large ? "yes" : "no";
    const own = this.tiles.get(" own");
    if (own) this.move(own, others > 0 && this.roomy.matches ? this.mirror : this.faces);
    for (const id of this.people.keys()) {
      const tile = this.tile(id, "camera");
      const pinned = id === this.pinned;
      this.move(tile, pinned ? this.screens : this.faces);
      const button = tile.querySelector("button");
      if (!button) continue;
      button.hidden = !pinned && others < 2 && !this.screen;
      button.textContent = text(pinned ? "unpin" : "pin");
      button.ariaLabel = text(pinned ? "unpin_name" : "pin_name", { name: this.people.get(id)?.name ?? "" });
    }
    this.measure();
  }

  /**
   * @param {HTMLElement} tile
   * @param {HTMLElement} place
   */
  move(tile, place) {
    if (tile.parentElement === place) return;
    place.append(tile);
    video(tile).play().catch(() => undefined); // moving a picture stops it
  }

  measure() {
    const letter = parseFloat(getComputedStyle(this.faces).fontSize);
    this.measureScreens(letter);
    // Not clientWidth, which may be rounded up: then two tiles would not stand beside each other.
    const { width: wide, height: high } = this.faces.getBoundingClientRect();
    const shown = [...this.faces.children].filter((tile) => tile instanceof HTMLElement && !tile.hidden).length;
    // We are small, beside the controls or in a corner of one or two others; where we would cover them, one of all.
    const others = this.people.size;
    let size = tileSize(Math.max(1, others), wide, high);
    const own = this.tiles.get(" own");
    const camera = own ? video(own) : null;
    const shape = camera && camera.videoHeight > camera.videoWidth ? OWN.upright : OWN.flat;
    const inFaces = own?.parentElement === this.faces && this.stage.dataset.screen === "no";
    const corner = inFaces ? cornerWidth(others, size, shape) : 0;
    if (!corner) size = tileSize(Math.max(1, shown), wide, high);
    this.stage.dataset.corner = corner ? "yes" : "no";
    const lengths = { "tile-width": size.width, "tile-height": size.height, "all-width": size.all.wide, "all-height": size.all.high, "own-width": corner };
    for (const [name, pixels] of Object.entries(lengths)) this.faces.style.setProperty(`--${name}`, `${pixels}px`);
    own?.style.setProperty("--own-shape", String(shape));
    this.faces.dataset.small = size.width < SMALL.width * letter || size.height < SMALL.height * letter ? "yes" : "no";
    this.faces.dataset.tiny = size.height < TINY * letter ? "yes" : "no";
    for (const tile of this.tiles.values()) {
      if (tile.dataset.source === "screen") continue; // it is shown whole, always
      const picture = video(tile);
      tile.dataset.fit = fit(picture.videoWidth / picture.videoHeight, tile.clientWidth / tile.clientHeight);
    }
  }

  /**
   * A shared screen, or somebody who is kept large: where people stand, and where its buttons.
   * @param {number} letter pixels
   */
  measureScreens(letter) {
    const { paddingLeft, paddingRight } = getComputedStyle(this.stage);
    const wide = this.stage.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
    const high = this.stage.clientHeight;
    const shown = [...this.screens.querySelectorAll("video")];
    const shape = (/** @type {HTMLVideoElement | undefined} */ each) => (each?.videoWidth ? each.videoWidth / each.videoHeight : USUAL_SCREEN);
    // On a phone the panel takes the place of words that say whose screen it is.
    const words = this.screens.querySelector('[data-source="screen"] figcaption');
    const said = words === null || getComputedStyle(words).display !== "none";
    const one = divide(wide, high, shape(shown[0]), letter, said);
    const { stacked, high: part } = shown.length > 1 ? { stacked: wide < high, high: high * 0.72 } : one;
    this.stage.dataset.stacked = stacked ? "yes" : "no";
    this.stage.style.setProperty("--screen-full", `${one.full}px`);
    this.stage.style.setProperty("--screens-height", `${part}px`);
    for (const tile of this.tiles.values()) {
      if (tile.dataset.source === "screen") tile.dataset.bars = bars(tile.clientWidth, tile.clientHeight, shape(video(tile)), letter, said).place;
    }
  }
}

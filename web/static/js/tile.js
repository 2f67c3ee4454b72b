// @ts-check
/** One tile: a picture, letters in its place, and a caption. */

import { lettersOf } from "./people.js";

/**
 * An empty tile.  A screen's picture stands in boxes that can be scrolled when it is enlarged.
 * @param {string} participant
 * @param {string} source
 */
export function makeTile(participant, source) {
  const tile = document.createElement("figure");
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
  reveal(tile);
  return tile;
}

/** Long enough to press a button that came. */
const NEAR_MS = 5000;

/**
 * A finger does not hover: what would lie on a small face shows after a tap, and that tap presses nothing.
 * @param {HTMLElement} tile
 */
function reveal(tile) {
  let timer = 0;
  let unseen = false;
  tile.addEventListener("pointerdown", (event) => {
    const button = tile.querySelector(".pin");
    unseen = event.pointerType === "touch" && button !== null && getComputedStyle(button).opacity === "0";
  }, true);
  tile.addEventListener("click", (event) => {
    if (unseen) event.stopPropagation();
    unseen = false;
    tile.dataset.near = "yes";
    clearTimeout(timer);
    timer = window.setTimeout(() => (tile.dataset.near = "no"), NEAR_MS);
  }, true);
}

/** @param {HTMLElement} tile */
export function video(tile) {
  const found = tile.querySelector("video");
  if (!found) throw new Error("a tile without video");
  return found;
}

/**
 * @param {HTMLMediaElement} player
 * @param {MediaStreamTrack} track
 * @returns {boolean} whether it is another track than before
 */
export function attach(player, track) {
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
export function caption(tile, name, role, marks) {
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
export function initials(tile, name) {
  const place = tile.querySelector(".initials");
  if (place) place.textContent = lettersOf(name);
}

/**
 * A button on a tile.
 * @param {string} kind its class
 * @param {string} words
 * @param {() => void} act
 */
export function tileButton(kind, words, act) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = kind;
  button.textContent = words;
  button.onclick = act;
  return button;
}

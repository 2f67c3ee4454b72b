// @ts-check
/** Who somebody is, in words, and the letters that stand for a face. */

import { text } from "./page.js";

/** @typedef {import("./protocol.js").Participant} Participant */

/** @param {{role: string, label: string}} person */
export function roleOf(person) {
  return person.label || text(`role_${person.role}`);
}

/** @param {Participant} person */
export function nameOf(person) {
  return `${person.name}, ${roleOf(person)}`;
}

/** @param {string} name */
export function lettersOf(name) {
  const words = name.split(/\s+/).filter(Boolean);
  const letters = [words[0], words.length > 1 ? words[words.length - 1] : ""].map((word) => [...(word ?? "")][0] ?? "");
  return letters.join("").toUpperCase();
}

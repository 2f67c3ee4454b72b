// @ts-check
/** For who leads the call: a line per person who waits, with a button to let him in. */

import { announce, element, text } from "./page.js";
import { nameOf } from "./people.js";
import { hear, tell } from "./wire.js";

/** @typedef {import("./protocol.js").Participant} Participant */

export class Arrivals {
  constructor() {
    this.list = element("arrivals", HTMLUListElement);
    hear("lobby", ({ people }) => this.show(people));
  }

  /** @param {Participant[]} people */
  show(people) {
    const here = new Set(people.map(({ id }) => id));
    for (const line of this.list.querySelectorAll("li")) {
      if (!here.has(line.dataset.participant ?? "")) line.remove();
    }
    for (const person of people) {
      if (this.list.querySelector(`li[data-participant="${CSS.escape(person.id)}"]`)) continue;
      this.list.append(lineOf(person));
      announce(text("arrived", { name: nameOf(person) }));
    }
    this.list.hidden = people.length === 0;
  }
}

/** @param {Participant} person */
function lineOf(person) {
  const line = document.createElement("li");
  line.dataset.participant = person.id;
  const words = document.createElement("span");
  words.textContent = text("arrived", { name: nameOf(person) });
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text("admit");
  button.ariaLabel = text("admit_name", { name: person.name });
  button.onclick = () => tell({ type: "admit", participant: person.id });
  line.append(words, button);
  return line;
}

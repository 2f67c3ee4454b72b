// @ts-check
/**
 * The desk's panel beside a call: who waits and is let in, who is inside, and what the server knows of the appointment.
 * What happens in the call it hears by wire.js; its forms are sent from here, so that the call goes on.
 */

import { hear, tell } from "../wire.js";
import { chime } from "./chime.js";

/**
 * @typedef {{id: string, name: string, role: string, label: string}} Someone
 * @typedef {Someone & {waiting_s: number, held: boolean}} Waiter
 * @typedef {Someone & {sources: {source: string, muted: boolean}[]}} Insider
 */

const SOUND_OFF = "balie.sound-off";
const MINUTE_MS = 60_000;

const panel = find("#panel", HTMLElement);
const lobby = find("#lobby", HTMLElement);
const partsOfServer = find("#panel-parts", HTMLElement);

/** @type {Map<string, Waiter & {since: number}>} */
let waiting = new Map();
/** @type {Map<string, Insider>} */
const inside = new Map();
let me = "";

/**
 * @template {Element} T
 * @param {string} which
 * @param {{new (): T}} kind
 * @param {ParentNode} [within]
 * @returns {T}
 */
function find(which, kind, within = document) {
  const found = within.querySelector(which);
  if (!(found instanceof kind)) throw new Error(`no ${kind.name} ${which}`);
  return found;
}

/**
 * @param {string} words
 * @param {Record<string, string | number>} values
 */
function fill(words, values) {
  return words.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** @param {string} words */
function say(words) {
  find("#panel-said", HTMLElement).textContent = words;
}

// -- who waits, who is inside --------------------------------------------------------------------------------

/**
 * A list as these people have it: lines that stay keep their buttons while somebody presses one.
 * @template {Someone} T
 * @param {HTMLElement} list
 * @param {string} template
 * @param {Iterable<T>} people
 * @param {(line: HTMLElement, person: T) => void} paint
 */
function fillList(list, template, people, paint) {
  /** @type {Map<string, HTMLElement>} */
  const lines = new Map();
  for (const line of list.querySelectorAll("li")) lines.set(line.dataset.person ?? "", line);
  const wanted = [];
  for (const person of people) {
    let line = lines.get(person.id);
    if (!line) {
      const copy = find(template, HTMLTemplateElement).content.cloneNode(true);
      line = find("li", HTMLElement, /** @type {DocumentFragment} */ (copy));
      line.dataset.person = person.id;
    }
    for (const name of line.querySelectorAll(".name")) {
      const words = name.closest("button") ? ` ${person.name}` : person.name;
      if (name.textContent !== words) name.textContent = words;
    }
    const known = partsOfServer.querySelector(`[data-person="${CSS.escape(person.id)}"] .small`);
    find(".role", HTMLElement, line).textContent = person.label || known?.textContent || "";
    paint(line, person);
    wanted.push(line);
  }
  for (const [id, line] of lines) {
    if (wanted.some((each) => each === line)) continue;
    if (line.contains(document.activeElement)) find("#lobby-title", HTMLElement).focus();
    lines.delete(id);
    line.remove();
  }
  wanted.forEach((line, at) => {
    if (list.children[at] !== line) list.insertBefore(line, list.children[at] ?? null);
  });
}

function paint() {
  const { one = "", many = "", held = "" } = lobby.dataset;
  fillList(find("#lobby-list", HTMLElement), "#waiter", waiting.values(), (line, person) => {
    const minutes = Math.floor((Date.now() - person.since) / MINUTE_MS);
    const wait = minutes < 1 ? lobby.dataset.new ?? "" : fill(minutes === 1 ? one : many, { n: minutes });
    const mark = find(".mark", HTMLElement, line);
    const words = person.held ? held : wait;
    if (mark.textContent !== words) mark.textContent = words;
    mark.className = `mark ${person.held || minutes >= 5 ? "slow" : ""}`;
  });
  fillList(find("#inside-list", HTMLElement), "#insider", inside.values(), (line, person) => {
    const speaks = person.sources.some(({ source, muted }) => source === "microphone" && !muted);
    find('[data-do="mute"]', HTMLButtonElement, line).disabled = !speaks;
    find('[data-do="hold"]', HTMLButtonElement, line).hidden = person.role === "staff";
  });
  lobby.dataset.waits = waiting.size ? "yes" : "no";
  find("#lobby-none", HTMLElement).hidden = me !== "";
  find("#lobby-empty", HTMLElement).hidden = me === "" || waiting.size > 0;
  find("#inside", HTMLElement).hidden = inside.size === 0;
}

/** @param {Waiter[]} people */
function lobbyIs(people) {
  const before = waiting;
  waiting = new Map(people.map((each) => [each.id, { ...each, since: Date.now() - each.waiting_s * 1000 }]));
  const fresh = people.filter(({ id, held }) => !held && !before.has(id));
  if (fresh.length) {
    say(fresh.map(({ name }) => fill(lobby.dataset.came ?? "", { name })).join(" "));
    if (!soundOff()) chime();
  }
  if (asked && !waiting.has(asked.id)) find("#admit-who", HTMLDialogElement).close();
  paint();
}

function soundOff() {
  try {
    return localStorage.getItem(SOUND_OFF) !== null;
  } catch {
    return false;
  }
}

hear("welcome", (welcome) => {
  me = welcome.you.id;
  inside.clear();
  for (const each of welcome.participants) inside.set(each.id, each);
  if (!welcome.resumed) waiting = new Map(); // a lobby follows when somebody waits
  paint();
});
hear("lobby", ({ people }) => lobbyIs(people));
for (const type of ["joined", "updated"]) {
  hear(type, ({ participant }) => {
    if (participant.id !== me) inside.set(participant.id, participant);
    paint();
  });
}
hear("left", ({ participant }) => {
  inside.delete(participant);
  paint();
});
hear("news", ({ about }) => about !== "acts" && void refresh()); // acts: see samen.js
window.setInterval(paint, MINUTE_MS / 4);

// -- what staff does with them -------------------------------------------------------------------------------

/** @type {Someone | null} who the open dialog is about */
let asked = null;

/**
 * @param {string} id of the dialog
 * @param {Someone} person
 */
function ask(id, person) {
  const dialog = find(`#${id}`, HTMLDialogElement);
  const title = find("h2", HTMLElement, dialog);
  title.textContent = fill(title.dataset.words ?? "", { name: person.name });
  asked = person;
  dialog.showModal();
}

/** @param {Someone} person */
function askWho(person) {
  const known = partsOfServer.querySelector(`[data-person="${CSS.escape(person.id)}"]`);
  const facts = [...(known?.querySelectorAll(":scope > p") ?? [])].map((line) => line.cloneNode(true));
  find("#admit-facts", HTMLElement).replaceChildren(...facts);
  ask("admit-who", person);
}

panel.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest("button") : null;
  const person = of(button?.closest("li")?.dataset.person ?? "");
  if (button?.dataset.shut !== undefined) button.closest("dialog")?.close();
  if (!button || !person) return;
  switch (button.dataset.do) {
    case "admit": {
      askWho(person);
      break;
    }
    case "hold": {
      tell({ type: "hold", participant: person.id });
      say(fill(lobby.dataset.onHold ?? "", { name: person.name }));
      break;
    }
    case "mute": {
      tell({ type: "moderate", action: "mute", participant: person.id, source: "microphone" });
      break;
    }
    case "remove": {
      ask("remove-who", person);
      break;
    }
  }
});

/** @param {string} id */
function of(id) {
  return waiting.get(id) ?? inside.get(id) ?? null;
}

/**
 * @param {string} dialog
 * @param {string} button
 * @param {(person: Someone) => void} act
 */
function answer(dialog, button, act) {
  find(`#${button}`, HTMLButtonElement).onclick = () => {
    if (asked) act(asked);
    find(`#${dialog}`, HTMLDialogElement).close();
  };
  find(`#${dialog}`, HTMLDialogElement).addEventListener("close", () => (asked = null));
}

answer("admit-who", "admit-yes", (person) => {
  tell({ type: "admit", participant: person.id });
  say(fill(lobby.dataset.letIn ?? "", { name: person.name }));
});
answer("remove-who", "remove-yes", (person) => {
  tell({ type: "moderate", action: "remove", participant: person.id, source: null });
});

// -- what the server knows -----------------------------------------------------------------------------------

/**
 * Ask for the panel, or send one of its forms; returns it as a page, or null when that did not work.
 * @param {string} path
 * @param {URLSearchParams} [form]
 */
async function fetchPanel(path, form) {
  const problem = find("#panel-lost", HTMLElement);
  try {
    const response = await fetch(path, { method: form ? "POST" : "GET", body: form, headers: { Accept: "text/html" } });
    // Who was signed out meanwhile is led to the page to sign in.
    if (response.redirected || !(response.ok || response.status === 422)) throw new Error(String(response.status));
    problem.hidden = true;
    return new DOMParser().parseFromString(await response.text(), "text/html");
  } catch {
    problem.hidden = false;
    return null;
  }
}

/**
 * Put one part in its place, and the facts: what is being typed elsewhere stays.
 * @param {Document | null} page
 * @param {string[]} which ids
 */
function replace(page, which) {
  for (const id of which) {
    const fresh = page?.getElementById(id);
    const old = document.getElementById(id);
    if (fresh && old) old.replaceWith(document.adoptNode(fresh));
  }
  paint();
}

/** Somebody else changed something: what nobody is busy with here comes anew. */
async function refresh() {
  const page = await fetchPanel(`${panel.dataset.place}/paneel`);
  const idle = ["part-facts", "part-steps"].filter((id) => {
    const part = document.getElementById(id);
    return part && !part.contains(document.activeElement) && !part.querySelector("details[open]");
  });
  replace(page, idle);
}

// What is written in a form that keeps itself goes to the server when its writer pauses.
const PAUSE_MS = 1200;
let pause = 0;

/** @param {HTMLFormElement} form */
async function keep(form) {
  clearTimeout(pause);
  const state = find(".kept", HTMLElement, form);
  const sent = new URLSearchParams();
  for (const [name, value] of new FormData(form)) sent.append(name, String(value));
  const page = await fetchPanel(form.action, sent);
  const wrong = page?.querySelector(`#${form.closest("section")?.id} .field-error`);
  state.ariaLive = "polite";
  state.textContent = wrong ? wrong.textContent : page ? state.dataset.kept ?? "" : "";
}

partsOfServer.addEventListener("input", (event) => {
  const form = event.target instanceof HTMLElement ? event.target.closest("form") : null;
  if (!form || form.dataset.keep === undefined) return;
  const state = find(".kept", HTMLElement, form);
  state.ariaLive = "off"; // nobody wants to hear this at every letter
  state.textContent = state.dataset.keeping ?? "";
  clearTimeout(pause);
  pause = window.setTimeout(() => void keep(form), PAUSE_MS);
});
partsOfServer.addEventListener("change", (event) => {
  const form = event.target instanceof HTMLElement ? event.target.closest("form") : null;
  if (form?.dataset.keep !== undefined) void keep(form);
});

partsOfServer.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement)) return;
  event.preventDefault();
  if (form.dataset.keep !== undefined) {
    void keep(form);
    return;
  }
  const part = form.closest("section")?.id ?? "";
  const button = form.querySelector("button:not([type=button])");
  if (form.ariaBusy === "true") return;
  form.ariaBusy = "true";
  const sent = new URLSearchParams();
  for (const [name, value] of new FormData(form, button instanceof HTMLElement ? button : null)) sent.append(name, String(value));
  const page = await fetchPanel(form.action, sent);
  form.ariaBusy = "false";
  if (!page) return;
  replace(page, ["part-facts", part]);
  const fresh = document.getElementById(part);
  const next = fresh?.querySelector(".done, [aria-invalid=true], .field-error, summary");
  if (next instanceof HTMLElement) next.focus();
  const done = fresh?.querySelector(".done")?.textContent;
  if (done) say(done);
});

paint();

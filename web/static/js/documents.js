// @ts-check
/**
 * Forms that send a document (form[data-upload]): how far it is, for who looks and for who listens, and what came of it.
 * Without this script they are plain forms.  Lists of what is still being looked at come again by themselves.
 */

import { morph } from "./samen/morph.js";

/** Percent between two things that are said: more would not be listened to. */
const SAID_EVERY = 25;
const AGAIN_MS = 2000;
const AGAIN_MAX = 8;

/** @type {WeakSet<HTMLFormElement>} */
const busy = new WeakSet();

/**
 * @template {Element} T
 * @param {Element} form
 * @param {string} which
 * @param {{new (): T}} kind
 * @returns {T}
 */
function part(form, which, kind) {
  const found = form.querySelector(which);
  if (!(found instanceof kind)) throw new Error(`no ${kind.name} ${which}`);
  return found;
}

/**
 * @param {HTMLFormElement} form
 * @param {string} words
 */
function say(form, words) {
  part(form, ".upload-said", HTMLElement).textContent = words;
}

/**
 * Where it is part of a list that comes anew, what stands in it now stays: how far it is, or what is wrong.
 * @param {HTMLFormElement} form
 * @param {boolean} on
 */
function keep(form, on) {
  form.toggleAttribute("data-keep", on);
}

/**
 * What is wrong stands at the field, which gets the focus.
 * @param {HTMLFormElement} form
 * @param {string} words "" for nothing
 */
function wrong(form, words) {
  const field = part(form, "input[type=file]", HTMLInputElement);
  const error = part(form, ".field-error", HTMLElement);
  error.textContent = words;
  error.hidden = words === "";
  keep(form, words !== "");
  field.closest(".field")?.classList.toggle("wrong", words !== "");
  if (words === "") {
    field.removeAttribute("aria-invalid");
    return;
  }
  say(form, "");
  field.setAttribute("aria-invalid", "true");
  field.focus();
}

/**
 * @param {HTMLFormElement} form
 * @param {boolean} on
 */
function under(form, on) {
  const way = part(form, ".upload-way", HTMLElement);
  const button = part(form, ".upload-do button", HTMLButtonElement);
  if (on) busy.add(form);
  else busy.delete(form);
  keep(form, on);
  // The button that was pressed goes away: the one to stop takes the focus, and gives it back.
  const within = way.contains(document.activeElement) || button === document.activeElement;
  way.hidden = !on;
  button.hidden = on;
  if (within) (on ? part(way, "[data-stop]", HTMLButtonElement) : button).focus();
}

/**
 * @param {HTMLFormElement} form
 * @param {XMLHttpRequest} request
 */
function ended(form, request) {
  under(form, false);
  const page = request.responseXML;
  if (request.status >= 200 && request.status < 300 && page) {
    form.reset();
    say(form, form.dataset.done ?? "");
    replace(form.dataset.upload ?? "", page);
    document.dispatchEvent(new CustomEvent("balie:document"));
    return;
  }
  const said = page?.querySelector(".field-error:not([hidden])") ?? page?.querySelector("main p:not(.brand)");
  wrong(form, said?.textContent?.replace(/\s+/g, " ").trim() || (form.dataset.failed ?? ""));
}

/**
 * A part of this page as the fresh one has it.
 * @param {string} id
 * @param {Document} page
 */
function replace(id, page) {
  const old = id && document.getElementById(id);
  const fresh = id && page.getElementById(id);
  if (old && fresh) morph(old, fresh);
}

/** @param {HTMLFormElement} form */
function send(form) {
  const { max = "0", none = "", large = "", sending = "", looking = "", stopped = "", failed = "" } = form.dataset;
  const file = part(form, "input[type=file]", HTMLInputElement).files?.[0];
  if (!file) return wrong(form, none);
  if (file.size > Number(max)) return wrong(form, large);
  wrong(form, "");
  const bar = part(form, "progress", HTMLProgressElement);
  bar.value = 0;
  const request = new XMLHttpRequest();
  request.open("POST", form.getAttribute("action") ?? "");
  request.setRequestHeader("Accept", "text/html");
  request.responseType = "document";
  const shown = part(form, ".upload-percent", HTMLElement);
  shown.textContent = "";
  let told = 0;
  request.upload.onprogress = ({ loaded, total }) => {
    const percent = total ? Math.floor((100 * loaded) / total) : 0;
    bar.value = percent;
    shown.textContent = `${percent} %`;
    const step = percent - (percent % SAID_EVERY);
    if (step === told || step === 100) return;
    told = step;
    say(form, sending.replace("{n}", String(step)));
  };
  request.upload.onload = () => say(form, looking);
  request.onload = () => ended(form, request);
  request.onerror = () => {
    under(form, false);
    wrong(form, failed);
  };
  request.onabort = () => {
    under(form, false);
    say(form, stopped);
  };
  part(form, "[data-stop]", HTMLButtonElement).onclick = () => request.abort();
  say(form, sending.replace("{n}", "0"));
  under(form, true);
  request.send(new FormData(form));
}

// Before anybody else hears of it: panels send their forms in another way.
document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || form.dataset.upload === undefined) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!busy.has(form)) send(form);
  },
  true,
);

// Who chose another file need not read what was wrong with the one before.
document.addEventListener("change", ({ target }) => {
  if (!(target instanceof HTMLInputElement) || target.type !== "file" || !target.form) return;
  if (target.form.dataset.upload !== undefined && target.value) wrong(target.form, "");
});

/**
 * A list in which something is being looked at comes again, a few times, ever more slowly.
 * @param {number} times
 */
function again(times) {
  const list = document.querySelector("[data-waits][data-path]");
  if (!(list instanceof HTMLElement) || times > AGAIN_MAX) return;
  window.setTimeout(async () => {
    try {
      const response = await fetch(list.dataset.path ?? "", { cache: "no-store", headers: { Accept: "text/html" } });
      if (response.ok) replace(list.id, new DOMParser().parseFromString(await response.text(), "text/html"));
    } catch {
      // The next time, perhaps.
    }
    again(times + 1);
  }, AGAIN_MS * times);
}

document.addEventListener("balie:document", () => again(1));
again(1);

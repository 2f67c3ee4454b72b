// @ts-check
/** What every module needs of the page: elements, texts, announcements. */

/**
 * The element with this id, of the class that the caller says.
 * @template {Element} T
 * @param {string} id
 * @param {{new (): T}} kind
 * @returns {T}
 */
export function element(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`no ${kind.name} with id ${id}`);
  return found;
}

/** @type {Record<string, string>} */
const texts = JSON.parse(element("texts", HTMLScriptElement).textContent ?? "{}");

/**
 * A text in the citizen's language, from web/texts.py.
 * @param {string} key
 * @param {Record<string, string>} [values]
 */
export function text(key, values = {}) {
  const found = texts[key];
  if (found === undefined) throw new Error(`no text ${key}`);
  return found.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** @param {string} key */
export function hasText(key) {
  return key in texts;
}

/**
 * Say something to people who listen to the page; others see it happen.
 * @param {string} words
 */
export function announce(words) {
  const line = document.createElement("span");
  line.textContent = `${words} `;
  const place = element("announcements", HTMLParagraphElement);
  place.append(line);
  while (place.childElementCount > 5) place.firstElementChild?.remove();
}

/**
 * Show one of the page's three faces.
 * @param {"door" | "call" | "ended"} name
 */
export function show(name) {
  for (const each of ["door", "call", "ended"]) element(each, HTMLElement).hidden = each !== name;
  document.body.dataset.state = name;
}

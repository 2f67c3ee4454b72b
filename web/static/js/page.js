// @ts-check
/** What every module needs of the page: elements, texts, announcements, what the browser remembers. */

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
 * A text in the citizen's language, from web/texts.py.  {phone} is the desk's number everywhere.
 * @param {string} key
 * @param {Record<string, string>} [values]
 */
export function text(key, values = {}) {
  const found = texts[key];
  if (found === undefined) throw new Error(`no text ${key}`);
  return found.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? texts[name] ?? "");
}

/** @param {string} key */
export function hasText(key) {
  return key in texts;
}

/**
 * Put words in a place, unless they are there already: a screen reader says what changes.
 * @param {string} id
 * @param {string} words
 */
export function write(id, words) {
  const place = element(id, HTMLElement);
  if (place.textContent !== words) place.textContent = words;
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
 * Show one of the page's faces.
 * @param {"door" | "waiting" | "call" | "ended"} name
 */
export function show(name) {
  for (const each of ["door", "waiting", "call", "ended"]) element(each, HTMLElement).hidden = each !== name;
  document.body.dataset.state = name;
  window.scrollTo(0, 0);
}

/**
 * Let the stylesheet know whether a picture is higher than wide, as of a telephone in a hand.
 * @param {HTMLVideoElement} picture
 */
export function markUpright(picture) {
  picture.onresize = () => (picture.dataset.upright = picture.videoHeight > picture.videoWidth ? "yes" : "no");
}

/**
 * What this browser remembers: of this tab ("session") or for longer ("local").  Some browsers remember nothing.
 * @param {"session" | "local"} where
 * @param {string} key
 */
export function recall(where, key) {
  try {
    return (where === "session" ? sessionStorage : localStorage).getItem(key) ?? "";
  } catch {
    return "";
  }
}

/**
 * @param {"session" | "local"} where
 * @param {string} key
 * @param {string} value empty to forget
 */
export function remember(where, key, value) {
  try {
    const storage = where === "session" ? sessionStorage : localStorage;
    if (value) storage.setItem(key, value);
    else storage.removeItem(key);
  } catch {
    // Site data is blocked: a reload then asks to come in again.
  }
}

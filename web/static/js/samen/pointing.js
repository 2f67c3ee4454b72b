// @ts-check
/** The field that staff points at, marked for who looks; panel.js says it to who listens. */

/** @type {Map<string, string>} */
let shown = new Map();

/**
 * Take the marks away.
 * @param {HTMLElement} section
 */
export function unpoint(section) {
  for (const old of section.querySelectorAll(".pointed-here")) old.remove();
  for (const old of section.querySelectorAll("[data-pointed-at]")) old.removeAttribute("data-pointed-at");
}

/**
 * Put the marks where they belong.
 * @param {HTMLElement} section
 * @returns {{fresh: Element | null}} what is newly pointed at
 */
export function point(section) {
  unpoint(section);
  /** @type {Map<string, string>} */
  const now = new Map();
  /** @type {Element | null} */
  let fresh = null;
  for (const step of section.querySelectorAll("[data-pointed]")) {
    const { key = "", pointed = "", pointedWords = "" } = /** @type {HTMLElement} */ (step).dataset;
    const field = step.querySelector(`[data-field="${CSS.escape(pointed)}"]`) ?? step;
    const words = document.createElement("p");
    words.className = "pointed-here";
    words.textContent = pointedWords;
    field.prepend(words);
    field.setAttribute("data-pointed-at", "");
    now.set(key, pointed);
    if (shown.get(key) !== pointed) fresh = field;
  }
  shown = now;
  return { fresh };
}

// @ts-check
/**
 * The calendar of free hours without a new page: the form is sent as it would be, and what comes back takes the place of
 * the form on the page.  The focus goes where the reader goes on: to the hours of the day that he chose, or to the month.
 */

const PLACES = ["uren", "maand", "main"];

/** @type {AbortController | null} */
let asking = null;

/**
 * @param {HTMLFormElement} form
 * @param {HTMLButtonElement} button
 */
async function ask(form, button) {
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  const data = new FormData(form, button);
  const fields = new URLSearchParams();
  for (const [name, value] of data) if (typeof value === "string") fields.append(name, value);
  const url = new URL(button.getAttribute("formaction") ?? form.action, location.href);
  const place = url.hash.slice(1);
  url.hash = "";
  if (form.method === "get") url.search = String(fields);
  form.setAttribute("aria-busy", "true");
  const response = await fetch(url, form.method === "get" ? { signal } : { method: "POST", body: fields, signal });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.querySelector("form[data-picker]");
  if (!response.ok || !fresh) throw new Error(`no calendar came back: ${response.status}`);
  if (form.method === "get") history.replaceState(null, "", url);
  form.replaceWith(document.adoptNode(fresh));
  arrive(place, button.name, button.value);
}

/**
 * @param {string} place where the form was to lead
 * @param {string} name of the button that was pressed
 * @param {string} value
 */
function arrive(place, name, value) {
  const pressed = [...document.querySelectorAll("form[data-picker] button")].find(
    (each) => each instanceof HTMLButtonElement && each.name === name && each.value === value && !each.disabled,
  );
  const target = name === "vorm" && pressed ? pressed : PLACES.includes(place) ? document.getElementById(place) : null;
  if (!(target instanceof HTMLElement)) return;
  target.focus({ preventScroll: name === "vorm" });
  if (name !== "vorm") target.scrollIntoView({ block: "start" });
}

document.addEventListener("submit", (event) => {
  const { target: form, submitter: button } = event;
  if (!(form instanceof HTMLFormElement) || !form.matches("[data-picker]")) return;
  // An hour leads to another page, and so does a language.
  if (!(button instanceof HTMLButtonElement) || !["dag", "maand", "vorm"].includes(button.name)) return;
  event.preventDefault();
  ask(form, button).catch((error) => {
    if (error.name === "AbortError") return;
    // The network, or something unexpected: the browser's own way shows what it is.
    form.querySelectorAll("[aria-busy]").forEach((each) => each.removeAttribute("aria-busy"));
    form.removeAttribute("data-picker");
    form.requestSubmit(button);
  });
});

document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest('form[data-picker] a[href="#maand"]') : null;
  if (!link) return;
  event.preventDefault();
  const chosen = document.querySelector('.days button[aria-pressed="true"]') ?? document.getElementById("maand");
  document.getElementById("maand")?.scrollIntoView({ block: "start" });
  if (chosen instanceof HTMLElement) chosen.focus({ preventScroll: true });
});

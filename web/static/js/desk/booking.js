// @ts-check
/**
 * Booking on one screen: the free times follow what is chosen, at once.  Without this script a button asks for them.
 */

const form = /** @type {HTMLFormElement} */ (document.getElementById("booking"));
const times = /** @type {HTMLElement} */ (document.getElementById("times"));
const path = form.dataset.times ?? "";
/** The fields that decide which times there are.  None is personal: they travel in a URL. */
const FIELDS = ["product", "vorm", "bij", "vanaf", "start"];

/** @type {AbortController | null} */
let asking = null;

function wanted() {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (FIELDS.includes(name) && typeof value === "string") query.append(name, value);
  }
  return query;
}

async function ask() {
  asking?.abort();
  asking = new AbortController();
  form.setAttribute("aria-busy", "true");
  const response = await fetch(`${path}?${wanted()}`, { signal: asking.signal, headers: { Accept: "text/html" } });
  // Who was signed out meanwhile gets the page to sign in: the button shows it.
  if (!response.ok || response.redirected) throw new Error(`no times came back: ${response.status}`);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  times.replaceChildren(...page.body.childNodes);
  form.removeAttribute("aria-busy");
}

/** @param {boolean} shown */
function button(shown) {
  for (const each of form.querySelectorAll(".no-script")) each.toggleAttribute("hidden", !shown);
}

function follow() {
  ask().catch((error) => {
    if (error.name === "AbortError") return;
    form.removeAttribute("aria-busy");
    button(true);
  });
}

form.addEventListener("change", (event) => {
  const { target } = event;
  const named = target instanceof HTMLInputElement || target instanceof HTMLSelectElement ? target.name : "";
  if (named !== "start" && FIELDS.includes(named)) follow();
});

button(false);
// Who was quicker than this script chose another day already.
const day = form.elements.namedItem("vanaf");
if (day instanceof HTMLInputElement && day.value !== day.defaultValue) follow();

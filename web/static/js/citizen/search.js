// @ts-check
/** The start page: products appear and go while one types.  Without this the button asks the server. */

const field = document.getElementById("zoek");
const found = document.getElementById("found");
const nothing = document.getElementById("nothing");
const cards = [...document.querySelectorAll(".card")];
const themes = [...document.querySelectorAll(".theme")];

/** Words without capitals and accents. @param {string} text */
const plain = (text) => text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");

/** @param {number} count */
function say(count) {
  if (!found) return;
  const { one = "", many = "", none = "" } = found.dataset;
  const words = count === 0 ? none : count === 1 ? one : many.replace("{n}", String(count));
  if (found.textContent !== words) found.textContent = words;
}

function look() {
  if (!(field instanceof HTMLInputElement)) return;
  const wanted = plain(field.value).split(/\s+/).filter(Boolean);
  let count = 0;
  for (const card of cards) {
    const text = plain(card.textContent ?? "");
    const fits = wanted.every((word) => text.includes(word));
    card.toggleAttribute("hidden", !fits);
    if (fits) count += 1;
  }
  for (const theme of themes) theme.toggleAttribute("hidden", !theme.querySelector(".card:not([hidden])"));
  nothing?.toggleAttribute("hidden", count > 0);
  say(count);
}

field?.addEventListener("input", look);

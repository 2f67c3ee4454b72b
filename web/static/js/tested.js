// @ts-check
/** What the self-test found of this device, for the door.  After 90 days it says nothing any more, and goes. */

import { element, recall, remember, text } from "./page.js";

const TESTED = "balie.tested";
const LASTS_MS = 90 * 24 * 3600 * 1000;

/** Say it, if there was a test. */
export function showTest() {
  const place = element("door-tested", HTMLParagraphElement);
  let found;
  try {
    found = JSON.parse(recall("local", TESTED) || "{}");
  } catch {
    found = {};
  }
  const age = Date.now() - Number(found.at);
  const lasts = age >= 0 && age < LASTS_MS;
  if (!lasts) remember("local", TESTED, "");
  place.hidden = !lasts;
  if (lasts) place.textContent = text(found.light === "good" ? "tested_good" : "tested_careful");
}

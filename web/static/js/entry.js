// @ts-check
/** How one comes in: the personal link, the join token that it is exchanged for, and what this tab knows of both. */

import { element, recall, remember, text } from "./page.js";
import { Refusal } from "./protocol.js";

const IN_CALL = "balie.in-call";
const TOKEN = "balie.token";
const REFUSALS = new Map([[403, "forbidden"], [409, "here_already"], [410, "token_expired"], [425, "too_early"]]);
/** What is kept of a tab that came in without a link. */
const BY_FRAGMENT = "fragment";
const PERSONAL = "/g/";

const given = element("main", HTMLElement).dataset.tokenPath ?? "";
const before = recall("session", IN_CALL);
/** After a reload: the link left the address bar, see wentIn. */
const tokenPath = given || (before.startsWith(PERSONAL) ? before : "");
let over = false;
let farewell = "";
let together = "";

/**
 * A join token: from the personal link, or from the address's fragment, which no server sees.
 * @param {AbortSignal} [signal]
 */
export async function getToken(signal) {
  if (!tokenPath) {
    const token = location.hash.slice(1) || recall("session", TOKEN);
    if (!token) throw new Refusal("token_invalid");
    remember("session", TOKEN, token);
    history.replaceState(null, "", location.pathname);
    return token;
  }
  const response = await fetch(over ? `${tokenPath}?over=1` : tokenPath, { method: "POST", cache: "no-store", signal });
  if (response.ok) {
    over = true; // from now on it is this very window that comes back
    const answer = await response.json();
    farewell = String(answer.goodbye ?? "");
    together = String(answer.samen ?? "");
    return String(answer.token);
  }
  if (response.status >= 500 || response.status === 429) throw new Error(text("error_other"));
  const { title = "" } = await response.json().catch(() => ({}));
  if (title === "elsewhere") throw new Refusal(title); // 409 as well: by telephone, or at the desk
  throw new Refusal(REFUSALS.get(response.status) ?? "token_invalid");
}

/** Also when the person is inside with another window or device: that one is then out. */
export function takeOver() {
  over = true;
}

/** Whether this window was inside before. */
export function goesOn() {
  return over;
}

/** Whether this tab was inside when it was loaded anew. */
export function isInside() {
  return before !== "" && before === (tokenPath || BY_FRAGMENT);
}

/** The personal link leaves the address bar, and with it the browser's history: this tab alone remembers it. */
export function wentIn() {
  remember("session", IN_CALL, tokenPath || BY_FRAGMENT);
  if (!location.pathname.startsWith(PERSONAL)) return;
  const language = document.documentElement.lang;
  history.replaceState(null, "", language === "nl" ? "/call" : `/call?taal=${language}`);
}

export function wentOut() {
  remember("session", IN_CALL, "");
}

/** The page of the door; "" for none. */
export function link() {
  return tokenPath.replace(/\/join$/, "");
}

/** The token of the goodbye's own page; "" for none. */
export function goodbye() {
  return farewell;
}

/** Where the panel is that citizen and staff share; "" for none. */
export function samen() {
  return together;
}

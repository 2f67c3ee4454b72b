// @ts-check
/** The self-test: what it does when, from "Start de test" to the result. */

import { Devices } from "../devices.js";
import { element, hasText, remember, text, write } from "../page.js";
import { UNNAMED, missing, recognise } from "./browser.js";
import { focus, found, picture, press, reveal, waiting } from "./checks.js";
import { Equipment } from "./equipment.js";
import { measure } from "./network.js";
import { drawnPicture, playTone } from "./sources.js";
import { complete, network, overall } from "./verdict.js";

/**
 * @typedef {import("./verdict.js").Part} Part
 * @typedef {import("./verdict.js").Codes} Codes
 */

/** What this device was found to be, for the door: it says so there. */
const TESTED = "balie.tested";

const browser = recognise(navigator.userAgent, navigator.maxTouchPoints);
const devices = new Devices();
/** @type {Codes} */
const codes = { browser: "", camera: "", microphone: "", speaker: "", network: "" };
const numbers = { rtt_ms: -1, loss_percent: -1 };
let transport = "";
let measuring = false;

/**
 * @param {Part} part
 * @param {string} code
 * @param {Parameters<typeof found>[2]} [more]
 */
function know(part, code, more) {
  codes[part] = code;
  found(part, code, more);
  conclude();
}

/** What is looked at before anything is asked. */
function lookAtBrowser() {
  const lacks = missing(window);
  if (lacks) {
    codes.browser = "old";
    found("browser", "old", { words: text(`found_browser_${lacks}`), fix: `fix_${lacks}` });
    for (const place of document.querySelectorAll("[data-works]")) if (place instanceof HTMLElement) place.hidden = true;
  } else if (browser.app) {
    const words = browser.app === UNNAMED ? text("found_browser_in_app_unnamed") : text("found_browser_in_app", { app: browser.app });
    codes.browser = "in_app";
    const system = ["ios", "android"].includes(browser.system) ? `_${browser.system}` : "";
    found("browser", "in_app", { words, fix: `fix_in_app${system}` });
    // To leave is the better way; to try is no harm.
    element("start", HTMLButtonElement).className = "";
    element("copy", HTMLButtonElement).className = "primary";
  } else {
    codes.browser = "good";
    found("browser", "good");
  }
  reveal("copy-line", codes.browser !== "good");
}

async function copy() {
  try {
    await navigator.clipboard.writeText(location.href);
    write("copied", text("copied"));
  } catch {
    write("copied", text("not_copied", { link: `${location.origin}/test` }));
  }
}

const equipment = new Equipment(devices, browser, know);

async function start() {
  reveal("start", false);
  reveal("result", false);
  focus("checks-title");
  for (const part of /** @type {Part[]} */ (["speaker", "network"])) codes[part] = "";
  waiting("speaker", "wait");
  reveal("speaker-do", true);
  askForTone();
  waiting("network", "wait");
  reveal("network-technical", false);
  reveal("network-detour", false);
  await equipment.open();
  await testNetwork();
}

async function testNetwork() {
  if (measuring) return;
  measuring = true;
  codes.network = "";
  waiting("network", "busy", text("network_busy"));
  reveal("retry-network-line", false);
  equipment.hold(true); // another camera now would look like a broken line
  const { camera, microphone } = devices.tracks;
  const drawn = camera ? null : drawnPicture();
  const tracks = [camera ?? drawn?.track, microphone].filter((each) => each instanceof MediaStreamTrack);
  try {
    showNetwork(await measure(tracks, (track) => {
      if (camera) showEcho(new MediaStream([track]));
    }));
  } finally {
    measuring = false;
    drawn?.stop();
    showEcho(null);
    equipment.hold(false);
  }
}

/** @param {MediaStream | null} stream */
function showEcho(stream) {
  picture("echo", stream);
  reveal("echo-picture", stream !== null);
}

/** @param {import("./network.js").Measured} measured */
function showNetwork(measured) {
  const code = network(measured);
  numbers.rtt_ms = measured.rtt_ms;
  numbers.loss_percent = measured.loss_percent;
  transport = measured.transport;
  const [rtt, loss] = [String(measured.rtt_ms), String(measured.loss_percent)];
  const detour = code === "good" && ["tcp", "turn"].includes(transport);
  reveal("network-detour", detour);
  write("network-detour", detour ? text("network_detour") : "");
  reveal("network-technical", measured.rtt_ms >= 0);
  const told = measured.loss_percent < 0 ? text("network_told_rtt", { rtt }) : text("network_told", { rtt, loss });
  write("network-told", hasText(`network_by_${transport}`) ? `${text(`network_by_${transport}`)} ${told}` : told);
  reveal("retry-network-line", code !== "good");
  know("network", code, { fix: code === "lossy" ? "fix_slow" : `fix_${code}` });
}

// -- the speaker ---------------------------------------------------------------------------------------

function askForTone() {
  reveal("tone-answer", false);
  write("tone-words", "");
  reveal("tone-skip", true);
  element("tone", HTMLButtonElement).className = "primary";
}

async function tone() {
  const button = element("tone", HTMLButtonElement);
  write("tone-words", text("tone_playing"));
  try {
    await playTone();
  } catch {
    write("tone-words", text("tone_failed"));
    return;
  }
  button.className = "";
  write("tone-words", text("tone_asked"));
  reveal("tone-answer", true);
}

/** @param {"good" | "unheard" | "untested"} code */
function heard(code) {
  askForTone();
  element("tone", HTMLButtonElement).className = "";
  reveal("tone-skip", false);
  reveal("speaker-do", code === "unheard");
  know("speaker", code);
  focus(complete(codes) ? "result-title" : "name-speaker");
}

// -- the result ----------------------------------------------------------------------------------------

/** Once everything is known, and again whenever something changes after that. */
function conclude() {
  if (!complete(codes)) return;
  const light = overall(codes);
  element("result", HTMLElement).dataset.light = light;
  write("result-title", text(`result_${light}`));
  write("result-words", text(`result_${light}_words`));
  reveal("result-call", light !== "good");
  reveal("result", true);
  remember("local", TESTED, JSON.stringify({ at: Date.now(), light, ...codes }));
}

async function share() {
  const path = element("selftest", HTMLDivElement).dataset.share ?? "";
  const { program, system } = browser;
  const body = new URLSearchParams({ ...codes, transport, program, system });
  for (const [name, value] of Object.entries(numbers)) if (value >= 0) body.set(name, String(value));
  const response = await fetch(path, { method: "POST", body }).catch(() => null);
  if (!response?.ok) {
    write("shared", text("not_shared"));
    return;
  }
  reveal("share-box", false);
  write("shared", text("shared"));
  focus("result-title");
}

function main() {
  document.documentElement.dataset.alive = "";
  lookAtBrowser();
  press("copy", () => void copy());
  press("start", () => void start());
  press("again", () => void start());
  press("tone", () => void tone());
  press("tone-skip", () => heard("untested"));
  press("tone-yes", () => heard("good"));
  press("tone-no", () => heard("unheard"));
  press("retry-network", () => {
    focus("name-network");
    void testNetwork();
  });
  if (document.getElementById("share")) press("share", () => void share());
  window.addEventListener("pagehide", () => devices.close());
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload(); // back by the browser's own button: its camera is off
  });
}

main();

// @ts-check
/** The waiting room: where one stands, whether somebody is there, that nobody sees one yet; and a way out by telephone. */

import { link } from "./entry.js";
import { element, hasText, markUpright, text, write } from "./page.js";
import { hear, tell } from "./wire.js";

/** @typedef {import("./devices.js").Devices} Devices */

/** After so long somebody begins to wonder; later, he wants another way. */
const LONG_MS = 180_000;
const VERY_LONG_MS = 600_000;

export class WaitingRoom {
  /**
   * @param {Devices} devices
   * @param {() => void} leave
   */
  constructor(devices, leave) {
    this.devices = devices;
    this.since = 0;
    this.clock = 0;
    this.title = document.title;
    /** @type {{position: number, staff: string[], held: boolean} | null} */
    this.state = null;
    hear("waiting", (message) => {
      this.state = message;
      // A page that was loaded anew, or a server that began anew, does not make a long wait a short one.
      if (this.open) this.since = Date.now() - message.waited_s * 1000;
      this.paint();
    });
    element("waiting-leave", HTMLButtonElement).onclick = leave;
    markUpright(element("waiting-preview", HTMLVideoElement));
    const call = element("call-me", HTMLDialogElement);
    const ask = element("call-me-ask", HTMLButtonElement);
    const number = element("call-me-number", HTMLDivElement);
    const phone = element("call-me-phone", HTMLInputElement);
    element("call-me-open", HTMLButtonElement).onclick = () => {
      write("call-me-done", "");
      ask.hidden = false;
      number.hidden = !link(); // who came without one asks in the chat
      call.showModal();
    };
    phone.onkeydown = ({ key }) => key === "Enter" && ask.click();
    ask.onclick = async () => {
      const { asked, words } = await askForCall(phone.value.trim());
      write("call-me-done", words);
      if (!asked) return;
      ask.hidden = number.hidden = true; // once is enough
      element("call-me-wait", HTMLButtonElement).focus();
    };
  }

  get open() {
    return this.since > 0;
  }

  /** Somebody comes in, or is put on hold. */
  enter() {
    if (this.open) return;
    this.since = Date.now();
    this.state = null;
    document.title = text("title_waiting");
    this.paint();
    this.clock = window.setInterval(() => this.paint(), 5000);
  }

  /** He is let in, or went away. */
  leave() {
    if (!this.open) return;
    this.since = 0;
    clearInterval(this.clock);
    document.title = this.title;
    element("call-me", HTMLDialogElement).close();
    element("waiting-preview", HTMLVideoElement).srcObject = null;
  }

  /** @param {string} [health] of the connection, when it is not well */
  paint(health = "waiting") {
    if (!this.open) return;
    this.look();
    const away = health !== "waiting";
    const { state } = this;
    write("waiting-title", text(state?.held ? "waiting_held_title" : "waiting_title"));
    if (away) write("waiting-status", text(health));
    else write("waiting-status", state ? statusOf(state) : text("waiting_joining"));
    const waited = Date.now() - this.since;
    const calm = state?.held ? "waiting_held" : waited > VERY_LONG_MS ? "waiting_very_long"
      : waited > LONG_MS ? "waiting_long" : "waiting_calm";
    write("waiting-calm", text(calm));
  }

  /** One's own picture: to sit well in it before others see it. */
  look() {
    const preview = element("waiting-preview", HTMLVideoElement);
    const { camera, microphone } = this.devices.tracks;
    const current = preview.srcObject instanceof MediaStream ? preview.srcObject.getTracks()[0] : null;
    if (camera && current !== camera) preview.srcObject = new MediaStream([camera]);
    if (!camera) preview.srcObject = null;
    preview.hidden = !camera;
    write("waiting-devices", text(camera && microphone ? "waiting_ready" : microphone ? "without_camera"
      : camera ? "without_microphone" : "without_devices"));
  }
}

/**
 * Ask the desk to telephone, and tell who is in the room already.
 * @param {string} phone
 * @returns {Promise<{asked: boolean, words: string}>}
 */
async function askForCall(phone) {
  const say = () => tell({ type: "chat", text: text("call_me_text"), to: null });
  const byChat = () => {
    const asked = say();
    return { asked, words: text(asked ? "call_me_asked" : "call_me_later") };
  };
  if (!link()) return byChat();
  try {
    const body = new URLSearchParams({ telefoon: phone });
    const response = await fetch(`${link()}/bel-mij`, { method: "POST", body, headers: { Accept: "application/json" } });
    const answer = await response.json();
    if (response.ok) {
      say();
      return { asked: true, words: text("call_me_received", { number: String(answer.number) }) };
    }
    if (answer.title === "no_appointment") return byChat();
    const key = `call_me_${answer.title}`;
    return { asked: false, words: text(hasText(key) ? key : "call_me_later") };
  } catch {
    return { asked: false, words: text("call_me_later") };
  }
}

/** @param {{position: number, staff: string[], held: boolean}} state */
function statusOf({ position, staff, held }) {
  if (held) return text("waiting_held_status");
  if (staff.length === 0) return text("waiting_no_staff");
  const names = staff[0] ?? ""; // who waits wants to know that somebody is there, not how many
  return text(position > 1 ? "waiting_staff_n" : "waiting_staff_1", { names, n: String(position) });
}

/** A bell of two tones, for who is doing something else meanwhile.  A browser that wants a click first stays silent. */
export function ring() {
  if (navigator.userActivation && !navigator.userActivation.hasBeenActive) return;
  const context = new AudioContext();
  const start = context.currentTime;
  for (const [at, frequency] of [[0, 660], [0.22, 880]]) {
    const tone = new OscillatorNode(context, { frequency });
    const volume = new GainNode(context, { gain: 0 });
    const from = start + (at ?? 0);
    volume.gain.setValueAtTime(0, from);
    volume.gain.linearRampToValueAtTime(0.12, from + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.001, from + 0.5);
    tone.connect(volume).connect(context.destination);
    tone.start(from);
    tone.stop(from + 0.55);
  }
  window.setTimeout(() => void context.close(), 1500);
}

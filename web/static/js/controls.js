// @ts-check
/** The buttons of a call, and its dialogs: settings, who is there (staff), goodbye (staff). */

import { explain } from "./devices.js";
import { element, text, write } from "./page.js";
import { nameOf } from "./people.js";
import { Settings } from "./settings.js";
import { tell } from "./wire.js";

/**
 * @typedef {import("./conversation.js").Conversation} Conversation
 * @typedef {import("./devices.js").Device} Device
 * @typedef {import("./protocol.js").Participant} Participant
 */

export class Controls {
  /**
   * @param {Conversation} conversation
   * @param {(words: string) => void} say a problem, and what to do
   * @param {() => void} leave
   */
  constructor(conversation, say, leave) {
    this.conversation = conversation;
    this.say = say;
    this.leave = leave;
    this.choosing = false;
    this.settings = new Settings(conversation, say);
    press("mic", () => this.trying(() => conversation.sending.toggleMicrophone()));
    press("cam", () => this.trying(() => conversation.sending.toggleCamera()));
    press("share", () => void this.share());
    press("people-open", () => dialog("people").showModal());
    press("devices-open", () => this.settings.show());
    press("leave", () => {
      if (conversation.can.moderate && conversation.tiles.people.size > 0) dialog("goodbye").showModal();
      else leave();
    });
    press("end-for-all", () => {
      dialog("goodbye").close();
      conversation.moderate("end");
    });
    press("leave-alone", () => {
      dialog("goodbye").close();
      leave();
    });
  }

  /** @param {() => Promise<void>} act */
  trying(act) {
    act().catch((error) => this.say(explain(error)));
  }

  async share() {
    const { sending } = this.conversation;
    if (sending.screenTrack) {
      await sending.stopShare();
      return;
    }
    if (this.choosing) return; // the browser's chooser is open
    this.choosing = true;
    try {
      await sending.startShare();
    } catch (error) {
      // Closing the chooser is no error.
      if (!(error instanceof DOMException && error.name === "NotAllowedError")) this.say(text("share_failed"));
    }
    this.choosing = false;
  }

  /**
   * A device from a list.
   * @param {Device} device
   * @param {string} id
   */
  async choose(device, id) {
    try {
      await this.conversation.sending.choose(device, id);
      write("devices-status", "");
    } catch (error) {
      write("devices-status", explain(error));
    }
    await this.conversation.devices.list();
  }

  /** Show everything as it is now. */
  paint() {
    const { conversation } = this;
    const { camera, microphone } = conversation.devices.tracks;
    const { sending } = conversation;
    const micOn = sending.micOn && microphone !== null;
    const cameraOn = sending.cameraOn && camera !== null;
    const may = (/** @type {string} */ source) => conversation.me === null || conversation.can.publish.includes(source);
    paintButton("mic", may("microphone"), micOn, text(micOn ? "mic_mute" : "mic_unmute"));
    paintButton("cam", may("camera"), cameraOn, text(cameraOn ? "camera_stop" : "camera_start"));
    const shares = sending.screenTrack !== null;
    const canShare = conversation.can.publish.includes("screen") && Boolean(navigator.mediaDevices?.getDisplayMedia);
    paintButton("share", canShare, !shares, text(shares ? "share_stop" : "share_start"));
    // The desk's panel has all of this.
    element("people-open", HTMLButtonElement).hidden = !conversation.can.moderate || document.getElementById("panel") !== null;
    conversation.tiles.own(cameraOn ? camera : null, conversation.me?.name ?? "");
    this.settings.paint();
    this.paintPeople();
  }

  /** The list of who is there keeps its buttons while somebody is pressing one. */
  paintPeople() {
    const list = element("people-list", HTMLUListElement);
    const { people } = this.conversation.tiles;
    for (const line of list.querySelectorAll("li")) if (!people.has(line.dataset.participant ?? "")) line.remove();
    for (const person of people.values()) {
      const id = CSS.escape(person.id);
      const line = list.querySelector(`li[data-participant="${id}"]`) ?? this.personLine(list, person);
      const name = line.querySelector(".who");
      if (name && name.textContent !== nameOf(person)) name.textContent = nameOf(person);
      const mute = line.querySelector("button");
      const speaks = person.sources.some(({ source, muted }) => source === "microphone" && !muted);
      if (mute) mute.disabled = !speaks;
    }
    element("people-none", HTMLParagraphElement).hidden = people.size > 0;
  }

  /**
   * @param {HTMLUListElement} list
   * @param {Participant} person
   */
  personLine(list, person) {
    const line = document.createElement("li");
    line.dataset.participant = person.id;
    const who = document.createElement("span");
    who.className = "who";
    line.append(who);
    for (const action of /** @type {("mute" | "hold" | "remove")[]} */ (["mute", "hold", "remove"])) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text(`person_${action}`);
      button.ariaLabel = text(`person_${action}_name`, { name: person.name });
      button.onclick = () => {
        if (action === "mute") button.focus(); // it is disabled in a moment, and focus must not fall off the page
        if (action === "hold") tell({ type: "hold", participant: person.id });
        else this.conversation.moderate(action, person.id);
      };
      line.append(button);
    }
    list.append(line);
    return line;
  }
}

/** @param {string} id */
function dialog(id) {
  return element(id, HTMLDialogElement);
}

/**
 * @param {string} id
 * @param {() => void} act
 */
function press(id, act) {
  element(id, HTMLButtonElement).onclick = act;
}

/**
 * @param {string} id
 * @param {boolean} visible
 * @param {boolean} on
 * @param {string} words what a press does
 */
function paintButton(id, visible, on, words) {
  const button = element(id, HTMLButtonElement);
  button.hidden = !visible;
  button.dataset.on = on ? "yes" : "no";
  const label = button.querySelector("span");
  if (label && label.textContent !== words) label.textContent = words;
}

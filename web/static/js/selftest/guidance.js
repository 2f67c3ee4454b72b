// @ts-check
/** What to do when a camera or microphone does not open: by the error of getUserMedia, the browser and the system. */

import { hasText } from "../page.js";

/**
 * @typedef {import("./browser.js").Browser} Browser
 * @typedef {import("../devices.js").Device} Device
 * @typedef {"denied" | "system" | "dismissed" | "missing" | "busy" | "unfit" | "failed" | "insecure"} Trouble
 */

/** Error names of getUserMedia (Media Capture and Streams, 10.2) beside NotAllowedError, which has three reasons. */
const TROUBLES = /** @type {Record<string, Trouble>} */ ({
  NotFoundError: "missing",
  NotReadableError: "busy",
  OverconstrainedError: "unfit",
  AbortError: "failed",
  SecurityError: "insecure",
  TypeError: "insecure",
});

/**
 * @param {unknown} error what getUserMedia rejected with
 * @returns {Trouble}
 */
export function trouble(error) {
  const { name = "", message = "" } = error instanceof Error || error instanceof DOMException ? error : {};
  if (name !== "NotAllowedError") return TROUBLES[name] ?? "failed";
  // Chromium says which of the three it was; others say "denied" to all.
  if (/by system/i.test(message)) return "system";
  return /dismiss/i.test(message) ? "dismissed" : "denied";
}

/**
 * Names of texts, the closest first, of which the first that there is helps most.
 * @param {Trouble} what
 * @param {Device} device
 * @param {Browser} browser
 * @returns {string[]}
 */
export function keys(what, device, { program, system }) {
  const phone = system === "ios" || system === "android";
  return [
    `fix_${what}_${program}_${system}`,
    `fix_${what}_${system}`,
    `fix_${what}_${program}`,
    ...phone ? [`fix_${what}_phone`] : [],
    `fix_${what}_${device}`,
    `fix_${what}`,
  ];
}

/**
 * The name of the text that says what to do; its lines are steps.
 * @param {Trouble} what
 * @param {Device} device
 * @param {Browser} browser
 */
export function advice(what, device, browser) {
  return keys(what, device, browser).find(hasText) ?? "fix_failed";
}

/** Where a system keeps its switch for cameras and microphones: a link that opens it. */
const SETTINGS = /** @type {Record<string, Record<Device, string>>} */ ({
  windows: { camera: "ms-settings:privacy-webcam", microphone: "ms-settings:privacy-microphone" },
  macos: {
    camera: "x-apple.systempreferences:com.apple.preference.security?Privacy_Camera",
    microphone: "x-apple.systempreferences:com.apple.preference.security?Privacy_Microphone",
  },
});

/**
 * @param {Trouble} what
 * @param {Device} device
 * @param {Browser} browser
 * @returns {string} "" where there is none, or it would not help
 */
export function settingsLink(what, device, { system }) {
  return what === "system" ? SETTINGS[system]?.[device] ?? "" : "";
}

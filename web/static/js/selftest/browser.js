// @ts-check
/**
 * Which browser on which system, as far as help differs between them.  Knows no page: what it looks at are arguments.
 */

/**
 * @typedef {"chrome" | "edge" | "firefox" | "safari" | "samsung" | "other"} Program
 * @typedef {"windows" | "macos" | "ios" | "android" | "linux" | "other"} System
 * @typedef {object} Browser
 * @property {Program} program
 * @property {System} system
 * @property {string} app of another name, in whose own window the page is; "" in a real browser
 */

/** Apps that open links in a window of their own, where a camera is often not there; by what they add to its name. */
const APPS = /** @type {[RegExp, string][]} */ ([
  [/\bFB(?:AN|AV|_IAB)\b|\[FBAN/, "Facebook"],
  [/\bMessenger(?:ForiOS|Lite)?\b/, "Messenger"],
  [/\bInstagram\b/, "Instagram"],
  [/\bWhatsApp\b/, "WhatsApp"],
  [/\bLinkedInApp\b/, "LinkedIn"],
  [/\bTwitter(?:Android| for iPhone)\b/, "X"],
  [/\b(?:BytedanceWebview|musical_ly|TikTok)\b/i, "TikTok"],
  [/\bSnapchat\b/, "Snapchat"],
  [/\bPinterest\b/, "Pinterest"],
  [/\bLine\//, "LINE"],
  [/\bMicroMessenger\b/, "WeChat"],
  [/\bGSA\//, "Google"],
  [/\bOutlook(?:-iOS|-Android)\b/, "Outlook"],
  [/\bTeams\/|\bTeamsMobile/, "Teams"],
  [/\bDuckDuckGo\/\d+ Webview/i, "DuckDuckGo"],
]);

/** An app that does not say its name. */
export const UNNAMED = "?";

/**
 * @param {string} agent navigator.userAgent
 * @param {number} touchPoints navigator.maxTouchPoints: an iPad says that it is a Mac
 * @returns {Browser}
 */
export function recognise(agent, touchPoints) {
  const system = systemOf(agent, touchPoints);
  return { program: programOf(agent), system, app: appOf(agent, system) };
}

/**
 * @param {string} agent
 * @param {number} touchPoints
 * @returns {System}
 */
function systemOf(agent, touchPoints) {
  if (/iPhone|iPad|iPod/.test(agent)) return "ios";
  if (/Macintosh/.test(agent)) return touchPoints > 1 ? "ios" : "macos";
  if (/Android/.test(agent)) return "android";
  if (/Windows/.test(agent)) return "windows";
  return /Linux|CrOS/.test(agent) ? "linux" : "other";
}

/**
 * Those that pretend to be others come before them.
 * @param {string} agent
 * @returns {Program}
 */
function programOf(agent) {
  if (/\bEdg(?:e|A|iOS)?\//.test(agent)) return "edge";
  if (/\b(?:Firefox|FxiOS)\//.test(agent)) return "firefox";
  if (/\bSamsungBrowser\//.test(agent)) return "samsung";
  if (/\b(?:OPR|OPT|YaBrowser|UCBrowser|Vivaldi)\//.test(agent)) return "other";
  if (/(?:Chrome|Chromium|CriOS)\//.test(agent)) return "chrome";
  return /\bSafari\//.test(agent) ? "safari" : "other";
}

/**
 * @param {string} agent
 * @param {System} system
 */
function appOf(agent, system) {
  const known = APPS.find(([pattern]) => pattern.test(agent));
  if (known) return known[1];
  if (system === "android" && /; wv\)/.test(agent)) return UNNAMED; // Chromium: a WebView
  // A web view of iOS has no word for a browser at all.
  if (system === "ios" && /AppleWebKit/.test(agent) && !/\b(?:Safari|CriOS|FxiOS|EdgiOS|OPT)\//.test(agent)) return UNNAMED;
  return "";
}

/**
 * Whether a browser can hold a conversation at all: "old" one of before 2018, "insecure" an address without https.
 * @param {any} world window
 * @returns {"" | "old" | "insecure"}
 */
export function missing(world) {
  const media = world.navigator?.mediaDevices?.getUserMedia;
  if (!media && world.isSecureContext === false) return "insecure";
  return media && "RTCPeerConnection" in world && "WebSocket" in world && "AudioContext" in world ? "" : "old";
}

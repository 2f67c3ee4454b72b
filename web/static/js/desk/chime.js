// @ts-check
/** A soft bell of two tones: somebody waits.  Made here, so that no file has to come. */

const TONES = [659.25, 880]; // E5, A5
const TONE_S = 0.45;

/** @type {AudioContext | null} */
let context = null;

function wake() {
  context ??= new AudioContext();
  if (context.state !== "running") void context.resume(); // iOS has "interrupted" too
}

/** Whether a bell would be heard: a browser allows it once somebody clicked or typed in the page. */
export function ready() {
  return context?.state === "running" || navigator.userActivation?.hasBeenActive === true;
}

export function chime() {
  try {
    wake();
  } catch {
    return; // no sound on this machine
  }
  if (!context) return;
  const now = context.currentTime + 0.02;
  TONES.forEach((tone, at) => strike(/** @type {AudioContext} */ (context), tone, now + at * TONE_S * 0.6));
}

/**
 * @param {AudioContext} on
 * @param {number} tone Hz
 * @param {number} when seconds of the context
 */
function strike(on, tone, when) {
  const source = on.createOscillator();
  const volume = on.createGain();
  source.frequency.value = tone;
  volume.gain.setValueAtTime(0.0001, when);
  volume.gain.exponentialRampToValueAtTime(0.25, when + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.0001, when + TONE_S);
  source.connect(volume).connect(on.destination);
  source.start(when);
  source.stop(when + TONE_S);
}

// @ts-check
/** Picture and sound that do not come from a camera or microphone: for who has none, and a tone for the speaker. */

/** A3 and the fifth above it: heard by old ears and small speakers too. */
const TONES_HZ = [440, 660];
const TONE_S = 0.6;
/** Of 1: clear, and no fright in a quiet room. */
const LOUD = 0.25;
const START_MS = 2000;
const PICTURE_FPS = 20;

/**
 * Play a short tune.
 * @returns {Promise<void>} when it is over; rejects when this device plays nothing
 */
export async function playTone() {
  const context = new AudioContext();
  try {
    // Where there is nothing to play on, this never comes to an end.
    await Promise.race([context.resume(), new Promise((late) => setTimeout(late, START_MS))]);
    if (context.state !== "running") throw new Error("nothing to play on");
    const start = context.currentTime + 0.05;
    for (const [at, hertz] of TONES_HZ.entries()) {
      const tone = context.createOscillator();
      const gain = context.createGain();
      const from = start + at * TONE_S;
      tone.frequency.value = hertz;
      gain.gain.setValueAtTime(0, from);
      gain.gain.linearRampToValueAtTime(LOUD, from + 0.05); // no click
      gain.gain.setValueAtTime(LOUD, from + TONE_S - 0.1);
      gain.gain.linearRampToValueAtTime(0, from + TONE_S);
      tone.connect(gain).connect(context.destination);
      tone.start(from);
      tone.stop(from + TONE_S);
    }
    await new Promise((done) => setTimeout(done, (TONES_HZ.length * TONE_S + 0.1) * 1000));
  } finally {
    await context.close();
  }
}

/**
 * A picture that moves, for a test of the network without a camera.
 * @returns {{track: MediaStreamTrack | null, stop: () => void}}
 */
export function drawnPicture() {
  const canvas = document.createElement("canvas");
  canvas.width = 640;
  canvas.height = 360;
  const pen = canvas.getContext("2d");
  const [track = null] = canvas.captureStream?.(PICTURE_FPS).getVideoTracks() ?? [];
  let at = 0;
  const timer = window.setInterval(() => {
    if (!pen) return;
    // Noise does not compress: so there is something to send.
    for (let spot = 0; spot < 300; spot += 1) {
      pen.fillStyle = `hsl(${(at * 7 + spot * 47) % 360} 60% 50%)`;
      pen.fillRect((spot * 97 + at * 13) % 640, (spot * 61 + at * 5) % 360, 24, 24);
    }
    at += 1;
  }, 1000 / PICTURE_FPS);
  return {
    track,
    stop: () => {
      clearInterval(timer);
      track?.stop();
    },
  };
}

/**
 * What a microphone hears for some seconds, to listen to.  It never leaves the browser.
 * @param {MediaStreamTrack} microphone
 * @param {number} lasts_ms
 * @returns {Promise<string>} an address for an audio element; to be revoked
 */
export async function record(microphone, lasts_ms) {
  const recorder = new MediaRecorder(new MediaStream([microphone]));
  /** @type {Blob[]} */
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const stopped = new Promise((done, fail) => {
    recorder.onstop = done;
    recorder.onerror = () => fail(new Error("not recorded"));
  });
  recorder.start();
  const timer = setTimeout(() => recorder.state === "recording" && recorder.stop(), lasts_ms);
  await stopped.finally(() => clearTimeout(timer));
  const sound = new Blob(parts, { type: recorder.mimeType });
  if (sound.size === 0) throw new Error("nothing was recorded");
  return URL.createObjectURL(sound);
}

// @ts-check
// Runs before a page's own scripts in `benchmarks.visit`: writes down when something happened, in Unix milliseconds.
(() => {
  /** Pictures within a second: it moves. */
  const ENOUGH = 10;
  const wall = (at = performance.now()) => performance.timeOrigin + at;
  /** When a button was last pressed, in this tab: also for who is led on to another page. */
  const PRESSED = "visit.pressed";
  /** @type {number[]} when a picture of somebody else was shown */
  const frames = [];
  /** @type {[string, number][]} what somebody else types, as it came on the screen */
  const read = [];
  /** @type {[string, number][]} what was typed here, by its key */
  const typed = [];
  /** @type {number[]} when the goodbye was on the screen */
  const farewells = [];
  /** @type {WeakSet<Element>} */
  const known = new WeakSet();

  addEventListener("click", ({ target, timeStamp }) => {
    const button = target instanceof Element ? target.closest("button") : null;
    if (button) sessionStorage.setItem(PRESSED, String(wall(timeStamp)));
  }, true);
  addEventListener("input", ({ target, timeStamp }) => {
    if (target instanceof HTMLTextAreaElement) typed.push([target.value, wall(timeStamp)]);
  }, true);

  /** @param {HTMLVideoElement} video */
  function watch(video) {
    known.add(video);
    const shown = (/** @type {number} */ now) => {
      frames.push(wall(now));
      if (frames.length > 5000) frames.splice(0, 1000);
      video.requestVideoFrameCallback(shown);
    };
    video.requestVideoFrameCallback(shown);
  }

  function look() {
    for (const video of document.querySelectorAll(".faces .tile:not(.own) video")) {
      if (video instanceof HTMLVideoElement && !known.has(video)) watch(video);
    }
    const words = document.querySelector("#chat-live span")?.textContent;
    if (words && words !== read.at(-1)?.[0]) {
      const said = words;
      requestAnimationFrame(() => read.push([said, wall()]));
    }
    const farewell = document.querySelector("#farewell");
    if (farewell instanceof HTMLDialogElement && farewell.open && !known.has(farewell)) {
      known.add(farewell);
      requestAnimationFrame(() => farewells.push(wall()));
    }
  }
  const options = { subtree: true, childList: true, attributes: true, characterData: true };
  new MutationObserver(look).observe(document, options);

  /** What arrives of a kind, of all open connections. */
  async function inbound(/** @type {string} */ kind) {
    const found = [];
    for (const pc of /** @type {any} */ (window).probe.connections) {
      if (pc.connectionState === "closed") continue;
      for (const each of (await pc.getStats()).values()) {
        if (each.type === "inbound-rtp" && each.kind === kind) found.push(each);
      }
    }
    return found;
  }

  /** How far sound is ahead of the picture, in ms, by the sender's clock; null before both are known. */
  async function ahead() {
    const [sound, picture] = [(await inbound("audio")).at(-1), (await inbound("video")).at(-1)];
    if (!sound?.estimatedPlayoutTimestamp || !picture?.estimatedPlayoutTimestamp) return null;
    const apart = sound.estimatedPlayoutTimestamp - picture.estimatedPlayoutTimestamp;
    return apart - (sound.timestamp - picture.timestamp);
  }

  /** When the first of ENOUGH pictures within a second was shown after a moment; null for not yet. */
  function flowing(/** @type {number} */ since) {
    const after = frames.filter((at) => at > since);
    return after.find((at, which) => (after[which + ENOUGH - 1] ?? Infinity) - at < 1000) ?? null;
  }

  /** How long after a moment picture, sound and the page's own word for both were back, in ms. */
  async function back(/** @type {number} */ since, /** @type {number} */ within_ms) {
    /** @type {Record<string, number>} */
    const found = {};
    /** @type {Map<string, number>} */
    const packets = new Map();
    while (!("picture" in found && "sound" in found && "word" in found)) {
      if (wall() - since > within_ms) throw new Error(`not back within ${within_ms} ms: ${JSON.stringify(found)}`);
      const picture = flowing(since);
      if (picture !== null) found.picture ??= picture - since;
      for (const { id, ssrc, packetsReceived } of await inbound("audio")) {
        const before = packets.get(id + ssrc);
        if (before !== undefined && packetsReceived > before && wall() > since) found.sound ??= wall() - since;
        packets.set(id + ssrc, packetsReceived);
      }
      if (document.body.dataset.health === "connected" && found.picture !== undefined) found.word ??= wall() - since;
      await new Promise((next) => setTimeout(next, 25));
    }
    return found;
  }

  Object.assign(window, { visit: { back, pressed: () => Number(sessionStorage.getItem(PRESSED)), frames, read, typed, farewells, ahead } });
})();

// @ts-check
// Runs before a page's own scripts in browser tests: remembers its peer connections and says what arrives on them.
(() => {
  const Original = window.RTCPeerConnection;
  /** @type {RTCPeerConnection[]} */
  const connections = [];
  window.RTCPeerConnection = class extends Original {
    /** @param {any[]} args */
    constructor(...args) {
      super(...args);
      connections.push(this);
    }
  };

  /** Everything of a type in the statistics of all open connections. */
  async function statistics(/** @type {string} */ type, /** @type {string} */ kind) {
    const found = [];
    for (const pc of connections) {
      if (pc.connectionState === "closed") continue;
      for (const each of (await pc.getStats()).values()) if (each.type === type && each.kind === kind) found.push(each);
    }
    return found;
  }

  /** How fast each picture came in since a second ago; empty until there is a second to speak of. */
  function pictures() {
    /** @type {Map<string, {at: number, frames: number}[]>} */
    const history = new Map();
    return async () => {
      const rates = [];
      for (const each of await statistics("inbound-rtp", "video")) {
        const past = history.get(each.id) ?? [];
        const now = { at: each.timestamp, frames: each.framesDecoded ?? 0 };
        history.set(each.id, [...past, now].filter(({ at }) => now.at - at < 2000));
        const before = past.filter(({ at }) => now.at - at >= 1000).pop();
        if (!before) continue;
        const fps = ((now.frames - before.frames) * 1000) / (now.at - before.at);
        rates.push({ fps, width: each.frameWidth ?? 0, height: each.frameHeight ?? 0 });
      }
      return rates;
    };
  }

  async function until(/** @type {() => any} */ look, /** @type {number} */ within_ms, /** @type {string} */ what) {
    const start = performance.now();
    for (;;) {
      const found = await look();
      if (found) return found;
      if (performance.now() - start > within_ms) throw new Error(`not within ${within_ms} ms: ${what}`);
      await new Promise((next) => setTimeout(next, 20));
    }
  }

  Object.assign(window, {
    probe: {
      connections,
      until,
      /** Until `count` pictures of others come in, each this fast and this large; the rates. */
      async pictures(/** @type {number} */ count, /** @type {number} */ fps, /** @type {number} */ height, /** @type {number} */ within_ms) {
        const look = pictures();
        /** @type {any[]} */
        let last = [];
        return until(async () => {
          last = await look();
          const good = last.filter((each) => each.fps >= fps && each.height >= height && each.width >= (height * 16) / 9);
          return good.length >= count ? good : null;
        }, within_ms, `${count} pictures`).catch((error) => {
          throw new Error(`${error.message}: ${JSON.stringify(last)}`);
        });
      },
      /** Until a shared screen is there, large enough to read, and moves. */
      async screen(/** @type {number} */ within_ms) {
        const shown = () => /** @type {HTMLVideoElement | null} */ (document.querySelector(".screens .tile video"));
        let first = Infinity;
        return until(async () => {
          const video = shown();
          if (!video || video.videoWidth < 1280 || video.videoHeight < 720) return false;
          const [track] = /** @type {MediaStream} */ (video.srcObject).getVideoTracks();
          const one = (await statistics("inbound-rtp", "video")).find((each) => each.trackIdentifier === track?.id);
          const frames = one?.framesDecoded ?? 0;
          first = Math.min(first, frames || Infinity);
          return frames > first + 5;
        }, within_ms, "a shared screen");
      },
      /** Until sound with something in it arrives from `count` others. */
      async sounds(/** @type {number} */ count, /** @type {number} */ within_ms) {
        /** @type {Map<string, number>} */
        const first = new Map();
        return until(async () => {
          let growing = 0;
          for (const { id, totalAudioEnergy = 0 } of await statistics("inbound-rtp", "audio")) {
            if (!first.has(id)) first.set(id, totalAudioEnergy);
            if (totalAudioEnergy > (first.get(id) ?? 0)) growing += 1;
          }
          return growing >= count;
        }, within_ms, `${count} sounds`);
      },
    },
  });
})();

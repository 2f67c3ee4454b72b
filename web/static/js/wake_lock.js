// @ts-check
/** A screen that stays on during a call. */

export class WakeLock {
  constructor() {
    /** @type {WakeLockSentinel | null} */
    this.lock = null;
    this.wanted = false;
  }

  /** Also after the page was out of sight, which ends it. */
  async keep() {
    this.wanted = true;
    if (this.lock && !this.lock.released) return;
    try {
      this.lock = await navigator.wakeLock?.request("screen") ?? null;
      if (!this.wanted) this.release();
    } catch {
      this.lock = null; // a battery saver may say no
    }
  }

  release() {
    this.wanted = false;
    void this.lock?.release();
    this.lock = null;
  }
}

// @ts-check
/** The page before the door opens: it looks again by itself when the time has come. */

/** Timers hold 31 bits of milliseconds; and a page that waits for weeks may as well look once a day. */
const MOST_S = 86400;

const seconds = Number(document.getElementById("wait")?.dataset.opensIn ?? MOST_S);
window.setTimeout(() => location.reload(), (Math.min(seconds, MOST_S) + 1) * 1000);

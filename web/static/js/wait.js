// @ts-check
/** The page before the door opens: it counts down, and looks again by itself when the time has come. */

/** Timers hold 31 bits of milliseconds; and a page that waits for weeks may as well look once a day. */
const MOST_S = 86400;

const place = document.getElementById("wait");
const seconds = Number(place?.dataset.opensIn ?? MOST_S);
const opens = Date.now() + seconds * 1000;
window.setTimeout(() => location.reload(), (Math.min(seconds, MOST_S) + 1) * 1000);

/** Hours, minutes and seconds, as on a clock; days are in the words beside it. */
function count() {
  const counter = document.getElementById("countdown");
  if (!counter || seconds > MOST_S) return;
  const left = Math.max(0, Math.round((opens - Date.now()) / 1000));
  const parts = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
  counter.textContent = parts.map((each) => String(each).padStart(2, "0")).join(":");
  counter.hidden = false;
}

count();
window.setInterval(count, 1000);

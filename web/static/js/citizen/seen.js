// @ts-check
/**
 * Somebody has this page before him: said once, after he did something on it.  A mail scanner opens links but reads and
 * touches nothing, so opening alone says nothing.
 */

const main = document.getElementById("main");
const path = main?.querySelector("[data-seen]")?.getAttribute("data-seen");
const ACTS = ["pointerdown", "keydown", "wheel"];

function seen() {
  for (const act of ACTS) document.removeEventListener(act, seen);
  if (path) fetch(path, { method: "POST", body: new URLSearchParams(), keepalive: true }).catch(() => {});
}

for (const act of ACTS) document.addEventListener(act, seen, { passive: true });

// @ts-check
/** The way to each part of the panel beside a call, and room for what stays in sight above it. */

const bar = /** @type {HTMLElement} */ (document.getElementById("panel-top"));
const jump = /** @type {HTMLDetailsElement} */ (document.getElementById("panel-jump"));
const summary = /** @type {HTMLElement} */ (jump.querySelector("summary"));
const scroller = /** @type {HTMLElement} */ (bar.closest(".panel-place"));

// What has the focus may not come to stand under it (WCAG 2.4.11).
new ResizeObserver(() => scroller.style.setProperty("--stuck", `${bar.offsetHeight}px`)).observe(bar);

/** @param {boolean} back whether the focus goes back to where it was opened */
function shut(back) {
  if (!jump.open) return;
  jump.open = false;
  if (back) summary.focus();
}

jump.addEventListener("keydown", (event) => {
  if (event.key === "Escape") shut(true);
});
jump.addEventListener("focusout", ({ relatedTarget }) => {
  if (relatedTarget instanceof Node && !jump.contains(relatedTarget)) shut(false);
});
document.addEventListener("click", ({ target }) => {
  if (target instanceof Node && !jump.contains(target)) shut(false);
});
jump.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  const part = link && document.getElementById(link.hash.slice(1));
  if (!part) return;
  event.preventDefault(); // going back leaves the call: a part is no page of its own
  shut(false);
  const own = part.querySelector(":scope > details");
  if (own instanceof HTMLDetailsElement) own.open = true;
  const place = part.querySelector("summary, h3");
  part.scrollIntoView();
  if (!(place instanceof HTMLElement)) return;
  if (place.localName === "h3") place.tabIndex = -1;
  place.focus({ preventScroll: true });
});

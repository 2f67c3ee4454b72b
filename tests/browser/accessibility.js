// @ts-check
// What a test asks of a page about people who see, hear or move otherwise.  Run once per page, after axe-core.
(() => {
  /** @param {Element} element */
  const shown = (element) => element.checkVisibility({ checkVisibilityCSS: true, checkOpacity: true });

  /** What axe-core finds wrong, by all its rules but contrast of 7 to 1 (AAA). */
  async function violations() {
    const rules = Object.fromEntries(/** @type {any} */ (window).axe.getRules().map((/** @type {any} */ { ruleId }) =>
      [ruleId, { enabled: ruleId !== "color-contrast-enhanced" }]));
    const found = await /** @type {any} */ (window).axe.run(document, { rules, resultTypes: ["violations"] });
    return found.violations.flatMap((/** @type {any} */ { id, nodes }) =>
      nodes.map((/** @type {any} */ { html, failureSummary }) => `${id}: ${html} ${failureSummary}`));
  }

  /** Words that stick out of the window, of a button, or of a box that cuts them off. */
  function cut() {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const parent = node.parentElement;
      if (!parent || !node.textContent?.trim() || !shown(parent)) continue;
      if (parent.closest(".visually-hidden, script, noscript, option")) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      // A name that ends in dots, in a small tile, is meant to.
      const dots = getComputedStyle(parent).textOverflow === "ellipsis";
      const words = (dots ? parent : range).getBoundingClientRect();
      if (words.width === 0) continue;
      const boxes = [new DOMRect(0, -1e6, document.documentElement.clientWidth, 2e6)];
      for (let box = /** @type {Element | null} */ (parent); box && box !== document.body; box = box.parentElement) {
        const style = getComputedStyle(box);
        const clips = !["visible", "auto", "scroll"].includes(style.overflowY) && style.display !== "inline";
        if (clips || box instanceof HTMLButtonElement) boxes.push(box.getBoundingClientRect());
      }
      const out = boxes.some((box) => words.left < box.left - 1 || words.right > box.right + 1
        || words.top < box.top - 1 || words.bottom > box.bottom + 1);
      if (out) found.push(node.textContent.trim());
    }
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth > clientWidth) found.push(`the page is ${scrollWidth} wide in a window of ${clientWidth}`);
    return found;
  }

  /** Buttons and lists that a finger misses: under 44 pixels. */
  function tooSmall() {
    return [...document.querySelectorAll("button, select")].filter(shown)
      .filter((each) => each.getBoundingClientRect().height < 44 || each.getBoundingClientRect().width < 44)
      .map((each) => each.textContent?.trim());
  }

  Object.assign(window, { access: { violations, cut, tooSmall } });
})();

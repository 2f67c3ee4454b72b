// @ts-check
// What a test asks of a page about people who see, hear or move otherwise.  Run once per page, after axe-core.
(() => {
  /** @param {Element} element */
  const shown = (element) => element.checkVisibility({ checkVisibilityCSS: true, checkOpacity: true });

  /** What a change of the window sets in motion is done: a frame, at the end of which observers run. */
  function settled() {
    return new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  }

  /** What axe-core finds wrong, by all its rules but contrast of 7 to 1 (AAA). */
  function violations() {
    return broken(() => true);
  }

  /** What it finds wrong by the rules about colours: all that another colour scheme can break. */
  function colours() {
    return broken((rule) => ["color-contrast", "link-in-text-block"].includes(rule));
  }

  async function broken(/** @type {(rule: string) => boolean} */ wanted) {
    const rules = Object.fromEntries(/** @type {any} */ (window).axe.getRules().map((/** @type {any} */ { ruleId }) =>
      [ruleId, { enabled: wanted(ruleId) && ruleId !== "color-contrast-enhanced" }]));
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

  /** Either of these. */
  function misfits() {
    return [...cut(), ...tooSmall().map((name) => `too small for a finger: ${name}`)];
  }

  /** @param {DOMRect} one @param {DOMRect} other */
  const overlap = (one, other) => Math.min(one.right, other.right) - Math.max(one.left, other.left) > 2
    && Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 2;

  /**
   * The picture itself, without the bars of its box.
   * @param {HTMLVideoElement} video
   */
  function picture(video) {
    const box = video.getBoundingClientRect();
    const scale = Math.min(box.width / video.videoWidth, box.height / video.videoHeight);
    const [width, height] = [video.videoWidth * scale, video.videoHeight * scale];
    return new DOMRect(box.left + (box.width - width) / 2, box.top + (box.height - height) / 2, width, height);
  }

  /** Messages that stand on somebody's name, and badges on the icon of their button. */
  function hidden() {
    const pairs = [...document.querySelectorAll(".captions p")].flatMap((line) =>
      [...document.querySelectorAll(".stage figcaption .name")].map((name) => [line, name]));
    for (const badge of document.querySelectorAll(".badge")) pairs.push([badge, badge.parentElement.querySelector(".icon")]);
    return pairs.filter((pair) => pair.every(shown) && overlap(pair[0].getBoundingClientRect(), pair[1].getBoundingClientRect()))
      .map(([over, under]) => `${over.textContent} hides ${under.textContent || "the icon"}`);
  }

  /** What stands on a shared screen, or on a face: in the middle of its tile, a third as wide and from a quarter to two thirds down. */
  function covered() {
    const over = [...document.querySelectorAll(".stage button, .stage figcaption, .controls, .chat, .top, .panel-place, .mirror .tile, .faces .own")]
      .filter(shown);
    const found = [];
    for (const video of document.querySelectorAll(".stage .tile video")) {
      const tile = video.closest(".tile");
      if (!(video instanceof HTMLVideoElement) || !tile || !shown(tile) || !video.videoWidth) continue;
      const box = video.getBoundingClientRect();
      const screen = /** @type {HTMLElement} */ (tile).dataset.source === "screen";
      const kept = screen ? picture(video)
        : new DOMRect(box.left + box.width / 3, box.top + box.height * 0.22, box.width / 3, box.height * 0.43);
      for (const each of over) {
        if (each === tile || !overlap(each.getBoundingClientRect(), kept)) continue;
        found.push(`${each.className} ${each.textContent?.trim()} covers ${tile.querySelector("figcaption")?.textContent}`);
      }
    }
    return found;
  }

  Object.assign(window, { access: { settled, violations, colours, cut, misfits, covered, hidden } });
})();

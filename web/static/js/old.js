// @ts-check
/*
 * For browsers that do not know our other scripts: in words that the oldest understands, without import or const.  When
 * no module of ours said that it runs (data-alive), what is marked data-old-browser is shown, and what is marked
 * data-works goes away.
 */
(function () {
  /** @param {string} mark @param {boolean} hidden */
  function hide(mark, hidden) {
    var found = document.querySelectorAll("[" + mark + "]");
    for (var at = 0; at < found.length; at += 1) /** @type {HTMLElement} */ (found[at]).hidden = hidden;
  }

  // Modules run before the page says that it has loaded; a slow network is no old browser.
  window.addEventListener("load", function () {
    if (document.documentElement.hasAttribute("data-alive")) return;
    hide("data-old-browser", false);
    hide("data-works", true);
  });
})();

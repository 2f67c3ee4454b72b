// @ts-check
/*
 * For pages that are nothing without our scripts: in words that the oldest browser understands, without import or const.
 *
 * A phone that goes from one network to another drops what it is fetching, and a browser asks for a script only once.  A
 * page that misses one looks whole, and something in it does nothing; so it is loaded once more, and what is marked
 * data-incomplete says so when that did not help.
 *
 * When nothing is missing and yet no module of ours said that it runs (data-alive), the browser is too old for them: then
 * what is marked data-old-browser is shown.  Either way what is marked data-works goes away when nothing runs.
 */
(function () {
  /** Of PerformanceNavigation, which is older than modules are. */
  var TYPE_RELOAD = 1;
  var incomplete = false;

  /** @param {string} mark @param {boolean} hidden */
  function hide(mark, hidden) {
    var found = document.querySelectorAll("[" + mark + "]");
    for (var at = 0; at < found.length; at += 1) /** @type {HTMLElement} */ (found[at]).hidden = hidden;
  }

  // On its way down: an element that could not be fetched, or what it imports, tells nobody above it.
  window.addEventListener("error", function (event) {
    var from = event.target;
    var sheet = from instanceof HTMLLinkElement && from.rel === "stylesheet";
    if (sheet || from instanceof HTMLScriptElement) incomplete = true;
  }, true);

  // Modules run before the page says that it has loaded; a slow network is no old browser.
  window.addEventListener("load", function () {
    // Only once, and not after the person did so himself: a server that lacks a file lacks it the next time too.
    if (incomplete && performance.navigation.type !== TYPE_RELOAD) {
      location.reload();
      return;
    }
    var alive = document.documentElement.hasAttribute("data-alive");
    if (incomplete) hide("data-incomplete", false);
    else if (!alive) hide("data-old-browser", false);
    if (!alive) hide("data-works", true);
    var again = document.querySelectorAll("[data-incomplete] button");
    for (var at = 0; at < again.length; at += 1) /** @type {HTMLElement} */ (again[at]).onclick = function () { location.reload(); };
  });
})();

// @ts-check
/** The sheet for a citizen: a button that prints it.  Without this script the browser's own menu does. */

const button = document.getElementById("print");
button?.removeAttribute("hidden");
button?.addEventListener("click", () => window.print());

// @ts-check
// A browser that knows no modules runs this instead (nomodule): it cannot call, and its owner should not wait for it.
/** @type {HTMLElement} */ (document.getElementById("old-browser")).hidden = false;
/** @type {HTMLElement} */ (document.getElementById("preview-message")).hidden = true;

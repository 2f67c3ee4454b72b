// @ts-check
/** Forms of a booking: how long the hour is still kept, and a button that can be pressed once. */

const MINUTE_S = 60;
/** When to speak of the time that is left: early enough to do something about it. */
const SOON_S = 2 * MINUTE_S;

function watchHold() {
  const hold = document.getElementById("hold");
  const words = document.getElementById("hold-words");
  const news = document.getElementById("hold-news");
  if (!hold?.dataset.left || !words || !news) return;
  const { left, soon = "", over = "" } = hold.dataset;
  // What the server says was left, on a clock that does not jump.
  const end = performance.now() + Number(left) * 1000;
  const timer = window.setInterval(() => {
    const left_s = (end - performance.now()) / 1000;
    if (left_s <= 0) {
      window.clearInterval(timer);
      words.hidden = true;
      news.textContent = over;
      hold.dataset.state = "over";
    } else if (left_s <= SOON_S && hold.dataset.state !== "soon") {
      hold.dataset.state = "soon";
      news.textContent = soon.replace("{n}", String(Math.max(1, Math.ceil(left_s / MINUTE_S))));
    }
  }, 1000);
}

/** A second press while the first is on its way would only confuse. */
function pressOnce() {
  for (const form of document.querySelectorAll("form[data-once]")) {
    form.addEventListener("submit", (event) => {
      if (!(event instanceof SubmitEvent) || !(event.submitter instanceof HTMLButtonElement)) return;
      if (form.hasAttribute("data-sent")) {
        event.preventDefault();
        return;
      }
      const { busy } = event.submitter.dataset;
      if (!busy) return;
      form.setAttribute("data-sent", "");
      event.submitter.textContent = busy;
      event.submitter.setAttribute("aria-disabled", "true");
    });
  }
  // Back to this page from the browser's memory: the button works again.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
}

watchHold();
pressOnce();

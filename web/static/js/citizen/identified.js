// @ts-check
/** Whether somebody showed who he is, in another tab or on another device: then the page shows it. */
const LOOK_MS = 4000;

const place = document.querySelector("[data-identity]");
let busy = false;

/** The page as it is now; another state than the one that is shown is gone to. */
const look = async () => {
  const shown = place?.getAttribute("data-identity");
  const url = place?.getAttribute("data-place");
  if (document.hidden || busy || !shown || !url) return;
  busy = true;
  try {
    const answer = await fetch(url, { headers: { Accept: "text/html" }, cache: "no-store" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = page.querySelector("[data-identity]")?.getAttribute("data-identity");
    // Of a form that was sent, a reload would ask whether to send it again.
    if (answer.ok && now && now !== shown) location.replace(url);
  } catch {
    // Without a connection it stays as it is, until the next time.
  } finally {
    busy = false;
  }
};

document.addEventListener("visibilitychange", look);
addEventListener("pageshow", look);
setInterval(look, LOOK_MS);

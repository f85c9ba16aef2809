// A page that waits for news from outside: looks again until there is some. Without this file a link on the page does so.
const EVERY_MS = 1500;
const TIMES = 80;

export function enhanceWaits() {
  const root = document.querySelector("[data-waits]");
  if (!root) return;
  let left = TIMES;
  const look = async () => {
    try {
      const answer = await fetch(root.dataset.waits);
      if (answer.ok && !(await answer.text()).includes("data-waits")) return location.replace(root.dataset.waits);
    } catch {
      // The line is down for a moment; the next look may do better.
    }
    if (--left > 0) setTimeout(look, EVERY_MS);
  };
  setTimeout(look, EVERY_MS);
}

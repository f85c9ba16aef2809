// Something that runs by itself: asks where it stands until it is at an end, then shows the page anew with its outcome.
const EVERY_MS = 700;

export function enhanceProgress() {
  const root = document.querySelector("[data-progress]");
  if (!root || root.dataset.finished === "yes") return;
  const status = root.querySelector("[role=status]");
  const bar = root.querySelector("progress");
  const ask = async () => {
    try {
      const answer = await fetch(root.dataset.url, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const now = await answer.json();
      if (now.finished) return location.reload();
      for (const step of now.steps) root.querySelector(`[data-step="${step.name}"]`).dataset.state = step.state;
      if (bar) bar.value = now.done;
      status.textContent = now.sentence;
    } catch {
      status.textContent = root.dataset.waiting;
    }
    setTimeout(ask, EVERY_MS);
  };
  setTimeout(ask, EVERY_MS);
}

// A running merge: asks where it stands until it is at an end, then shows the page anew with its outcome.
const EVERY_MS = 700;

export function enhanceMergeProgress() {
  const root = document.querySelector("[data-merge-progress]");
  if (!root || root.dataset.finished === "yes") return;
  const status = root.querySelector("[role=status]");
  const ask = async () => {
    try {
      const answer = await fetch(root.dataset.url, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const merge = await answer.json();
      if (merge.finished) return location.reload();
      for (const step of merge.steps) root.querySelector(`[data-step="${step.name}"]`).dataset.state = step.state;
      status.textContent = merge.sentence;
    } catch {
      status.textContent = root.dataset.waiting;
    }
    setTimeout(ask, EVERY_MS);
  };
  setTimeout(ask, EVERY_MS);
}

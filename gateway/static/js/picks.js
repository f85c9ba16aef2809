// Lists from which rows are picked: how many they are, all of the page at once where it offers that, and, for a merge of accounts, whether
// that is a number that can be merged.
export function enhancePicks() {
  for (const form of document.querySelectorAll("[data-picks]")) {
    const bar = form.querySelector("[data-pick-bar]");
    if (!bar) continue;
    const count = form.querySelector("[data-pick-count]");
    const merge = form.querySelector("[data-merge]");
    const show = () => {
      const picked = form.querySelectorAll("input[name=id]:checked").length;
      bar.hidden = picked === 0 && !bar.dataset.none;
      count.textContent = (picked === 0 ? bar.dataset.none ?? "" : picked === 1 ? bar.dataset.one : bar.dataset.many).replace("%n", String(picked));
      if (!merge) return;
      form.querySelector("[data-pick-hint]").hidden = picked >= 2 && picked <= 5;
      merge.disabled = picked < 2 || picked > 5;
    };
    const all = form.querySelector("[data-pick-all]");
    if (all) {
      const box = all.querySelector("input");
      all.hidden = false;
      form.addEventListener("change", (event) => {
        const boxes = [...form.querySelectorAll("input[name=id]")];
        if (event.target === box) for (const each of boxes) each.checked = box.checked;
        else box.checked = boxes.every((each) => each.checked);
      });
    }
    form.addEventListener("change", show);
    show();
  }
}

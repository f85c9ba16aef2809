// A button that copies the field beside it; without this file the field is there to be copied by hand.
export function enhanceCopies() {
  for (const button of document.querySelectorAll("[data-copy]")) {
    const field = document.getElementById(button.dataset.copy);
    const said = document.getElementById(button.dataset.says);
    button.hidden = false;
    button.addEventListener("click", async () => {
      field.select();
      try {
        await navigator.clipboard.writeText(field.value);
        said.textContent = button.dataset.done;
      } catch {
        said.textContent = button.dataset.failed;
      }
    });
  }
}

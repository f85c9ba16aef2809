// A file is dropped anywhere on the zone, or chosen by a click; its name and a size above the limit are said before it is sent.
export function enhanceDrops() {
  for (const zone of document.querySelectorAll("[data-drop]")) {
    const input = zone.querySelector("input[type=file]");
    const status = zone.querySelector("[role=status]");
    const tell = () => {
      const file = input.files[0];
      zone.classList.toggle("filled", Boolean(file));
      const large = file && file.size > Number(zone.dataset.largest);
      input.setCustomValidity(large ? zone.dataset.tooLarge : "");
      status.textContent = large ? zone.dataset.tooLarge : file ? zone.dataset.chosen.replace("%n", file.name) : "";
      status.classList.toggle("bad-text", Boolean(large));
    };
    input.addEventListener("change", tell);
    let inside = 0;
    zone.addEventListener("dragenter", () => zone.classList.toggle("over", ++inside > 0));
    zone.addEventListener("dragleave", () => zone.classList.toggle("over", --inside > 0));
    zone.addEventListener("dragover", (event) => event.preventDefault());
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      inside = 0;
      zone.classList.remove("over");
      if (!event.dataTransfer.files.length) return;
      input.files = event.dataTransfer.files;
      tell();
    });
    zone.closest("form").addEventListener("submit", (event) => {
      if (!input.validationMessage) return;
      event.preventDefault();
      event.stopPropagation();
      input.focus();
    });
    tell();
  }
}

// A frame that shows what the form beside it would make; without this file it shows what is saved.
const WAIT_MS = 400;

export function enhancePreviews() {
  for (const form of document.querySelectorAll("form[data-preview]")) {
    const frame = document.getElementById(form.dataset.preview);
    let timer = 0;
    form.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        const address = new URL(form.dataset.address, location.href);
        for (const name of ["accent", "postal_address"]) address.searchParams.set(name, form.elements[name].value);
        frame.src = address.href;
      }, WAIT_MS);
    });
  }
}

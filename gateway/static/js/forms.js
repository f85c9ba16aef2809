// A form is sent once: the server would answer a repeat with the same result, but people should see that it is under way.
export function enhanceForms() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    form.setAttribute("aria-busy", "true");
    for (const button of form.querySelectorAll("button[type=submit]")) button.setAttribute("aria-disabled", "true");
  });
  // A page that comes back from the browser's memory may be sent again.
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      form.removeAttribute("aria-busy");
      for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
    }
  });
  // Fields that only matter for one choice are put away while another is made.
  for (const box of document.querySelectorAll("[data-shown-for]")) {
    const [name, ...values] = box.dataset.shownFor.split(" ");
    const radios = box.closest("form").querySelectorAll(`input[name="${name}"]`);
    const show = () => {
      const chosen = [...radios].find((radio) => radio.checked);
      box.hidden = !chosen || !values.includes(chosen.value);
    };
    radios.forEach((radio) => radio.addEventListener("change", show));
    show();
  }
  const problem = document.querySelector("[data-errors]");
  if (problem) problem.focus();
}

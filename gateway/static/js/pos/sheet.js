// A form of the console in a dialog of this page: the same fields, refusals and rules (both values of what somebody else has changed
// meanwhile; the phone typed again before anybody is deleted), so there is one of each. `done` is called when the form was taken.
import { el, find, say } from "./dom.js";
import { word } from "./words.js";

export async function openSheet(address, done) {
  const dialog = find("#sheet-dialog");
  const body = find(".dialog-body", dialog);
  const show = async (request) => {
    try {
      const answer = await fetch(...request);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (answer.redirected && request[1]?.method === "POST") return finish(page);
      fill(dialog, body, page, answer);
    } catch {
      body.replaceChildren(el("p", { class: "mb-0", role: "alert" }, word("not_reached")));
    }
  };
  const finish = (page) => {
    dialog.close();
    say(find(".note.good", page)?.textContent.trim() ?? "");
    done();
  };
  body.onsubmit = (event) => {
    event.preventDefault();
    event.stopPropagation();
    const form = new FormData(event.target, event.submitter);
    show([event.target.dataset.address, { method: "POST", body: form }]);
  };
  body.onclick = (event) => {
    const link = event.target.closest("a[href]");
    if (!link) return;
    event.preventDefault();
    dialog.close();
  };
  body.replaceChildren(el("p", { class: "soft mb-0" }, word("one_moment")));
  dialog.showModal();
  await show([address]);
}

function fill(dialog, body, page, answer) {
  const content = find("main", page);
  if (!content || answer.url.includes("/console/login")) return body.replaceChildren(el("p", { class: "mb-0", role: "alert" }, word("log_in_again")));
  find("#sheet-dialog-title").textContent = find("h1", content)?.textContent ?? "";
  for (const each of content.querySelectorAll(".page-head, .crumb")) each.remove();
  for (const form of content.querySelectorAll("form")) {
    form.dataset.address = answer.url;
    form.classList.remove("panel");
  }
  body.replaceChildren(...content.children);
  find("[data-errors], input:not([type=hidden]):not([readonly])", body)?.focus();
}

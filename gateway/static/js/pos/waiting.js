// What waits and what was refused: a banner that says so, and a list from which a person mends, repeats or discards. Nothing goes by itself.
import { badge, el, find } from "./dom.js";
import { line } from "./net.js";
import { again, discard, queue, replay, sales } from "./queue.js";
import { change, text } from "./sale.js";
import { count, word } from "./words.js";

const banner = find("[data-banner]");
const dialog = find("#waiting-dialog");
const list = find("[data-waiting]", dialog);

export function setUp() {
  queue.addEventListener("change", draw);
  line.addEventListener("change", draw);
  find("[data-open-waiting]").addEventListener("click", () => dialog.showModal());
  find("[data-send-now]", dialog).addEventListener("click", () => replay());
  draw();
}

export async function mend(key) {
  const found = (await sales()).find((each) => each.key === key);
  if (!found) return;
  const lines = found.shown.lines.map((each) => ({ title: each.title, sku: each.sku, quantity: each.quantity, price: each.unit_price_minor, discount: each.discount_minor }));
  const { elsewhere, ...mended } = found;
  dialog.close();
  change({ lines, customer: found.shown.customer, level: Boolean(found.shown.level_discount_minor), redeem: found.shown.points_redeemed ? String(found.shown.points_redeemed) : "", note: found.shown.note, mended });
  find("[data-pay]").focus();
}

async function draw() {
  const kept = await sales();
  const waiting = kept.filter((each) => each.state === "waiting").length;
  const refused = kept.length - waiting;
  const parts = [
    line.state === "down" ? word("no_line") : line.state === "login" ? word("log_in_again") : "",
    waiting ? count("waiting", waiting) : "",
    refused ? count("refused", refused) : "",
  ].filter(Boolean);
  banner.hidden = !parts.length;
  banner.className = `till-banner ${refused ? "bad" : "warn"}`;
  find("[data-banner-words]", banner).textContent = parts.join(" ");
  find("[data-open-waiting]", banner).hidden = !kept.length;
  find("[data-log-in]", banner).hidden = line.state !== "login";
  list.replaceChildren(...kept.map(row));
  if (!kept.length && dialog.open) dialog.close();
}

function row(kept) {
  const { shown } = kept;
  const refused = kept.state === "refused";
  const state = kept.elsewhere ? badge(word("other_store"), "warn") : refused ? badge(word("state_refused"), "bad") : badge(word("state_waiting"), "warn");
  return el("li", {},
    el("div", { class: "strong" }, kept.receipt, " ", state),
    el("div", { class: "small break" }, [text(shown.total_minor), shown.buyer, shown.lines.map((each) => `${each.quantity} × ${each.title}`).join(", ")].filter(Boolean).join(" · ")),
    refused ? el("p", { class: "bad-text mb-1" }, kept.reason) : null,
    refused && !kept.elsewhere ? el("div", { class: "till-actions" },
      el("button", { type: "button", class: "btn btn-primary", onclick: () => mend(kept.key) }, word("mend")),
      el("button", { type: "button", class: "btn btn-outline", onclick: () => again(kept) }, word("try_again")),
      discardButton(kept)) : null);
}

// Two presses, for what is discarded is an order that nobody will ever see.
function discardButton(kept) {
  const button = el("button", { type: "button", class: "btn btn-link", onclick: () => {
    if (button.dataset.sure) return discard(kept.key);
    button.dataset.sure = "yes";
    button.textContent = word("discard_sure");
    button.classList.add("bad-text");
  } }, word("discard"));
  return button;
}

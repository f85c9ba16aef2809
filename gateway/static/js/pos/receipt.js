// The receipt, on the screen and on paper of 80 mm: of the sale that was just taken, with or without a line, and of an earlier order.
import { el, find } from "./dom.js";
import { ask, known } from "./net.js";
import { queue } from "./queue.js";
import { text } from "./sale.js";
import { count, word } from "./words.js";

const dialog = find("#receipt-dialog");
const paper = find("[data-paper]", dialog);
const said = find("[data-receipt-state]", dialog);
// Points are earned by the order's event, a moment after the order.
const LOOKS = 8;
const LOOK_MS = 600;
let current = "";

export function setUp(onMend) {
  find("[data-print]", dialog).addEventListener("click", () => window.print());
  find("[data-mend-now]", dialog).addEventListener("click", () => { dialog.close(); onMend(current); });
  dialog.addEventListener("close", () => {
    current = "";
    if (location.hash) history.replaceState(null, "", location.pathname);
    find("[data-lookup] input").focus();
  });
  queue.addEventListener("change", (event) => { if (event.detail?.key === current && current) outcome(event.detail); });
  window.addEventListener("hashchange", fromAddress);
  fromAddress();
}

// The sale that was just put down.
export function show(sale) {
  current = sale.key;
  draw({ ...sale.shown, receipt: sale.receipt, taken_at: sale.taken_at });
  tell(word("sending"), "info");
  find("[data-mend-now]", dialog).hidden = true;
  if (!dialog.open) dialog.showModal();
  find("[data-print]", dialog).focus();
}

async function outcome({ order, refused, waits }) {
  if (refused) tell(refused, "bad");
  else if (waits) tell(word("is_waiting"), "warn");
  else if (order) {
    tell(word("is_order", { number: order.number }), "good");
    await points(order);
  }
  find("[data-mend-now]", dialog).hidden = !refused;
}

function tell(sentence, tone) {
  said.className = `note ${tone} mb-3`;
  said.replaceChildren(el("p", { class: "mb-0" }, sentence));
}

async function fromAddress() {
  const [, order_id] = /^#receipt=([0-9a-f-]{36})$/u.exec(location.hash) ?? [];
  if (!order_id) return;
  try {
    const order = await ask(`/pos/data/orders/${order_id}`);
    current = `order ${order_id}`;
    draw(order);
    tell(word("is_order", { number: order.number }), "good");
    if (order.points) addPoints(order.points);
  } catch {
    paper.replaceChildren();
    tell(word("not_reached"), "warn");
  }
  find("[data-mend-now]", dialog).hidden = true;
  if (!dialog.open) dialog.showModal();
}

async function points(order) {
  find("[data-number]", paper).textContent = `#${order.number}`;
  if (!order.paid || order.customer.status === "guest") return;
  const mine = current;
  for (let look = 0; look < LOOKS && current === mine; look += 1) {
    await new Promise((resolve) => { setTimeout(resolve, LOOK_MS); });
    const found = await ask(`/pos/data/orders/${order.order_id}`).catch(() => null);
    if (current === mine && found?.points?.earned) return addPoints(found.points);
  }
}

function addPoints({ earned, balance }) {
  const rows = [earned ? el("p", {}, word("earned", { points: count("points", earned.toLocaleString("en")) })) : null, el("p", {}, word("balance", { points: count("points", balance.toLocaleString("en")) }))];
  find("[data-points]", paper).replaceChildren(...rows.filter(Boolean));
}

async function draw(order) {
  const { store } = (await known()) ?? { store: { name: "", timezone: "UTC" } };
  const when = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short", timeZone: store.timezone }).format(new Date(order.taken_at));
  const sum = (label, minor, classes = "") => el("tr", { class: classes }, el("td", {}, label), el("td", { class: "number" }, text(minor)));
  const rows = order.lines.flatMap((line) => [
    el("tr", {}, el("td", { class: "break" }, `${line.quantity} × ${line.title}`), el("td", { class: "number" }, text(line.quantity * line.unit_price_minor))),
    line.discount_minor ? sum(word("discount"), -line.discount_minor, "soft") : null,
  ]);
  const parts = [["level", order.level_discount_minor, order.level_name], ["points", order.points_discount_minor], ["order_discount", order.discount_minor]];
  paper.replaceChildren(
    el("p", { class: "receipt-store" }, store.name),
    el("p", {}, el("span", { "data-receipt-number": true }, order.receipt || ""), " ", el("span", { "data-number": true }, order.number ? `#${order.number}` : "")),
    el("p", {}, when),
    order.buyer ? el("p", { class: "break" }, order.buyer) : "",
    el("table", { class: "sums" }, el("tbody", {},
      ...rows.filter(Boolean),
      ...parts.filter(([, minor]) => minor).map(([key, minor, name]) => sum(word(`receipt_${key}`, { level: name ?? "" }), -minor)),
      order.shipping_minor ? sum(word("shipping"), order.shipping_minor) : "",
      sum(word("total"), order.total_minor, "total"),
      order.given_minor ? sum(word("given"), order.given_minor) : "",
      order.given_minor ? sum(word("change_due"), order.change_minor, "receipt-change") : "")),
    el("p", {}, order.paid ? order.payments.map((payment) => [payment.method_text, payment.reference].filter(Boolean).join(" · ")).join(", ") : word("to_be_paid")),
    el("div", { "data-points": true }),
    order.note ? el("p", { class: "break lines" }, order.note) : "",
    el("p", {}, word("thanks")));
}

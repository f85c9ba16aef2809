// Taking the money: cash with the change due, the card terminal with its reference, or later. The sale is put down before anything is sent.
import { el, find } from "./dom.js";
import { put } from "./queue.js";
import { amount, body, clear, lineTotal, sale, sums, text } from "./sale.js";
import { word } from "./words.js";

const dialog = find("#pay-dialog");
const form = find("form", dialog);
const given = form.elements.given;
// What people hand over: the next whole bill above the sum, in units of the currency.
const BILLS = [10, 20, 50, 100, 500, 1000];

export function setUp(onPlaced) {
  find("[data-pay]").addEventListener("click", open);
  form.addEventListener("change", draw);
  given.addEventListener("input", draw);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    place(onPlaced);
  });
}

export function open() {
  if (!sale.lines.length || sums().total < 0 || document.querySelector("dialog[open]")) return;
  form.reset();
  find("[data-pay-total]", form).textContent = text(sums().total);
  find("[data-bills]", form).replaceChildren(...bills().map((minor) => el("button", { type: "button", class: "btn btn-outline", onclick: () => { given.value = plain(minor); draw(); } }, text(minor))));
  draw();
  dialog.showModal();
  given.focus();
}

const plain = (minor) => text(minor).replace(/^[^\d]+/u, "");

function bills() {
  const { total } = sums();
  const unit = amount("1");
  const next = BILLS.map((bill) => Math.ceil(total / (bill * unit)) * bill * unit);
  return [...new Set([total, ...next])].filter((minor) => minor > 0).sort((a, b) => a - b).slice(0, 4);
}

function draw() {
  const method = form.elements.method.value;
  find("[data-cash]", form).hidden = method !== "cash";
  find("[data-card]", form).hidden = method !== "card";
  find("[data-later]", form).hidden = method !== "unpaid";
  const back = change();
  find("[data-change]", form).textContent = back !== null && back >= 0 && given.value.trim() ? text(back) : "–";
  find("[data-given-problem]", form).hidden = !given.value.trim() || (back !== null && back >= 0);
}

// What is given back; null where what was typed is no amount.
function change() {
  if (!given.value.trim()) return 0;
  const minor = amount(given.value.trim());
  return minor === null ? null : minor - sums().total;
}

async function place(onPlaced) {
  const method = form.elements.method.value;
  const back = change();
  if (method === "cash" && (back === null || back < 0)) return given.focus();
  const button = find("[type=submit]", form);
  if (button.disabled) return;
  button.disabled = true;
  try {
    const payment = { paid: method !== "unpaid", payment_method: method === "unpaid" ? "other" : method, payment_reference: method === "card" ? form.elements.reference.value.trim() : "" };
    const cash = method === "cash" && given.value.trim() ? { given_minor: back + sums().total, change_minor: back } : {};
    const placed = await put(body(payment), { ...shown(method, payment), ...cash }, sale.mended);
    dialog.close();
    clear();
    onPlaced(placed);
  } catch {
    find("[data-pay-problem]", form).hidden = false;
  } finally {
    button.disabled = false;
  }
}

// The sale as its receipt has it, in the words of receipts.py.
function shown(method, payment) {
  const reckoned = sums();
  const { customer } = sale;
  return {
    paid: payment.paid,
    payments: payment.paid ? [{ method_text: word(method), reference: payment.payment_reference }] : [],
    lines: sale.lines.map(({ title, quantity, price, discount, ...line }) => ({ title, quantity, unit_price_minor: price, discount_minor: discount, sku: line.sku, total_minor: lineTotal({ price, quantity, discount }) })),
    discount_minor: 0,
    shipping_minor: 0,
    level_discount_minor: reckoned.level,
    level_name: customer?.benefits?.level ?? "",
    points_redeemed: reckoned.redeemed,
    points_discount_minor: reckoned.paid,
    total_minor: reckoned.total,
    buyer: customer ? customer.name || customer.contact?.name || customer.contact?.phone || customer.phone_text || "" : "",
    note: sale.note,
    customer: customer && kept(customer),
  };
}

// To go on with, should the sale have to be mended; what else is known of a member is not laid down with it.
function kept(customer) {
  if (!customer.id) return customer;
  const { id, name, phone_text, guest, join, level, points, benefits } = customer;
  return { id, name, phone_text, guest, join, level, points, benefits, orders: [], notes: [], tags: [], partial: true };
}

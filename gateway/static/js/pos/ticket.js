// The right side: lines with quantity and discount, level, points, note, sums.
import { el, find, icon } from "./dom.js";
import { line as connection } from "./net.js";
import { change, clear, discountOf, lineTotal, sale, sums, text } from "./sale.js";
import { focus as focusItems } from "./tiles.js";
import { word } from "./words.js";

const root = find("[data-ticket]");
const list = find("[data-sale-lines]", root);
const level = find("[name=level]", root);
const redeem = find("[name=redeem]", root);
const note = find("[name=note]", root);

export function setUp() {
  sale.addEventListener("change", draw);
  connection.addEventListener("change", draw);
  level.addEventListener("change", () => change({ level: level.checked }));
  redeem.addEventListener("input", () => change({ redeem: redeem.value }));
  note.addEventListener("input", () => { sale.note = note.value; });
  find("[data-clear]", root).addEventListener("click", () => { clear(); focusItems(); });
  find("[data-use-all]", root).addEventListener("click", () => change({ redeem: String(sums().usable) }));
  draw();
}

export const focusLines = () => find("input", list)?.focus();

function draw() {
  const reckoned = sums();
  lines();
  benefits(reckoned);
  for (const [name, minor] of Object.entries({ goods: reckoned.goods, level: -reckoned.level, points: -reckoned.paid, total: reckoned.total })) {
    find(`[data-sum=${name}]`, root).textContent = text(minor);
  }
  find("[data-row=level]", root).hidden = !reckoned.level;
  find("[data-row=points]", root).hidden = !reckoned.paid;
  find("[data-empty]", root).hidden = sale.lines.length > 0;
  find("[data-clear]", root).hidden = !sale.lines.length && !sale.customer;
  find("[data-pay]", root).disabled = !sale.lines.length || reckoned.total < 0;
  find("[data-pay-sum]", root).textContent = sale.lines.length ? text(reckoned.total) : "";
  find("[data-mending]", root).hidden = !sale.mended;
  if (note.value !== sale.note) note.value = sale.note;
}

function benefits({ usable, redeemed }) {
  const { percent = 0, points = 0, rate = 0 } = sale.customer?.benefits ?? {};
  find("[data-level]", root).hidden = !percent;
  level.checked = sale.level;
  find("[data-level-words]", root).textContent = percent ? word("level_off", { level: sale.customer.benefits.level, percent }) : "";
  const offline = connection.state === "down";
  find("[data-redeem]", root).hidden = !points || !rate || offline;
  find("[data-redeem-offline]", root).hidden = !offline || !sale.customer;
  if (offline && sale.redeem) return change({ redeem: "" });
  if (redeem.value !== sale.redeem) redeem.value = sale.redeem;
  find("[data-use-all]", root).textContent = word("use_all", { n: usable.toLocaleString("en") });
  find("[data-redeem-problem]", root).hidden = redeemed <= usable;
  find("[data-redeem-problem]", root).textContent = word("too_many_points", { n: usable.toLocaleString("en") });
}

// Rows are kept while their line stays, so that whoever types in one goes on typing.
function lines() {
  const rows = new Map([...list.children].map((row) => [row.line, row]));
  const wanted = sale.lines.map((line) => rows.get(line) ?? row(line));
  if (wanted.length !== list.children.length || wanted.some((each, place) => each !== list.children[place])) list.replaceChildren(...wanted);
  for (const each of wanted) fill(each);
}

function row(line) {
  const named = (key) => word(key, { item: line.title });
  const quantity = el("input", { class: "form-control", inputmode: "numeric", autocomplete: "off", "aria-label": named("quantity_of"), onchange: () => setQuantity(line, quantity.value) });
  const discount = el("input", { class: "form-control", inputmode: "decimal", autocomplete: "off", placeholder: word("discount_hint"), "aria-label": named("discount_of"), hidden: true, onchange: () => setDiscount(line, discount) });
  const step = (by, sign, key) => el("button", { type: "button", class: "till-step", "aria-label": named(key), onclick: () => setQuantity(line, String(line.quantity + by)) }, sign);
  const opener = el("button", { type: "button", class: "btn btn-link p-0 small", "aria-expanded": "false", onclick: () => toggle(opener, discount), "aria-label": named("discount_of") }, word("discount"));
  const made = el("li", { class: "till-line" },
    el("div", { class: "till-line-title strong break" }, line.title),
    el("div", { class: "till-line-count" }, step(-1, "−", "one_less"), quantity, step(1, "+", "one_more")),
    el("div", { class: "till-line-what soft small" }, el("div", { "data-each": true }), opener, discount),
    el("div", { class: "number strong till-line-sum" }),
    el("button", { type: "button", class: "icon-button", "aria-label": named("remove"), onclick: () => remove(line) }, icon("close")));
  return Object.assign(made, { line, quantity, discount });
}

function fill(made) {
  const { line } = made;
  if (document.activeElement !== made.quantity) made.quantity.value = String(line.quantity);
  find("[data-each]", made).textContent = line.discount ? word("each_less", { price: text(line.price), discount: text(line.discount) }) : word("each", { price: text(line.price) });
  find(".till-line-sum", made).textContent = text(lineTotal(line));
}

function toggle(opener, field) {
  field.hidden = !field.hidden;
  opener.setAttribute("aria-expanded", String(!field.hidden));
  if (!field.hidden) field.focus();
}

function setQuantity(line, typed) {
  const clean = typed.normalize("NFKC").trim();
  const number = /^\d{1,6}$/u.test(clean) ? Number(clean) : line.quantity;
  if (number === 0) return remove(line);
  line.quantity = Math.min(number, 100_000);
  if (line.discount > line.price * line.quantity) line.discount = 0;
  change();
}

function setDiscount(line, field) {
  const off = discountOf(field.value, line);
  field.classList.toggle("is-invalid", off === null);
  field.setAttribute("aria-invalid", String(off === null));
  if (off !== null) line.discount = off;
  change();
}

function remove(line) {
  const place = sale.lines.indexOf(line);
  change({ lines: sale.lines.filter((each) => each !== line) });
  const next = list.children[Math.min(place, list.children.length - 1)];
  if (next) next.quantity.focus();
  else focusItems();
}

// What is sold: tiles of the store's price list, which narrow as one types, and a free line for what is not on it. Whoever types, or
// scans, a code and presses Enter has the item; with a price beside it, what is typed is the line.
import * as db from "./db.js";
import { el, find } from "./dom.js";
import { ask, known } from "./net.js";
import { add, amount, text } from "./sale.js";
import { word } from "./words.js";

const MOST_SHOWN = 60;
const form = find("[data-free]");
const box = find("[data-tiles]");
let items = [];

export async function setUp() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    take();
  });
  form.elements.title.addEventListener("input", draw);
  box.addEventListener("keydown", move);
  await load();
}

export const focus = () => form.elements.title.focus();

// Without a line, what the same store had last.
async function load() {
  const { store } = await known();
  try {
    ({ items } = await ask("/pos/data/items"));
    await db.write("facts", (facts) => db.done(facts.put({ store_id: store.store_id, items }, "items")));
  } catch {
    const kept = await db.get("facts", "items");
    items = kept?.store_id === store.store_id ? kept.items : [];
  }
  draw();
}

const folded = (typed) => typed.normalize("NFKC").trim().toLowerCase();

function fitting() {
  const typed = folded(form.elements.title.value);
  const code = items.filter((item) => item.sku && folded(item.sku) === typed);
  return code.length ? code : items.filter((item) => folded(item.words).includes(typed));
}

function draw() {
  box.hidden = !items.length;
  box.replaceChildren(...fitting().slice(0, MOST_SHOWN).map((item) => el("button", { type: "button", class: "tile", onclick: () => choose(item) },
    el("span", { class: "strong break" }, item.title), el("span", { class: "number small" }, text(item.price_minor)))));
}

function choose(item) {
  add(item.title, item.price_minor, quantityTyped() || 1, item.sku);
  if (!form.elements.title.value && form.elements.quantity.value === "1") return;
  form.reset();
  draw();
  focus();
}

// Arrows go from tile to tile, so that Tab leads past all of them.
function move(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(), ArrowUp: -columns() }[event.key];
  const tiles = [...box.children];
  const next = tiles[tiles.indexOf(document.activeElement) + (step ?? 0)];
  if (!step || !next) return;
  event.preventDefault();
  next.focus();
}

const columns = () => getComputedStyle(box).gridTemplateColumns.split(" ").length;

function quantityTyped() {
  const typed = form.elements.quantity.value.normalize("NFKC").trim();
  const number = /^\d{1,6}$/u.test(typed) ? Number(typed) : 0;
  return number <= 100_000 ? number : 0;
}

function take() {
  const { title, price, quantity } = form.elements;
  const problem = find("[data-problem]", form.parentElement);
  const found = !price.value.trim() && title.value.trim() ? fitting()[0] : null;
  const minor = amount(price.value.trim());
  const wrong = !quantityTyped() ? [quantity, "not_a_quantity"] : !found && (!price.value.trim() || minor === null) ? [price, "not_an_amount"] : null;
  problem.hidden = !wrong;
  if (wrong) {
    problem.textContent = word(wrong[1]);
    return wrong[0].focus();
  }
  if (found) return choose(found);
  add(title.value.trim() || word("item"), minor, quantityTyped());
  form.reset();
  draw();
  focus();
}

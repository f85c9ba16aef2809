// What is sold: tiles of the store's price list, and a free line for everything else.
import { el, find } from "./dom.js";
import { add, amount, text } from "./sale.js";
import { word } from "./words.js";

const form = find("[data-free]");

export function setUp() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    take();
  });
}

export const focusFree = () => form.elements.title.focus();

function take() {
  const { title, price, quantity } = form.elements;
  const problem = find("[data-problem]", form.parentElement);
  const minor = amount(price.value.trim());
  const number = /^\d{1,6}$/u.test(quantity.value.normalize("NFKC").trim()) ? Number(quantity.value.normalize("NFKC")) : 0;
  const wrong = !price.value.trim() || minor === null ? [price, "not_an_amount"] : number < 1 || number > 100_000 ? [quantity, "not_a_quantity"] : null;
  problem.hidden = !wrong;
  if (wrong) {
    problem.textContent = word(wrong[1]);
    return wrong[0].focus();
  }
  add(title.value.trim() || word("item"), minor, number);
  form.reset();
  title.focus();
}

export function show(items) {
  const box = find("[data-tiles]");
  box.hidden = !items.length;
  box.replaceChildren(...items.map((item) => el("button", { type: "button", class: "tile", onclick: () => add(item.title, item.price_minor, 1, item.sku) },
    el("span", { class: "strong break" }, item.title), el("span", { class: "number small" }, text(item.price_minor)))));
}

// The lines of an order: add, remove, and a total that is reckoned while one types. Amounts are BigInt minor units, as on the
// server; what is not a proper amount counts as nothing here and is refused by the server with its reason.
export function enhanceLines() {
  for (const form of document.querySelectorAll("[data-lines]")) new LineEditor(form);
}

export function toMinor(text, digits) {
  const clean = text.normalize("NFKC").trim();
  if (!/^(\d+|\d{1,3}(,\d{3})+)(\.\d+)?$/u.test(clean)) return null;
  const [whole, fraction = ""] = clean.replaceAll(",", "").split(".");
  if (fraction.length > digits) return null;
  return BigInt(whole + fraction.padEnd(digits, "0"));
}

export function toText(minor, digits, symbol) {
  const sign = minor < 0n ? "−" : "";
  const padded = String(minor < 0n ? -minor : minor).padStart(digits + 1, "0");
  const whole = padded.slice(0, padded.length - digits).replace(/\B(?=(\d{3})+$)/gu, ",");
  return `${sign}${symbol}\u00a0${whole}${digits ? `.${padded.slice(-digits)}` : ""}`;
}

class LineEditor {
  constructor(form) {
    this.form = form;
    this.body = form.querySelector("[data-line-rows]");
    this.digits = Number(form.dataset.digits);
    this.symbol = form.dataset.symbol;
    this.benefits = form.querySelector("[data-benefits]")?.dataset ?? {};
    this.prices = new Map([...form.querySelectorAll("datalist option")].reverse().map((each) => [each.value, each.dataset.price]));
    form.addEventListener("input", (event) => {
      if (event.target.matches('[name$="-title"]')) this.price(event.target);
      this.reckon();
    });
    form.addEventListener("click", (event) => this.onClick(event));
    this.body.addEventListener("keydown", (event) => this.onEnter(event));
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(form.querySelector("[data-save]"));
    });
    this.dropSpare();
    this.reckon();
  }

  // Without script the page offers a few blank lines; with it one is enough, since more are a click away.
  dropSpare() {
    const blank = [...this.body.rows].filter((row) => !this.field(row, "title").value && !this.field(row, "unit_price").value);
    const keep = blank.length === this.body.rows.length ? 1 : 0;
    for (const row of blank.slice(keep)) row.remove();
  }

  field(row, name) { return row.querySelector(`[name$="-${name}"]`); }

  // A title that is an item's brings its price, unless somebody has typed another one.
  price(title) {
    const field = this.field(title.closest("tr"), "unit_price");
    if (field.value && field.value !== field.dataset.offered) return;
    field.value = field.dataset.offered = this.prices.get(title.value.trim()) ?? "";
  }

  onClick(event) {
    const button = event.target.closest("[data-add-line], [data-remove-line]");
    if (!button) return;
    event.preventDefault();
    if (button.hasAttribute("data-add-line")) this.field(this.add(), "title").focus();
    else this.remove(button.closest("tr"));
    this.reckon();
  }

  // Enter goes on to the next line instead of sending the order half finished.
  onEnter(event) {
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey || !event.target.matches("input")) return;
    event.preventDefault();
    const row = event.target.closest("tr");
    this.field(row.nextElementSibling || this.add(), "title").focus();
    this.reckon();
  }

  add() {
    const row = this.body.rows[0].cloneNode(true);
    const number = Math.max(...[...this.body.rows].map((each) => Number(/lines-(\d+)-/u.exec(this.field(each, "title").name)[1]))) + 1;
    for (const field of row.querySelectorAll("input")) {
      field.name = field.name.replace(/lines-\d+/u, `lines-${number}`);
      field.id = field.id.replace(/lines-\d+/u, `lines-${number}`);
      field.value = field.name.endsWith("quantity") ? "1" : "";
      field.classList.remove("is-invalid");
      field.removeAttribute("aria-invalid");
      field.removeAttribute("aria-describedby");
    }
    for (const label of row.querySelectorAll("label")) label.htmlFor = label.htmlFor.replace(/lines-\d+/u, `lines-${number}`);
    for (const error of row.querySelectorAll(".invalid-feedback")) error.remove();
    this.body.append(row);
    return row;
  }

  remove(row) {
    if (this.body.rows.length === 1) this.add();
    const next = row.nextElementSibling || row.previousElementSibling;
    row.remove();
    this.field(next, "title").focus();
  }

  reckon() {
    let sum = 0n;
    for (const row of this.body.rows) {
      const price = toMinor(this.field(row, "unit_price").value || "0", this.digits);
      const quantity = /^\d+$/u.test(this.field(row, "quantity").value) ? BigInt(this.field(row, "quantity").value) : null;
      const less = toMinor(this.field(row, "discount").value || "0", this.digits) ?? 0n;
      const total = price === null || quantity === null ? null : price * quantity - less;
      row.querySelector("[data-line-sum]").textContent = total ? toText(total, this.digits, this.symbol) : "";
      sum += total ?? 0n;
    }
    const amount = (name) => toMinor(this.form.elements[name].value || "0", this.digits) ?? 0n;
    this.show("subtotal", sum);
    const level = this.level(sum - amount("discount"));
    const points = this.points();
    this.show("total", sum - amount("discount") - level - points + amount("shipping"));
  }

  // As the server does it: halves of a minor unit go up for the level, parts of one are dropped for points.
  level(goods) {
    const { percent = "0" } = this.benefits;
    const off = this.form.elements.level_discount?.checked && goods > 0n ? (2n * goods * BigInt(percent) + 100n) / 200n : 0n;
    return this.take("level", off);
  }

  points() {
    const typed = (this.form.elements.redeem_points?.value || "").normalize("NFKC").trim().replaceAll(",", "");
    const rate = BigInt(this.benefits.rate || "0");
    const used = /^\d+$/u.test(typed) && rate ? BigInt(typed) : 0n;
    return this.take("points", rate ? (used * 10n ** BigInt(this.digits)) / rate : 0n);
  }

  take(name, off) {
    const cell = this.form.querySelector(`[data-sum=${name}]`);
    if (!cell) return 0n;
    cell.closest("tr").hidden = !off;
    this.show(name, -off);
    return off;
  }

  show(name, minor) {
    this.form.querySelector(`[data-sum=${name}]`).textContent = toText(minor, this.digits, this.symbol);
  }
}

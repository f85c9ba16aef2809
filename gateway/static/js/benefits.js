// What the picked member's level and points take off the order: asked for when somebody is picked, reckoned by lines.js.
const NOBODY = "00000000-0000-0000-0000-000000000000";
const NOTHING = { percent: 0, points: 0, rate: 0, words: "" };

export function enhanceBenefits() {
  for (const box of document.querySelectorAll("[data-benefits]")) new Benefits(box);
}

class Benefits {
  constructor(box) {
    this.box = box;
    this.form = box.closest("form");
    this.asked = 0;
    this.form.addEventListener("customer", (event) => this.ask(event.detail));
  }

  async ask(customer) {
    const turn = ++this.asked;
    this.show(NOTHING);
    this.form.elements.redeem_points.value = "";
    if (!customer) return;
    try {
      const answer = await fetch(this.box.dataset.url.replace(NOBODY, encodeURIComponent(customer)), { headers: { Accept: "application/json" } });
      // The order can be taken without; an answer about somebody picked earlier must not overwrite that of a later one.
      if (answer.ok && turn === this.asked) this.show(await answer.json());
    } catch {
      // Nobody can say right now.
    }
  }

  show(found) {
    for (const name of ["percent", "points", "rate"]) this.box.dataset[name] = String(found[name]);
    this.box.querySelector("[data-level]").hidden = !found.percent;
    this.box.querySelector("[data-redeem]").hidden = !(found.points && found.rate);
    this.form.querySelector("[data-benefits-words]").textContent = found.words;
    this.form.dispatchEvent(new Event("input"));
  }
}

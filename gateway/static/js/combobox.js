// Customer search as an ARIA combobox: arrows move, Enter picks, Escape closes. Picking either fills the form that it
// stands in (an order's customer box) or goes to a page (the merge wizard's "add member").
const PAUSE_MS = 150;

export function enhanceComboboxes() {
  for (const root of document.querySelectorAll("[data-combobox]")) new Combobox(root);
}

class Combobox {
  constructor(root) {
    this.root = root;
    this.input = root.querySelector("input[role=combobox]");
    this.list = root.querySelector("[role=listbox]");
    this.status = root.querySelector("[role=status]");
    this.form = this.input.form;
    this.at = -1;
    this.asked = 0;
    root.querySelector("[data-without-script]")?.remove();
    this.input.addEventListener("input", () => this.schedule());
    this.input.addEventListener("keydown", (event) => this.onKey(event));
    this.input.addEventListener("focus", () => { if (this.input.value && this.list.hidden) this.schedule(); });
    root.addEventListener("focusout", (event) => { if (!root.contains(event.relatedTarget)) this.close(); });
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => this.pick(event.target.closest("[role=option]")));
    if (this.form) new CustomerBox(this.form, this);
  }

  schedule() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.search(), PAUSE_MS);
  }

  async search() {
    const query = this.input.value.trim();
    const turn = ++this.asked;
    if (!query) return this.close();
    let found = [];
    try {
      const answer = await fetch(this.root.dataset.url + encodeURIComponent(query), { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      found = (await answer.json()).customers;
    } catch {
      if (turn === this.asked) {
        this.show(query, []);
        this.say(this.root.dataset.failed, true);
      }
      return;
    }
    // An answer to an earlier question must not overwrite that of a later one.
    if (turn === this.asked) this.show(query, found);
  }

  show(query, found) {
    const left = new Set((this.root.dataset.without || "").split(" "));
    const options = found.filter((customer) => !left.has(customer.id)).map((customer) => this.option(customer));
    if (this.root.dataset.create) options.push(this.createOption(query));
    options.forEach((option, index) => { option.id = `${this.list.id}-${index}`; });
    this.list.replaceChildren(...options);
    this.list.hidden = options.length === 0;
    this.input.setAttribute("aria-expanded", String(options.length > 0));
    this.move(options.length && found.length ? 0 : -1);
    if (found.length) this.say(this.root.dataset.found.replace("%n", String(found.length)));
    else this.say(this.root.dataset.none, true);
  }

  option(customer) {
    const option = element("li", "option", "");
    option.setAttribute("role", "option");
    option.customer = customer;
    option.append(element("span", "strong", customer.name || customer.phone_text || customer.email));
    for (const text of [customer.phone_text, customer.email, customer.status_text]) {
      if (text) option.append(element("span", "soft small", text));
    }
    return option;
  }

  createOption(query) {
    const option = element("li", "option create", this.root.dataset.create.replace("%s", query));
    option.setAttribute("role", "option");
    option.create = query;
    return option;
  }

  onKey(event) {
    const count = this.list.hidden ? 0 : this.list.children.length;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!count) return this.schedule();
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.move((this.at + step + count) % count);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (count) this.pick(this.list.children[this.at < 0 ? count - 1 : this.at]);
      else this.search();
    } else if (event.key === "Escape" && count) {
      event.stopPropagation();
      this.close();
    }
  }

  move(to) {
    this.at = to;
    [...this.list.children].forEach((option, index) => option.setAttribute("aria-selected", String(index === to)));
    const current = this.list.children[to];
    if (current) {
      this.input.setAttribute("aria-activedescendant", current.id);
      current.scrollIntoView({ block: "nearest" });
    } else this.input.removeAttribute("aria-activedescendant");
  }

  pick(option) {
    if (!option) return;
    this.close();
    if (option.create !== undefined) this.root.dispatchEvent(new CustomEvent("create", { detail: option.create }));
    else if (this.root.dataset.go) location.assign(this.root.dataset.go.replace("CUSTOMER", encodeURIComponent(option.customer.id)));
    else this.root.dispatchEvent(new CustomEvent("pick", { detail: option.customer }));
  }

  close() {
    clearTimeout(this.timer);
    this.asked += 1;
    this.list.hidden = true;
    this.say("");
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  // What the list itself shows is only read out; what it cannot show is there to be seen as well.
  say(text, seen = false) {
    this.status.textContent = text;
    this.status.classList.toggle("visually-hidden", !seen);
  }
}

// The three faces of an order's customer box: searching, an existing customer picked, a new one being typed.
class CustomerBox {
  constructor(form, combobox) {
    this.form = form;
    this.faces = Object.fromEntries([...form.querySelectorAll("[data-face]")].map((face) => [face.dataset.face, face]));
    if (!this.faces.search) return;
    combobox.root.addEventListener("pick", (event) => this.pick(event.detail));
    combobox.root.addEventListener("create", (event) => this.create(event.detail));
    for (const button of form.querySelectorAll("[data-change-customer]")) {
      button.addEventListener("click", (event) => {
        event.preventDefault();
        this.show("search");
        combobox.input.focus();
        combobox.input.select();
      });
    }
    form.querySelector("[data-create-customer]")?.addEventListener("click", (event) => {
      event.preventDefault();
      this.create(combobox.input.value.trim());
    });
  }

  show(face, guest = false) {
    this.form.elements.customer_mode.value = face;
    this.form.querySelector("[data-member-switch]").hidden = face !== "new" && !guest;
    for (const [name, box] of Object.entries(this.faces)) box.hidden = name !== face;
    this.form.dispatchEvent(new CustomEvent("customer", { detail: face === "picked" ? this.form.elements.customer_id.value : "" }));
  }

  pick(customer) {
    this.form.elements.customer_id.value = customer.id;
    const card = this.faces.picked;
    card.querySelector("[data-name]").textContent = customer.name || customer.phone_text || customer.email;
    card.querySelector("[data-detail]").textContent = [customer.phone_text, customer.email].filter(Boolean).join(" · ");
    card.querySelector("[data-status]").textContent = customer.status_text;
    this.show("picked", customer.guest);
    card.querySelector("[data-change-customer]").focus();
  }

  create(typed) {
    const kind = typed.includes("@") ? "email" : /^[\d+()\s-]{5,}$/u.test(typed.normalize("NFKC")) ? "phone" : "name";
    const fields = ["name", "phone", "email"].map((name) => this.form.elements[name]);
    if (typed) this.form.elements[kind].value = typed;
    this.show("new");
    (fields.find((field) => !field.value) || fields[0]).focus();
  }
}

function element(name, classes, text) {
  const made = document.createElement(name);
  made.className = classes;
  if (text) made.textContent = text;
  return made;
}

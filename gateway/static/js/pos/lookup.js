// The customer's field: from four digits, or a part of a name, the list narrows as one types; arrows move, Enter picks, Escape closes. Without a
// line it knows who was shown lately, and always takes the phone as typed: the server finds its member, or makes one, once it is asked.
import { el, find } from "./dom.js";
import { Unreachable, ask, line } from "./net.js";
import { recent } from "./people.js";
import { count, word } from "./words.js";

const PAUSE_MS = 80;
const FEWEST_DIGITS = 4;

export class Lookup {
  constructor(root, { onPick, onNew }) {
    Object.assign(this, { root, onPick, onNew, at: -1, asked: 0 });
    this.input = find("input", root);
    this.list = find("[role=listbox]", root);
    this.status = find("[role=status]", root);
    this.input.addEventListener("input", () => this.schedule());
    this.input.addEventListener("keydown", (event) => this.onKey(event));
    root.addEventListener("focusout", (event) => { if (!root.contains(event.relatedTarget)) this.close(); });
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => this.pick(event.target.closest("[role=option]")));
  }

  schedule() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.search(), PAUSE_MS);
  }

  async search() {
    const query = this.input.value.trim();
    const turn = ++this.asked;
    const digits = digitsOf(query);
    if (!query || (digits && digits.length < FEWEST_DIGITS)) return this.close(query ? word("more_digits") : "");
    const found = await this.find(query);
    // An answer to an earlier question must not overwrite that of a later one.
    if (turn === this.asked) this.show(query, found);
  }

  async find(query) {
    if (line.state !== "down") {
      try {
        return (await ask(`/pos/data/members?q=${encodeURIComponent(query)}`)).items;
      } catch (error) {
        if (!(error instanceof Unreachable)) return [];
      }
    }
    return (await recent(query)).map((person) => ({ ...person, recent: true, phone_text: `…${person.tail}` }));
  }

  show(query, found) {
    const options = found.map((person) => personOption(person));
    options.push(newOption(query));
    options.forEach((option, index) => { option.id = `${this.list.id}-${index}`; });
    this.list.replaceChildren(...options);
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.move(0);
    this.say(found.length ? count("found", found.length) : line.state === "down" ? word("nobody_recent") : word("nobody"), !found.length);
  }

  onKey(event) {
    const options = this.list.hidden ? 0 : this.list.children.length;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!options) return this.schedule();
      this.move((this.at + (event.key === "ArrowDown" ? 1 : -1) + options) % options);
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      if (options) this.pick(this.list.children[this.at]);
      else this.search();
    } else if (event.key === "Escape" && options) {
      event.stopPropagation();
      this.close();
    }
  }

  move(to) {
    this.at = to;
    [...this.list.children].forEach((option, index) => option.setAttribute("aria-selected", String(index === to)));
    this.input.setAttribute("aria-activedescendant", this.list.children[to].id);
    this.list.children[to].scrollIntoView({ block: "nearest" });
  }

  pick(option) {
    if (!option) return;
    this.input.value = "";
    this.close();
    if (option.person) this.onPick(option.person);
    else this.onNew(option.typed);
  }

  close(said = "") {
    clearTimeout(this.timer);
    this.asked += 1;
    this.list.hidden = true;
    this.list.replaceChildren();
    this.say(said, true);
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  say(text, seen) {
    this.status.textContent = text;
    this.status.classList.toggle("visually-hidden", !seen);
  }
}

// The digits of what looks like a phone, in whatever writing; empty for anything else.
export function digitsOf(typed) {
  const plain = typed.normalize("NFKC");
  return /^[\d\s()+.-]+$/u.test(plain) ? plain.replace(/\D/gu, "") : "";
}

function personOption(person) {
  const about = [person.phone_text, person.level || person.status_text, person.guest || person.recent ? "" : count("points", person.points.toLocaleString("en"))];
  const option = el("li", { class: "option", role: "option" },
    el("span", { class: "strong break" }, person.name || person.phone_text || person.email),
    about.filter(Boolean).map((each) => el("span", { class: "soft small" }, each)));
  return Object.assign(option, { person });
}

function newOption(typed) {
  const key = digitsOf(typed) && line.state === "down" ? "use_phone" : "create";
  return Object.assign(el("li", { class: "option create", role: "option" }, word(key, { typed })), { typed });
}

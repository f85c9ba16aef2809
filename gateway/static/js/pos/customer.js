// Who buys: nobody in particular, somebody found, or somebody new. Editing and deleting open the console's own forms in this window (sheet.js).
import { badge, el, find, icon } from "./dom.js";
import { Lookup, digitsOf } from "./lookup.js";
import { ask, known, line } from "./net.js";
import { drop, remember } from "./people.js";
import { change, sale } from "./sale.js";
import { openSheet } from "./sheet.js";
import { word } from "./words.js";

const faces = {};
let lookup;

export function setUp() {
  for (const face of document.querySelectorAll("[data-face]")) faces[face.dataset.face] = face;
  lookup = new Lookup(find("[data-lookup]"), { onPick: pick, onNew: create });
  find("[data-new-customer]").addEventListener("click", () => create(lookup.input.value.trim()));
  faces.new.addEventListener("submit", (event) => { event.preventDefault(); take(); });
  find("[data-cancel-new]").addEventListener("click", () => release());
  sale.addEventListener("change", draw);
  line.addEventListener("change", draw);
  draw();
}

export function focus() {
  if (sale.customer || !faces.new.hidden) release();
  lookup.input.focus();
}

function face(name) {
  for (const [each, box] of Object.entries(faces)) box.hidden = each !== name;
}

function release() {
  faces.new.reset();
  change({ customer: null, redeem: "" });
  face("search");
  lookup.input.focus();
}

async function pick(person) {
  // Seen at once; what takes another question comes a moment later.
  const benefits = { percent: person.percent ?? 0, level: person.level, points: 0, rate: 0, words: "" };
  change({ customer: { ...person, benefits, orders: [], notes: [], tags: [], partial: true }, redeem: "" });
  find("[data-change-customer]")?.focus();
  await load(person.id);
}

async function load(id) {
  try {
    const found = await ask(`/pos/data/members/${id}`);
    if (sale.customer?.id !== id) return;
    // Whoever was deleted in this window is no customer any more.
    change({ customer: found.live ? { ...found, join: found.guest && (sale.customer.join ?? true) } : null });
    await (found.live ? remember(found) : drop(id));
  } catch {
    if (sale.customer?.id === id) change({ customer: { ...sale.customer, partial: true } });
  }
}

function create(typed) {
  // Without a line the phone is enough: one key press, and the sale goes on.
  if (digitsOf(typed) && line.state === "down") return change({ customer: { contact: { name: "", phone: typed, email: "" }, join: true } });
  change({ customer: null });
  face("new");
  const fields = faces.new.elements;
  const kind = typed.includes("@") ? "email" : digitsOf(typed).length >= 4 ? "phone" : "name";
  if (typed) fields[kind].value = typed;
  (["phone", "name"].map((name) => fields[name]).find((field) => !field.value) ?? fields.email).focus();
}

function take() {
  const { name, phone, email, join } = faces.new.elements;
  const contact = { name: name.value.trim(), phone: phone.value.trim(), email: email.value.trim() };
  const missing = join.checked ? !contact.phone && !contact.email : !contact.name && !contact.phone && !contact.email;
  const problem = find("[data-problem]", faces.new);
  problem.hidden = !missing;
  if (missing) return phone.focus();
  change({ customer: { contact, join: join.checked } });
  faces.new.reset();
  find("[data-change-customer]").focus();
}

function edit(contact, join) {
  change({ customer: null });
  face("new");
  for (const [name, value] of Object.entries(contact)) faces.new.elements[name].value = value;
  faces.new.elements.join.checked = join;
  faces.new.elements.phone.focus();
}

function draw() {
  const { customer } = sale;
  if (!customer) {
    if (!faces.picked.hidden) face("search");
    return;
  }
  const held = faces.picked.contains(document.activeElement);
  faces.picked.replaceChildren(...(customer.id ? member(customer) : stranger(customer)));
  face("picked");
  if (held) find("[data-change-customer]").focus();
}

const changeButton = () => el("button", { type: "button", class: "btn btn-outline", "data-change-customer": true, onclick: release }, word("change"));

function stranger({ contact, join }) {
  return [
    el("div", { class: "picked-card" }, icon("person"),
      el("div", { class: "grow" }, el("div", { class: "strong break" }, contact.name || contact.phone || contact.email),
        el("div", { class: "soft small break" }, [contact.name && contact.phone, contact.email].filter(Boolean).join(" · ")),
        el("div", { class: "small" }, word(join ? "will_join" : "stays_guest"))),
      el("button", { type: "button", class: "btn btn-outline", onclick: () => edit(contact, join) }, word("edit")), changeButton()),
  ];
}

function member(customer) {
  const name = customer.name || customer.phone_text || customer.email;
  const { benefits } = customer;
  return [
    el("div", { class: "picked-card" }, icon("person"),
      el("div", { class: "grow" },
        el("div", { class: "strong break" }, name, " ", benefits.level ? badge(benefits.level, "good") : customer.status_text ? badge(customer.status_text) : null),
        el("div", { class: "soft small break" }, [customer.phone_text, customer.email].filter(Boolean).join(" · ")),
        customer.birthday_month ? el("div", { class: "till-birthday small" }, word("birthday_month")) : null),
      el("div", { class: "till-points" }, customer.recent && customer.partial ? null : [el("span", { class: "points strong" }, (benefits.points || customer.points || 0).toLocaleString("en")), " ", el("span", { class: "soft small" }, word("points_label"))]),
      changeButton()),
    customer.partial && line.state === "down" ? el("p", { class: "small soft mt-2 mb-0" }, word("offline_member")) : null,
    more(customer),
  ].filter(Boolean);
}

function more(customer) {
  if (customer.partial) return null;
  return el("div", { class: "till-about" },
    customer.guest ? joinSwitch(customer) : null,
    customer.tags.length ? el("div", { class: "chips" }, customer.tags.map((tag) => el("span", { class: "chip" }, tag))) : null,
    customer.notes.map((note) => el("p", { class: "till-note break lines" }, note)),
    customer.orders.length ? el("ul", { class: "till-orders", "aria-label": word("last_orders") }, customer.orders.map((order) => el("li", {}, el("a", { href: `#receipt=${order.order_id}`, class: "quiet" }, `#${order.number}`), el("span", { class: "soft small" }, order.day), badge(order.status_text, order.tone), el("span", { class: "number" }, order.total_text)))) : null,
    actions(customer));
}

function joinSwitch(customer) {
  const box = el("input", { type: "checkbox", class: "form-check-input", id: "join-guest", role: "switch", onchange: () => change({ customer: { ...customer, join: box.checked } }) });
  box.checked = customer.join;
  return el("div", { class: "form-check form-switch" }, box, el("label", { class: "form-check-label", for: "join-guest" }, word("add_as_member")));
}

function actions(customer) {
  const box = el("div", { class: "till-actions" });
  const open = (path) => openSheet(`/console/members/${customer.id}/${path}`, () => load(customer.id));
  known().then((session) => {
    if (!session?.may_edit || line.state === "down") return;
    box.append(el("button", { type: "button", class: "btn btn-outline", onclick: () => open("edit") }, word("edit_customer")));
    if (customer.deletable) box.append(el("button", { type: "button", class: "btn btn-link", onclick: () => open("delete") }, word("delete_customer")));
    else box.append(el("span", { class: "small soft" }, word("not_deletable")));
  });
  return box;
}


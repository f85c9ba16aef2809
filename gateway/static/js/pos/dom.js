// Small helpers for building parts of the page. Text is always set as text, never as HTML.
export const find = (selector, root = document) => root.querySelector(selector);

export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, String(value));
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return made;
}

// Icons stand in the page as templates, drawn by the server.
export function icon(name) {
  return find(`template[data-icon="${name}"]`).content.firstElementChild.cloneNode(true);
}

export function badge(text, tone = "") {
  return el("span", { class: `badge-of ${tone}` }, text);
}

// A sentence about what was just done; it goes by itself.
const SAID_MS = 8_000;
let silence = 0;

export function say(sentence) {
  const said = find("[data-said]");
  clearTimeout(silence);
  said.textContent = sentence;
  silence = setTimeout(() => { said.textContent = ""; }, SAID_MS);
}

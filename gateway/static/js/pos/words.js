// The sentences of the page's language, which the server wrote into it; {n} and the like are filled in here.
import { find } from "./dom.js";

const sentences = JSON.parse(find("[data-words]").dataset.words);

export function word(key, parameters = {}) {
  return Object.entries(parameters).reduce((text, [name, value]) => text.replace(`{${name}}`, String(value)), sentences[key] ?? key);
}

export function count(key, n) {
  return word(n === 1 ? `${key}_one` : `${key}_many`, { n });
}

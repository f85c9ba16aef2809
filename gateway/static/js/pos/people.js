// Members shown lately, for the time without a line: who they are, the end of the phone, the level. Not more, not many, not for
// long; gone when somebody logs out (forget.js) or after twelve hours.
import * as db from "./db.js";
import { known } from "./net.js";

const MOST = 200;
const HOURS_MS = 12 * 3_600_000;

export async function remember(member) {
  const session = await known();
  const seen = {
    id: member.id, name: member.name, tail: member.phone_tail, guest: member.guest, level: member.benefits.level, percent: member.benefits.percent,
    store_id: session.store.store_id, at: Date.now(),
  };
  await db.write("people", (people) => db.done(people.put(seen)));
  await tidy();
}

// By the end of the phone or a part of the name; what is typed may be the whole number.
export async function recent(query) {
  const session = await known();
  const typed = query.normalize("NFKC").toLowerCase();
  const digits = typed.replace(/\D/gu, "");
  const fits = (person) => (digits.length >= 4 ? person.tail.length > 0 && digits.endsWith(person.tail) : person.name.toLowerCase().includes(typed));
  const found = (await db.all("people")).filter((person) => person.store_id === session?.store.store_id && fresh(person) && fits(person));
  return found.sort((a, b) => b.at - a.at).slice(0, 8);
}

const fresh = (person) => Date.now() - person.at < HOURS_MS;

export async function tidy() {
  const people = (await db.all("people")).sort((a, b) => b.at - a.at);
  const gone = people.filter((person, index) => index >= MOST || !fresh(person));
  if (gone.length) await db.write("people", (kept) => { for (const person of gone) kept.delete(person.id); });
}

export const drop = (id) => db.write("people", (people) => db.done(people.delete(id)));
export const forget = () => db.write("people", (people) => db.done(people.clear()));

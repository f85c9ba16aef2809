// Sales are put down on the device first, with key, time and receipt number, and then sent: at once when there is a line, else again and
// again. The server knows a sale by its key, so sending it twice, from two tabs or after a reload, makes one order (E7, E8).
import * as db from "./db.js";
import { Refused, Unreachable, known, line, now, renew, send } from "./net.js";
import { word } from "./words.js";

const LOCK = "onefold-pos-queue";
const FIRST_MS = 2_000;
const LONGEST_MS = 60_000;
// No letters that are taken for digits when they are read out.
const LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789";
export const queue = new EventTarget();
const tabs = "BroadcastChannel" in window ? new BroadcastChannel(LOCK) : null;
let pause = FIRST_MS;
let timer = 0;

function changed(outcome = null) {
  queue.dispatchEvent(new CustomEvent("change", { detail: outcome }));
  tabs?.postMessage("changed");
}

export async function sales() {
  const session = await known();
  const found = await db.all("sales");
  return found.map((sale) => ({ ...sale, elsewhere: sale.store_id !== session?.store.store_id })).sort((a, b) => a.place - b.place);
}

// A sale that is mended keeps its key, time and number: whatever became of it before, it is one order.
export async function put(body, shown, mended = null) {
  const { store } = await known();
  const sale = await db.write(["facts", "sales"], async (facts, kept) => {
    const till = (await db.done(facts.get("till"))) ?? { name: name(), next: 1 };
    const made = mended
      ? { ...mended, state: "waiting", reason: "" }
      : { key: crypto.randomUUID(), place: till.next, receipt: `${till.name}-${String(till.next).padStart(4, "0")}`, taken_at: now().toISOString(), store_id: store.store_id, state: "waiting", reason: "" };
    if (!mended) facts.put({ ...till, next: till.next + 1 }, "till");
    Object.assign(made, { shown, body: { ...body, receipt: made.receipt, taken_at: made.taken_at, currency: store.currency, store_id: made.store_id } });
    kept.put(made);
    return made;
  });
  changed();
  return sale;
}

function name() {
  return [...crypto.getRandomValues(new Uint8Array(4))].map((byte) => LETTERS[byte % LETTERS.length]).join("");
}

export async function discard(key) {
  await db.write("sales", (kept) => db.done(kept.delete(key)));
  changed({ key, discarded: true });
}

export async function again(sale) {
  await mark(sale.key, { state: "waiting", reason: "" });
  changed();
  return replay();
}

async function mark(key, change) {
  await db.write("sales", async (kept) => {
    const sale = await db.done(kept.get(key));
    if (sale) kept.put({ ...sale, ...change });
  });
}

// One tab at a time sends; a browser without locks sends from each, which costs requests and nothing else.
export function replay() {
  clearTimeout(timer);
  const run = () => pass().catch(() => later());
  return navigator.locks ? navigator.locks.request(LOCK, run) : run();
}

async function pass() {
  const waiting = (await sales()).filter((sale) => sale.state === "waiting" && !sale.elsewhere);
  for (const sale of waiting) {
    try {
      const order = await send("/pos/data/sales", sale.body, sale.key);
      await db.write("sales", (kept) => db.done(kept.delete(sale.key)));
      pause = FIRST_MS;
      changed({ key: sale.key, order });
    } catch (error) {
      // Somebody has logged in to another store, in another tab: the sale stays where it is, and the list will say so.
      if (error.problem?.reason === "sale_of_other_store") {
        await renew();
        changed();
      } else if (!(error instanceof Refused) || error.status === 401) return unsent(sale, waiting, error);
      else await refuse(sale, error.message);
    }
  }
}

async function refuse(sale, reason) {
  await mark(sale.key, { state: "refused", reason });
  changed({ key: sale.key, refused: reason });
}

// Points are held by the server alone, so a sale with points cannot wait: a person decides what becomes of it.
async function unsent(sale, waiting, error) {
  if (!(error instanceof Unreachable) && !(error instanceof Refused)) throw error;
  if (sale.body.redeem_points && error instanceof Unreachable) {
    await refuse(sale, word("points_need_line"));
    timer = setTimeout(replay, 0);
    return;
  }
  later();
  for (const each of waiting.slice(waiting.indexOf(sale))) changed({ key: each.key, waits: true });
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(replay, pause * (0.75 + Math.random() / 2));
  pause = Math.min(pause * 2, LONGEST_MS);
}

export function watch() {
  line.addEventListener("change", () => {
    if (line.state !== "up") return;
    pause = FIRST_MS;
    replay();
  });
  tabs?.addEventListener("message", () => queue.dispatchEvent(new CustomEvent("change", { detail: null })));
  replay();
}

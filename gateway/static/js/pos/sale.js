// The sale at the counter: its lines, its customer, and what they come to. Amounts are whole minor units.
import { toMinor, toText } from "../lines.js";

let money = { digits: 2, symbol: "", currency: "" };
export const sale = Object.assign(new EventTarget(), { lines: [], customer: null, level: true, redeem: "", note: "", mended: null });

export const useStore = (store) => { money = store; };
export const text = (minor) => toText(BigInt(minor), money.digits, money.symbol);

export function change(values = {}) {
  Object.assign(sale, values);
  sale.dispatchEvent(new Event("change"));
}

export const clear = () => change({ lines: [], customer: null, level: true, redeem: "", note: "", mended: null });

export function add(title, price, quantity = 1, sku = "") {
  const same = sale.lines.find((line) => line.title === title && line.price === price && line.sku === sku && !line.discount);
  if (same) same.quantity += quantity;
  else sale.lines.push({ title, price, quantity, sku, discount: 0 });
  change();
  return same ?? sale.lines.at(-1);
}

// An amount as typed, or null where it is none.
export function amount(typed) {
  const minor = toMinor(typed || "0", money.digits);
  return minor === null || minor > 10n ** 12n ? null : Number(minor);
}

// "5" is an amount, "10%" that part of the line; null where it is neither or more than the line.
export function discountOf(typed, line) {
  const whole = line.price * line.quantity;
  const percent = /^(\d{1,3}(?:\.\d)?)\s*[%％]$/u.exec(typed.normalize("NFKC").trim());
  const off = percent ? Math.round((whole * Number(percent[1])) / 100) : amount(typed);
  return off === null || off > whole ? null : off;
}

export const lineTotal = (line) => line.price * line.quantity - line.discount;

// As the server reckons: halves of a minor unit go up for the level, parts of one are dropped for points.
export function sums() {
  const goods = sale.lines.reduce((sum, line) => sum + lineTotal(line), 0);
  const { percent = 0, points = 0, rate = 0 } = sale.customer?.benefits ?? {};
  const level = sale.level && percent ? Math.floor((2 * goods * percent + 100) / 200) : 0;
  const typed = sale.redeem.normalize("NFKC").trim().replaceAll(",", "");
  const redeemed = /^\d{1,12}$/u.test(typed) ? Number(typed) : 0;
  const worth = (number) => (rate ? Math.floor((number * 10 ** money.digits) / rate) : 0);
  const usable = rate ? Math.min(points, Math.ceil(((goods - level) * rate) / 10 ** money.digits)) : 0;
  const paid = worth(redeemed);
  return { goods, level, redeemed, paid, usable: worth(usable) > goods - level ? usable - 1 : usable, total: goods - level - paid };
}

// The sale for the server (gateway/pos/sales.py).
export function body(payment) {
  const { level, redeemed } = sums();
  const { customer } = sale;
  return {
    ...payment,
    ...(customer?.id ? { customer_id: customer.id } : {}),
    ...(customer?.contact ? { contact: customer.contact } : {}),
    add_as_member: Boolean(customer?.join),
    lines: sale.lines.map(({ title, sku, quantity, price, discount }) => ({ title, sku, quantity, unit_price_minor: price, discount_minor: discount })),
    level_discount_minor: level,
    level_name: level ? customer.benefits.level : "",
    redeem_points: redeemed,
    note: sale.note,
  };
}

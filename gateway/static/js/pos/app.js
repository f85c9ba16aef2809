// The till: puts the parts together. The order of things is that of the page.
import { find, say } from "./dom.js";
import * as customer from "./customer.js";
import * as keys from "./keys.js";
import * as net from "./net.js";
import * as pay from "./pay.js";
import * as people from "./people.js";
import * as queue from "./queue.js";
import * as receipt from "./receipt.js";
import * as saleOf from "./sale.js";
import * as ticket from "./ticket.js";
import * as tiles from "./tiles.js";
import * as waiting from "./waiting.js";
import { word } from "./words.js";

const till = find("[data-till]");

function placed(sale) {
  receipt.show(sale);
  queue.replay();
}

async function logOut(event) {
  event.preventDefault();
  const kept = await queue.sales();
  if (kept.length && !till.dataset.sureToLeave) {
    till.dataset.sureToLeave = "yes";
    say(word("log_out_waiting"));
    return;
  }
  await people.forget();
  const token = find("[name=csrf_token]", event.target);
  token.value = net.csrf() || token.value;
  event.target.submit();
}

function stop(key) {
  find("[data-banner-words]").textContent = word(key);
  find("[data-banner]").hidden = false;
}

async function start() {
  const session = (await net.renew().catch(() => null)) ?? (await net.known());
  if (!session) return stop("open_once");
  saleOf.useStore(session.store);
  find("[data-store]").textContent = session.store.name;
  find("[data-staff]").textContent = session.staff.name;
  find("[data-log-out]").addEventListener("submit", logOut);
  customer.setUp();
  await tiles.setUp();
  ticket.setUp();
  pay.setUp(placed);
  receipt.setUp(waiting.mend);
  waiting.setUp();
  const help = find("#help-dialog");
  keys.setUp({ F1: () => help.showModal(), F2: customer.focus, F4: tiles.focus, F8: ticket.focusLines, F9: pay.open });
  await people.tidy();
  net.watch();
  queue.watch();
  till.dataset.ready = "yes";
  customer.focus();
  // So that the browser does not make room by throwing waiting sales away.
  navigator.storage?.persist?.();
}

navigator.serviceWorker?.register("/pos/sw.js", { scope: "/pos/" }).catch(() => null);
start().catch((error) => {
  stop("cannot_keep");
  throw error;
});

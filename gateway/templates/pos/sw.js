// The till without a line: keeps the page and its files, nothing else, and never an answer about people or orders. Its text changes with any
// of the files (gateway/pos/assets.py), which is how the browser notices that there is a new one.
const VERSION = "{{ version }}";
const CACHE = `onefold-pos-${VERSION}`;
const PAGE = "/pos/";
const FILES = {{ assets|safe }};
// A line that hangs is no line.
const PATIENCE_MS = 4000;
// Set when the page that came is of another version than the files kept: then these are asked for anew, until the next worker is there.
let outdated = false;

self.addEventListener("install", (event) => {
  event.waitUntil(fill().then(() => self.skipWaiting()));
});

async function fill() {
  const cache = await caches.open(CACHE);
  // Past the browser's own cache, which may hold files of the version before.
  await cache.addAll(FILES.map((file) => new Request(file, { cache: "reload" })));
  // The page that registered this worker came before it.
  const answer = await fetch(PAGE).catch(() => null);
  if (answer?.ok && !answer.redirected) await cache.put(PAGE, answer);
}

self.addEventListener("activate", (event) => {
  event.waitUntil(tidy().then(() => self.clients.claim()));
});

async function tidy() {
  for (const name of await caches.keys()) {
    if (!name.startsWith("onefold-pos-") || name === CACHE) continue;
    // The page was kept as it was last seen, in the reader's language; the next load brings a newer one.
    const page = await (await caches.open(name)).match(PAGE);
    if (page && !(await (await caches.open(CACHE)).match(PAGE))) await (await caches.open(CACHE)).put(PAGE, page);
    await caches.delete(name);
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate" && pathname === PAGE) event.respondWith(page(request));
  else if (FILES.includes(pathname)) event.respondWith(file(request));
});

async function page(request) {
  const cache = await caches.open(CACHE);
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    // The way to the log-in page, and what a proxy says of a server that is away, are not the till.
    if (answer.status >= 500) throw new Error(String(answer.status));
    if (answer.ok && !answer.redirected) {
      outdated = answer.headers.get("{{ header }}") !== VERSION;
      if (outdated) self.registration.update();
      await cache.put(PAGE, answer.clone());
    }
    return answer;
  } catch {
    return (await cache.match(PAGE)) ?? Response.error();
  }
}

async function file(request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request, { ignoreSearch: true });
  if (kept && !outdated) return kept;
  try {
    return await fetch(request, { cache: "no-cache" });
  } catch {
    return kept ?? Response.error();
  }
}

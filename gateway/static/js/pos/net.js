// Requests to our own server, and what they tell of the line: "up", "down", or "login" when the session has ended.
import * as db from "./db.js";

const PATIENCE_MS = 12_000;
// A form token is good for twelve hours; ours is renewed long before.
const TOKEN_MS = 3_600_000;
const PROBE_MS = 10_000;
export const line = Object.assign(new EventTarget(), { state: "up" });
let token = { value: "", at: 0 };
let session = null;

export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? String(status));
    Object.assign(this, { status, problem });
  }
}
export class Unreachable extends Error {}

function tell(state) {
  if (line.state === state) return;
  line.state = state;
  line.dispatchEvent(new Event("change"));
}

async function request(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { signal: AbortSignal.timeout(PATIENCE_MS), redirect: "error", ...options });
  } catch {
    tell("down");
    throw new Unreachable();
  }
  tell(answer.status === 401 ? "login" : "up");
  if (answer.ok) return answer.json();
  const problem = await answer.json().catch(() => ({}));
  // What a server or a proxy cannot do now, it may do in a moment.
  if (answer.status >= 500 || answer.status === 429 || answer.status === 408) throw new Unreachable(problem.detail);
  throw new Refused(answer.status, problem);
}

export const ask = (path) => request(path, { headers: { Accept: "application/json" } });

export async function send(path, body, key) {
  const post = async () => request(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": key, "X-CSRFToken": await freshToken() },
    body: JSON.stringify(body),
  });
  try {
    return await post();
  } catch (error) {
    if (error.problem?.reason !== "form_expired") throw error;
    token.at = 0;
    return post();
  }
}

async function freshToken() {
  if (Date.now() - token.at > TOKEN_MS) await renew();
  return token.value;
}

// Asks who is logged in. What the till must know without a line is kept: the store, and by how much the clock is wrong.
export async function renew() {
  const found = await ask("/pos/data/session");
  token = { value: found.csrf_token, at: Date.now() };
  session = { store: found.store, staff: found.staff, may_edit: found.may_edit, behind_ms: Date.parse(found.now) - Date.now() };
  await db.write("facts", (facts) => db.done(facts.put(session, "session")));
  return session;
}

export async function known() {
  session ??= (await db.get("facts", "session")) ?? null;
  return session;
}

export const csrf = () => token.value;
export const now = () => new Date(Date.now() + (session?.behind_ms ?? 0));

async function probe() {
  if (line.state !== "up") await renew().catch(() => null);
}

export function watch() {
  window.addEventListener("online", probe);
  window.addEventListener("offline", () => tell("down"));
  document.addEventListener("visibilitychange", () => { if (!document.hidden) probe(); });
  setInterval(probe, PROBE_MS);
}

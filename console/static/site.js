// The page for the staff at a site. What could not be sent is kept on the phone and sent later, in
// its order. Each act has a key and its age when it is sent, so the phone's clock may be wrong.
"use strict";

const page = document.body.dataset;
const place = `todoke.site.${page.token}`;
const line = document.getElementById("line");
const form = document.querySelector("form");
const WAITS = [2, 5, 10, 20, 30];
let said = {
  state: page.state,
  heads: page.heads === "" ? null : Number(page.heads),
  offers: page.offers ? page.offers.split(",") : [],
};
let memory = [];
let keeps = true;
let sending = false;
let failures = 0;
let timer = 0;
let over = "";

function kept() {
  if (!keeps) return memory;
  try {
    const found = JSON.parse(localStorage.getItem(place) || "[]");
    return Array.isArray(found) ? found : [];
  } catch {
    return memory;
  }
}

function keep(acts) {
  memory = acts;
  if (!keeps) return;
  try {
    localStorage.setItem(place, JSON.stringify(acts));
  } catch {
    keeps = false;
  }
}

function key() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// The state as it will be when all is sent.
function expected() {
  const now = { state: said.state, heads: said.heads, offers: new Set(said.offers) };
  for (const act of kept()) {
    if (act.kind === "state") {
      now.state = act.value;
      if (act.value === "closed") now.heads = null;
    } else if (act.kind === "heads") now.heads = Number(act.value);
    else if (act.kind === "count") now.heads = Math.max(0, (now.heads || 0) + Number(act.value));
    else if (act.kind === "offer") now.offers[act.value[0] === "+" ? "add" : "delete"](act.value.slice(1));
  }
  return now;
}

function show() {
  const now = expected();
  for (const button of form.querySelectorAll('button[value^="state:"]')) {
    button.setAttribute("aria-pressed", String(button.value === `state:${now.state}`));
  }
  for (const button of form.querySelectorAll("button[data-offer]")) {
    const has = now.offers.has(button.dataset.offer);
    button.setAttribute("aria-pressed", String(has));
    button.value = `offer:${has ? "-" : "+"}${button.dataset.offer}`;
  }
  document.getElementById("heads").textContent = now.heads === null ? "–" : String(now.heads);
  document.getElementById("first").hidden = now.state !== "";
}

function tell() {
  const waiting = kept().length;
  line.className = "line good";
  if (over) {
    line.className = "line bad";
    line.textContent = over === "real-now" ? page.real : page.ended;
    if (waiting) line.textContent += ` (${waiting})`;
  } else if (!waiting) line.textContent = page.sent;
  else if (failures || !navigator.onLine) {
    line.className = "line wait";
    line.textContent = page.kept.replace("{n}", waiting) + (keeps ? "" : ` ${page.unsafe}`);
  } else line.textContent = page.sending;
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(send, 1000 * WAITS[Math.min(failures, WAITS.length) - 1] || 1000);
}

async function send() {
  if (sending || over) return;
  sending = true;
  clearTimeout(timer);
  const acts = kept().slice(0, 100);
  const body = JSON.stringify({
    acts: acts.map(({ id, kind, value, at }) => ({ id, kind, value, age_ms: Math.max(0, Date.now() - at) })),
  });
  const stop = new AbortController();
  const limit = setTimeout(() => stop.abort(), 12000);
  try {
    const answer = await fetch(`/site/${page.token}/acts?lang=${page.lang}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body,
      signal: stop.signal,
      cache: "no-store",
    });
    const found = await answer.json();
    if (answer.ok) {
      const gone = new Set([...found.done, ...found.refused]);
      keep(kept().filter((act) => !gone.has(act.id)));
      said = { state: found.state, heads: found.heads, offers: found.offers };
      const last = document.getElementById("last");
      last.replaceChildren(
        ...found.last.map((words) => Object.assign(document.createElement("li"), { textContent: words })),
      );
      failures = 0;
      show();
      tell();
      if (found.refused.length) {
        line.className = "line bad";
        line.textContent = page.refused;
      }
    } else if ([404, 409, 410, 429].includes(answer.status) && found.error) {
      over = found.error;
      tell();
    } else throw new Error(String(answer.status));
  } catch {
    failures += 1;
    tell();
    later();
  } finally {
    clearTimeout(limit);
    sending = false;
  }
  if (!failures && !over && kept().length) send();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const button = event.submitter;
  if (!button || !button.value) return;
  const [kind, given] = [button.value.split(":")[0], button.value.split(":").slice(1).join(":")];
  let value = given;
  if (kind === "heads" || kind === "note") {
    const field = form.querySelector(`input[name="${kind}"]`);
    value = field.value.normalize("NFKC").trim();
    if (!value || (kind === "heads" && !/^\d{1,6}$/.test(value))) {
      field.focus();
      return;
    }
    field.value = "";
  }
  keep([...kept(), { id: key(), at: Date.now(), kind, value }]);
  show();
  tell();
  send();
});

window.addEventListener("online", () => {
  failures = 0;
  send();
});
window.addEventListener("offline", tell);
window.addEventListener("storage", () => {
  show();
  tell();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) send();
});
// What the desk or a colleague changed meanwhile.
setInterval(() => {
  if (!document.hidden && !failures) send();
}, 20000);

if ("serviceWorker" in navigator) {
  navigator.serviceWorker.register("/site/worker.js", { scope: "/site/" }).catch(() => {});
  // The first page was loaded before the worker was there.
  navigator.serviceWorker.ready
    .then((found) => {
      const files = [...document.querySelectorAll("link[href], script[src]")].map((one) => one.href || one.src);
      found.active.postMessage([location.href, ...files]);
    })
    .catch(() => {});
}
show();
if (kept().length) tell();
send();

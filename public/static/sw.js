// The service worker of the public pages. It shows what the city pushes, and keeps the pages of an
// emergency for when there is no network. It answers for nothing else.
"use strict";

const KEPT = "todoke-kept-1";
const OWN = "todoke-own";
const PAGES = ["/", "/shelters", "/lifelines"];
const FILES = ["/look.css", "/static/public/public.css", "/static/public/icon.svg", "/emblem.svg", "/emblem.png"];
const PICTURES = "/static/public/push/";
const LOOKS = /^(level-[1-5]|drill|over|warning|news)$/;
const EMBLEM = /^\/emblem\.png\?[0-9a-f]{8}$/;
const PATIENCE_MS = 6000;
const REMEMBERED_MS = 30 * 24 * 3600 * 1000; // longer than the city repeats anything
const MOST_REMEMBERED = 300;
const AT = "X-Todoke-Kept-At";

self.addEventListener("install", (event) => event.waitUntil(self.skipWaiting()));
self.addEventListener("activate", (event) => event.waitUntil(begin()));
self.addEventListener("push", (event) => event.waitUntil(inTurn(() => show(event.data))));
self.addEventListener("notificationclick", (event) => event.waitUntil(open(event.notification)));
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(moved(event)));
self.addEventListener("message", (event) => {
  if (event.data === "keep") event.waitUntil(keepAll());
});
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  const isPage = event.request.mode === "navigate" && PAGES.includes(url.pathname);
  if (isPage) event.respondWith(page(url));
  else if (FILES.includes(url.pathname)) event.respondWith(file(event.request, url));
});

async function begin() {
  await self.clients.claim();
  for (const name of await caches.keys()) {
    if (name.startsWith("todoke-kept-") && name !== KEPT) await caches.delete(name);
  }
}

// What this browser told the city, and what it has shown: JSON under a name.

async function read(name) {
  const found = await (await caches.open(OWN)).match(`/own/${name}`);
  return found ? found.json() : null;
}

async function write(name, value) {
  const body = new Response(JSON.stringify(value), { headers: { "Content-Type": "application/json" } });
  await (await caches.open(OWN)).put(`/own/${name}`, body);
}

// Two messages may come at once; each must know what the other has shown.
let last = Promise.resolve();
function inTurn(work) {
  last = last.then(work, work);
  return last;
}

// Notifications

async function show(data) {
  const said = understood(data);
  if (said === null) {
    const own = (await read("words")) || {};
    await self.registration.showNotification(own.city || "とどけ", {
      body: own.news || "市からのお知らせがあります。ここを押してください。\nThere is news from the city.",
      icon: `${PICTURES}news.png`,
      badge: `${PICTURES}badge.png`,
      tag: "unread",
      data: { url: "/" },
    });
    return;
  }
  const shown = (await read("shown")) || {};
  const before = shown[said.tag];
  const isRepeat = Boolean(before) && before.said.id >= said.id;
  // A repeat, or one that was overtaken on the way, changes nothing; but a browser demands that
  // each message shows something.
  const newest = isRepeat ? before.said : said;
  const silent = isRepeat || newest.silent === true;
  const options = {
    body: newest.body,
    lang: newest.lang,
    dir: newest.dir === "rtl" ? "rtl" : "ltr",
    tag: newest.tag,
    icon: EMBLEM.test(newest.emblem) ? newest.emblem : `${PICTURES}${LOOKS.test(newest.look) ? newest.look : "news"}.png`,
    badge: `${PICTURES}badge.png`,
    timestamp: Date.parse(newest.at) || Date.now(),
    requireInteraction: newest.stays === true,
    renotify: !silent,
    silent,
    data: { url: newest.url, id: newest.id, drill: newest.drill, level: newest.level },
  };
  if (typeof newest.picture === "string") options.image = newest.picture;
  if (!silent && newest.level >= 4) options.vibrate = [600, 200, 600, 200, 600];
  await self.registration.showNotification(newest.title, options);
  if (!isRepeat) {
    shown[said.tag] = { said, at: Date.now() };
    await write("shown", fresh(shown));
    await keepAll();
  }
}

function understood(data) {
  try {
    const said = data.json();
    const isWhole =
      typeof said.title === "string" && typeof said.body === "string" && typeof said.tag === "string";
    return isWhole && Number.isInteger(said.id) ? said : null;
  } catch {
    return null;
  }
}

function fresh(shown) {
  const newest = Object.entries(shown)
    .filter(([, one]) => Date.now() - one.at < REMEMBERED_MS)
    .sort(([, one], [, other]) => other.at - one.at);
  return Object.fromEntries(newest.slice(0, MOST_REMEMBERED));
}

async function open(notification) {
  notification.close();
  const wanted = new URL((notification.data && notification.data.url) || "/", self.location.origin);
  const target = wanted.origin === self.location.origin ? wanted.href : self.location.origin;
  const tabs = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const same = tabs.find((tab) => tab.url === target);
  const free = tabs.find((tab) => isFree(new URL(tab.url).pathname));
  try {
    if (same) return await same.focus();
    if (free) return await (await free.navigate(target)).focus();
  } catch {
    // That tab belongs to another service worker, or is closing.
  }
  return self.clients.openWindow(target);
}

// A tab that only reads may be led elsewhere; one in which somebody fills in a form may not.
function isFree(path) {
  return PAGES.includes(path) || path.startsWith("/n/");
}

// The browser got a new address: tell the city, by the old one.

async function moved(event) {
  const own = await read("subscription");
  if (!own) return;
  const made =
    event.newSubscription ||
    (await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: own.key }));
  const body = new URLSearchParams({
    subscription: JSON.stringify(made.toJSON()),
    before: JSON.stringify(own.subscription),
  });
  const answer = await fetch("/follow/push/moved", { method: "POST", body });
  if (answer.ok) await write("subscription", { ...own, subscription: made.toJSON() });
}

// Pages for when there is no network

async function page(url) {
  try {
    // Always asked anew: an answer that the browser has kept would hide how old it is.
    const answer = await inTime(fetch(url.href, { cache: "no-cache" }));
    if (answer.ok) await keep(url.pathname, answer.clone());
    return answer;
  } catch {
    const kept = await (await caches.open(KEPT)).match(url.pathname);
    return kept ? withAge(kept) : Response.error();
  }
}

async function file(request, url) {
  try {
    const answer = await inTime(fetch(request));
    if (answer.ok) await (await caches.open(KEPT)).put(url.pathname, answer.clone());
    return answer;
  } catch {
    return (await (await caches.open(KEPT)).match(url.pathname)) || Response.error();
  }
}

function inTime(answer) {
  const late = new Promise((_, reject) => setTimeout(reject, PATIENCE_MS, new Error("late")));
  return Promise.race([answer, late]);
}

async function keep(path, answer) {
  const headers = new Headers(answer.headers);
  headers.set(AT, new Date().toISOString());
  const body = await answer.blob();
  await (await caches.open(KEPT)).put(path, new Response(body, { status: 200, headers }));
}

async function keepAll() {
  const words = (await read("words")) || {};
  const language = encodeURIComponent(words.language || "ja");
  const pages = PAGES.map(async (path) => {
    const answer = await inTime(fetch(`${path}?lang=${language}`, { cache: "no-cache" }));
    if (answer.ok) await keep(path, answer);
  });
  const files = FILES.map(async (path) => {
    const answer = await inTime(fetch(path));
    if (answer.ok) await (await caches.open(KEPT)).put(path, answer);
  });
  await Promise.allSettled([...pages, ...files]);
}

// Say of a kept page how old it is, before anything else on it.

async function withAge(kept) {
  const words = (await read("words")) || {};
  const time = moment(new Date(kept.headers.get(AT)), words.tag || "ja");
  const said = (words.offline || "ネットワークがありません。{time}の内容です。").replace("{time}", time);
  const note = `<p class="stale" role="status">${escaped(said)}</p>`;
  const text = (await kept.text()).replace(/<main\b[^>]*>/, (main) => main + note);
  return new Response(text, { status: 200, headers: kept.headers });
}

// A browser without the words of a language would say the date in another: then it has only numbers.
function moment(at, tag) {
  const knows = Intl.DateTimeFormat.supportedLocalesOf([tag]).length > 0;
  const form = knows
    ? { dateStyle: "long", timeStyle: "short" }
    : { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" };
  return new Intl.DateTimeFormat(knows ? tag : "sv", { ...form, timeZone: "Asia/Tokyo" }).format(at);
}

function escaped(text) {
  return text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
}

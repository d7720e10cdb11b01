// Shows a page that a link opened where there is no line: as it was last seen, with its pictures.
// The acts themselves are kept and sent by the page. Each kind of link has a worker of its own,
// whose scope is the beginning of its addresses.
"use strict";

const SCOPE = new URL(self.registration.scope).pathname;
const STORE = `todoke-${SCOPE.replaceAll("/", "")}-1`;
const ENDED = [404, 409, 410];

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

// Who asks is told what could not be kept.
self.addEventListener("message", (event) => {
  if (!Array.isArray(event.data)) return;
  event.waitUntil(
    caches.open(STORE).then(async (store) => {
      const kept = await Promise.all(event.data.map((one) => keep(store, one)));
      event.ports[0]?.postMessage(event.data.filter((_one, at) => !kept[at]));
    }),
  );
});

async function keep(store, one) {
  // A picture stays as it is; the page itself is asked for anew.
  if (/\/photos\/\d+(\?small=true)?$/.test(one) && (await store.match(one))) return true;
  try {
    // The header says that nobody opened it once more.
    await store.add(new Request(one, { headers: { "x-kept-copy": "yes" } }));
    return true;
  } catch {
    return false;
  }
}

async function forget(store, path) {
  for (const one of await store.keys()) {
    const kept = new URL(one.url).pathname;
    if (kept === path || kept.startsWith(`${path}/`)) await store.delete(one);
  }
}

self.addEventListener("fetch", (event) => {
  const request = event.request;
  const url = new URL(request.url);
  const shared = /^\/(look\.css|maps\/city\.json|static\/console\/.*|static\/public\/maps\/.*)$/.test(url.pathname);
  const ours = url.pathname.startsWith(SCOPE) || shared;
  if (request.method !== "GET" || url.origin !== self.location.origin || !ours) return;
  event.respondWith(
    (async () => {
      const store = await caches.open(STORE);
      try {
        const answer = await fetch(request);
        // A full phone keeps nothing, and shows what came all the same.
        if (answer.ok) await store.put(request, answer.clone()).catch(() => {});
        // A link that has ended must not be shown from the store afterwards, nor its photos.
        else if (ENDED.includes(answer.status) && url.pathname.startsWith(SCOPE)) await forget(store, url.pathname);
        // A proxy whose service is just starting anew says nothing about the link.
        else return (await store.match(request, { ignoreSearch: true })) || answer;
        return answer;
      } catch (error) {
        const known = await store.match(request, { ignoreSearch: true });
        if (known) return known;
        throw error;
      }
    })(),
  );
});

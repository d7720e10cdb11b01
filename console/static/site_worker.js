// Shows the page of a site where there is no line: as it was last seen. The acts themselves are
// kept and sent by the page.
"use strict";

const STORE = "todoke-site-1";
const ENDED = [404, 409, 410];

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("message", (event) => {
  if (!Array.isArray(event.data)) return;
  event.waitUntil(
    caches.open(STORE).then((store) => Promise.all(event.data.map((one) => store.add(one).catch(() => {})))),
  );
});

self.addEventListener("fetch", (event) => {
  const request = event.request;
  const url = new URL(request.url);
  const ours = url.pathname.startsWith("/site/") || url.pathname.startsWith("/static/console/");
  if (request.method !== "GET" || url.origin !== self.location.origin || !ours) return;
  event.respondWith(
    (async () => {
      const store = await caches.open(STORE);
      try {
        const answer = await fetch(request);
        if (answer.ok) await store.put(request, answer.clone());
        // A link that has ended must not be shown from the store afterwards.
        else if (ENDED.includes(answer.status)) await store.delete(request, { ignoreSearch: true });
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

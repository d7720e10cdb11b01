// Shows a screen's page when there is no line at start. What was last known is kept by the page itself.
"use strict";
const KEPT = "signage-1";
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  const isOurs = address.origin === location.origin && event.request.method === "GET" &&
    (["/signage", "/city.css", "/emblem.svg", "/emblem.png"].includes(address.pathname) ||
      address.pathname.startsWith("/static/public/signage"));
  if (!isOurs) return;
  event.respondWith((async () => {
    const kept = await caches.open(KEPT);
    try {
      const answer = await fetch(event.request);
      if (answer.ok) await kept.put(event.request, answer.clone());
      if (answer.status < 500) return answer;
      return (await kept.match(event.request)) || answer;
    } catch (error) {
      const known = await kept.match(event.request);
      if (known) return known;
      throw error;
    }
  })());
});

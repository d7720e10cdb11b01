// Turns notifications on and off for this browser, and saves its choices.
"use strict";

const form = document.querySelector("form[data-push]");
if (form) begin();

async function begin() {
  const supported = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
  if (!supported) {
    const phone = /iPhone|iPad|iPod/.test(navigator.userAgent) || (/Mac/.test(navigator.platform) && navigator.maxTouchPoints > 1);
    return say(phone ? "apple" : "unsupported");
  }
  form.elements.on.addEventListener("click", () => busy(turnOn));
  form.elements.off.addEventListener("click", () => busy(turnOff));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(turnOn);
  });
  await busy(look);
}

// What the page says: exactly one of its prepared sentences.
function say(name) {
  for (const one of document.querySelectorAll("[data-says]")) one.hidden = one.dataset.says !== name;
}

function shows(on) {
  form.hidden = false;
  form.elements.on.hidden = on;
  form.elements.save.hidden = form.elements.off.hidden = !on;
}

async function busy(work) {
  form.setAttribute("aria-busy", "true");
  for (const button of form.querySelectorAll("button")) button.disabled = true;
  try {
    await work();
  } catch (error) {
    say("failed");
    console.warn(error);
  } finally {
    form.removeAttribute("aria-busy");
    for (const button of form.querySelectorAll("button")) button.disabled = false;
  }
}

async function worker() {
  await navigator.serviceWorker.register("/sw.js", { scope: "/" });
  return navigator.serviceWorker.ready;
}

async function look() {
  shows(false);
  if (Notification.permission === "denied") say("blocked");
  const known = await navigator.serviceWorker.getRegistration("/");
  const subscription = known && (await known.pushManager.getSubscription());
  if (!subscription) return;
  const own = await read("subscription");
  const before = own && own.subscription;
  if (before && before.endpoint !== subscription.endpoint) {
    await post("moved", { subscription: text(subscription), before: JSON.stringify(before) });
    await remember(subscription);
  }
  const answer = await fetch("/follow/push/choices", {
    method: "POST",
    body: new URLSearchParams({ subscription: text(subscription) }),
  });
  if (answer.status === 404) return; // the city does not know this browser (any more)
  if (!answer.ok) throw new Error(`the answer was ${answer.status}`);
  fill(await answer.json());
  shows(true);
  say("on");
}

async function turnOn() {
  const wasOn = form.elements.on.hidden;
  if ((await Notification.requestPermission()) !== "granted") return say("blocked");
  const registration = await worker();
  const subscription =
    (await registration.pushManager.getSubscription()) ||
    (await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: form.dataset.push }));
  const fields = new URLSearchParams(new FormData(form));
  fields.set("subscription", text(subscription));
  await sent("", fields);
  await remember(subscription);
  registration.active.postMessage("keep");
  shows(true);
  say(wasOn ? "saved" : "on");
}

async function turnOff() {
  const registration = await navigator.serviceWorker.getRegistration("/");
  const subscription = registration && (await registration.pushManager.getSubscription());
  if (subscription) {
    await post("leave", { subscription: text(subscription) });
    await subscription.unsubscribe();
  }
  await (await caches.open("todoke-own")).delete("/own/subscription");
  shows(false);
  say("off");
}

function post(name, fields) {
  return sent(`/${name}`, new URLSearchParams(fields));
}

async function sent(path, body) {
  const answer = await fetch(`/follow/push${path}`, { method: "POST", body });
  if (!answer.ok) throw new Error(`the answer was ${answer.status}`);
}

function text(subscription) {
  return JSON.stringify(subscription.toJSON());
}

// For the service worker: it has no other memory.
async function remember(subscription) {
  const words = JSON.parse(form.dataset.words);
  words.language = form.elements.language.value;
  await write("subscription", { key: form.dataset.push, subscription: subscription.toJSON() });
  await write("words", words);
}

async function read(name) {
  const found = await (await caches.open("todoke-own")).match(`/own/${name}`);
  return found ? found.json() : null;
}

async function write(name, value) {
  const body = new Response(JSON.stringify(value), { headers: { "Content-Type": "application/json" } });
  await (await caches.open("todoke-own")).put(`/own/${name}`, body);
}

function fill(choices) {
  form.elements.language.value = choices.language;
  for (const box of form.querySelectorAll('[name="area"]')) box.checked = choices.areas.includes(box.value);
  for (const list of form.querySelectorAll("select[data-topic]")) {
    const level = choices.topics[list.dataset.topic];
    list.value = level === undefined ? "off" : String(level);
  }
  form.elements["quiet-start"].value = choices.quiet[0];
  form.elements["quiet-end"].value = choices.quiet[1];
  for (const one of form.querySelectorAll('[name="reminder"]')) one.checked = one.value === choices.reminder;
  form.elements.quiet.checked = choices.quiet[0] === choices.quiet[1];
}

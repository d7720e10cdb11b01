// Places on a crew's page: where the phone is, or a mark on the map, in the field "at" of a form.
// The map comes only when somebody wants it. The service worker keeps its files, so that it opens
// where there is no line; then it is a map without tiles.
"use strict";

const MAP_STYLES = ["leaflet/leaflet.css", "map.css"];
const MAP_SCRIPTS = ["leaflet/leaflet.js", "point.js", "map.js"];

// What the service worker keeps for the map; nothing on a phone that saves data.
function filesOfMap() {
  const { files, lang } = document.body.dataset;
  if (navigator.connection?.saveData) return [];
  return [...[...MAP_STYLES, ...MAP_SCRIPTS].map((name) => `${files}/${name}`), `/maps/city.json?lang=${lang}`];
}

function whereAmI() {
  return new Promise((done, failed) => {
    if (!navigator.geolocation) failed(new Error("none"));
    else navigator.geolocation.getCurrentPosition((at) => done(at.coords), failed, { enableHighAccuracy: true, timeout: 20000 });
  });
}

// The place that a form has; null for none.
function placeOf(form) {
  const { value } = form.elements.at;
  const [latitude, longitude] = value.split(",").map(Number);
  return value ? { longitude, latitude } : null;
}

function putPlace(form, where, said = "") {
  form.elements.at.value = where;
  form.elements.at.dispatchEvent(new Event("change", { bubbles: true }));
  form.querySelector(".here-said").textContent = said;
}

function loaded(element) {
  return new Promise((done, failed) => {
    Object.assign(element, { onload: done, onerror: failed });
    document.head.append(element);
  });
}

let mapLoading = null;
async function loadMap() {
  const { files } = document.body.dataset;
  await Promise.all(MAP_STYLES.map((name) => loaded(Object.assign(document.createElement("link"), { rel: "stylesheet", href: `${files}/${name}` }))));
  for (const name of MAP_SCRIPTS) await loaded(Object.assign(document.createElement("script"), { src: `${files}/${name}` }));
}

async function showMap(form, button) {
  const { mapName, noMap } = document.body.dataset;
  const slot = form.querySelector(".map-slot");
  button.disabled = true;
  try {
    mapLoading ||= loadMap();
    await mapLoading;
    const box = document.createElement("div");
    box.className = "map-box small";
    Object.assign(box.dataset, { map: "", mapPoint: "at", mapForm: form.id, mapSearch: "off" });
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", mapName);
    slot.hidden = false;
    slot.append(box);
    box.dispatchEvent(new Event("map:begin", { bubbles: true }));
    button.hidden = true;
  } catch {
    mapLoading = null;
    button.disabled = false;
    form.querySelector(".here-said").textContent = noMap;
  }
}

async function takeGps(form) {
  const { here, nowhere } = document.body.dataset;
  try {
    const { longitude, latitude, accuracy } = await whereAmI();
    putPlace(form, `${latitude.toFixed(6)}, ${longitude.toFixed(6)}`, here.replace("{n}", Math.max(1, Math.round(accuracy))));
  } catch {
    form.querySelector(".here-said").textContent = nowhere;
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-gps], [data-on-map]");
  if (!button) return;
  if ("gps" in button.dataset) takeGps(button.closest("form"));
  else showMap(button.closest("form"), button);
});

// The map of reports: districts drawn from the city's own data, with tiles of 地理院 below if
// they are available. Without tiles and without a network it is still a map.
"use strict";

document.addEventListener("DOMContentLoaded", async () => {
  const box = document.querySelector("[data-map]");
  if (!box) return;
  const answer = await fetch(box.dataset.map, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const data = await answer.json();
  const map = L.map(box, { zoomControl: true, attributionControl: true, zoomSnap: 0.25 });
  map.attributionControl.setPrefix(false);
  map.createPane("names").style.zIndex = 350; // beneath the pins
  const tiles = L.tileLayer("https://cyberjapandata.gsi.go.jp/xyz/pale/{z}/{x}/{y}.png", {
    maxZoom: 18,
    attribution: '<a href="https://maps.gsi.go.jp/development/ichiran.html">地理院タイル</a>',
  }).addTo(map);
  const districts = L.geoJSON(data.districts, {
    style: { color: "#4d5968", weight: 1.5, fillColor: "#dfe8f1", fillOpacity: 0.35 },
    interactive: false,
    onEachFeature: (feature, layer) =>
      layer.bindTooltip(feature.properties.name, { permanent: true, direction: "center", className: "district-name", pane: "names" }),
  }).addTo(map);
  const pins = L.featureGroup(
    data.reports.features.map((feature) => {
      const [longitude, latitude] = feature.geometry.coordinates;
      const about = feature.properties;
      const icon = L.divIcon({ className: `pin pin-${about.colour}`, iconSize: [24, 24] });
      const marker = L.marker([latitude, longitude], { icon, zIndexOffset: about.middle ? 1000 : 0, title: `${about.number} ${about.category}`, alt: about.number });
      const link = document.createElement("a");
      link.href = `/console/reports/${encodeURIComponent(about.number)}`;
      link.textContent = `${about.number} ${about.category} (${about.state_name})`;
      return marker.bindPopup(link);
    }),
  ).addTo(map);
  const middle = data.reports.features.find((feature) => feature.properties.middle);
  if (middle) {
    map.setView([middle.geometry.coordinates[1], middle.geometry.coordinates[0]], data.reports.features.length > 1 ? 18 : 16);
    // Without tiles no street is visible; the district still shows where it is.
    tiles.once("tileerror", () => map.setZoom(12.5, { animate: false }));
  } else if (districts.getLayers().length) {
    map.fitBounds(districts.getBounds(), { padding: [10, 10] });
  } else if (pins.getLayers().length) {
    map.fitBounds(pins.getBounds(), { maxZoom: 15 });
  } else {
    map.setView([36.2, 138.2], 5);
  }
});

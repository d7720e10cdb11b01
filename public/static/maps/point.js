// One place on a map (docs/maps.md): a click, a drag, or Enter for the middle of the map writes it into
// a field as "latitude, longitude". What is typed there moves the mark; the field is the truth.
"use strict";

document.addEventListener("map:ready", (event) => {
  const box = event.target;
  const { map, form, picture, nearest } = event.detail;
  const field = box.dataset.mapPoint && form?.elements[box.dataset.mapPoint];
  if (!field) return;
  const button = box.dataset.mapPointBy ? document.getElementById(box.dataset.mapPointBy) : null;
  let mark = null;
  let moves = !button;

  function typed() {
    const found = /^\s*(-?\d+(?:\.\d+)?)\s*[,，\s]\s*(-?\d+(?:\.\d+)?)\s*$/.exec(field.value);
    if (!found) return null;
    const at = L.latLng(Number(found[1]), Number(found[2]));
    return Math.abs(at.lat) <= 90 && Math.abs(at.lng) <= 180 ? at : null;
  }
  function write(at) {
    field.value = `${at.lat.toFixed(6)}, ${at.lng.toFixed(6)}`;
    for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, { bubbles: true }));
  }
  function show() {
    const at = moves && typed();
    if (!at) {
      mark?.remove();
      mark = null;
    } else if (mark) {
      mark.setLatLng(at);
    } else {
      const icon = L.divIcon({ className: "map-point", iconSize: [28, 28], html: picture("purple") });
      mark = L.marker(at, { draggable: true, keyboard: false, alt: "", icon, zIndexOffset: 3000 }).addTo(map);
      mark.on("dragend", () => write(mark.getLatLng()));
    }
  }
  function begin() {
    moves = true;
    const details = field.closest("details");
    if (details) details.open = true;
    if (!typed()) write(map.getCenter());
    show();
    box.scrollIntoView({ block: "center" });
    box.focus({ preventScroll: true });
  }

  map.on("click", (click) => moves && write(click.latlng.wrap()));
  box.addEventListener("keydown", (press) => {
    if (!moves || press.target !== box || press.key !== "Enter") return;
    press.preventDefault(); // the arrow keys move the map under its middle
    write(map.getCenter());
  });
  field.addEventListener("input", show);
  field.addEventListener("change", show);
  show();
  if (mark) map.setView(mark.getLatLng(), nearest);
  box.addEventListener("map:bare", () => map.getZoom() > 13 && map.setZoom(13, { animate: false }));
  if (button) {
    button.hidden = false;
    button.addEventListener("click", begin);
  }
});

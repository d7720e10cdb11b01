// One case: the reason that a state needs, who hears what beside the button, and the place on the map.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const state = document.querySelector("select[data-state]");
  const reason = document.querySelector("label[data-reason]");
  const first = state?.dataset.first;

  // Only the reasons of the chosen state are offered.
  function showReasons() {
    if (!state || !reason) return;
    const option = state.selectedOptions[0];
    const needed = option.hasAttribute("data-reasons") && state.value !== first;
    reason.hidden = !needed;
    const select = reason.querySelector("select");
    for (const group of select.querySelectorAll("optgroup")) {
      const own = [...group.children].some((one) => one.value.startsWith(`${state.value}:`));
      group.hidden = group.disabled = !own;
    }
    select.required = needed;
    if (!select.value.startsWith(`${state.value}:`)) select.value = "";
  }
  state?.addEventListener("change", showReasons);
  showReasons();

  // The line beside the button says in short what the part above says in full.
  const line = document.querySelector("[data-bar-hears]");
  const part = document.getElementById("who-hears");
  function showHearers() {
    if (!line || !part) return;
    const silent = part.querySelector("[data-testid='silent'], [role='alert']");
    const found = silent || part.querySelector("li");
    line.textContent = found ? found.textContent.replace(/\s+/g, " ").trim() : "";
    line.classList.toggle("is-silent", Boolean(silent));
  }
  document.addEventListener("htmx:afterSwap", (event) => event.target === part && showHearers());
  showHearers();

  document.getElementById("refused")?.scrollIntoView({ block: "start" });
});

// The place can be moved with the mouse, the finger or the keyboard; the field is the truth.
document.addEventListener("map:ready", (event) => {
  const box = event.target;
  const field = box.dataset.place && document.getElementById(box.dataset.place);
  if (!field) return;
  const map = event.detail.map;
  const button = document.querySelector("[data-place-pick]");
  const details = field.closest("details");
  let mark = null;

  function read() {
    const [latitude, longitude] = field.value.split(/[,，]/).map(Number);
    return Number.isFinite(latitude) && Number.isFinite(longitude) ? [latitude, longitude] : null;
  }
  function write(at) {
    field.value = `${at.lat.toFixed(6)}, ${at.lng.toFixed(6)}`;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
  function show() {
    const at = read() || map.getCenter();
    if (!mark) {
      const icon = L.divIcon({ className: "place-mark", iconSize: [26, 26] });
      mark = L.marker(at, { draggable: true, keyboard: false, icon, zIndexOffset: 3000 }).addTo(map);
      mark.on("dragend", () => write(mark.getLatLng()));
      map.on("click", (click) => {
        mark.setLatLng(click.latlng);
        write(click.latlng);
      });
    } else mark.setLatLng(at);
  }
  function begin() {
    if (details) details.open = true;
    if (!read()) write(map.getCenter());
    show();
    box.scrollIntoView({ block: "center" });
    box.focus({ preventScroll: true });
  }
  if (button) {
    button.hidden = false;
    button.addEventListener("click", begin);
  }
  field.addEventListener("input", () => mark && read() && show());
  // Enter puts the cross into the middle of the map, which the arrow keys move.
  box.addEventListener("keydown", (press) => {
    if (!mark || press.target !== box || press.key !== "Enter") return;
    press.preventDefault();
    mark.setLatLng(map.getCenter());
    write(map.getCenter());
  });
});

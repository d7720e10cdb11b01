// The page of a road crew (kept.js keeps and sends what they press, and their photos).
"use strict";

const page = document.body.dataset;
const list = document.getElementById("stops");
const LONGEST = 2048;
const OUTCOMES = ["done", "could-not", "needs-more", "open"];
const said = new Map();
const shown = new Map();

for (const stop of list.querySelectorAll(".stop")) {
  const { item, outcome, said: words, at } = stop.dataset;
  const photos = [...stop.querySelectorAll("[data-photo]")].map((one) => Number(one.dataset.photo));
  said.set(Number(item), { outcome, words, at, photos });
}

const acts = new KeptActs({
  // By the order, not by the link: what one link could not send any more goes with the next.
  place: `todoke.crew.order-${page.order}`,
  page,
  address: `/crew/${page.token}/acts?lang=${page.lang}`,
  photoAddress(act, age) {
    const asked = new URLSearchParams({ id: act.id, age_ms: age, role: act.role, lang: page.lang });
    if (act.item) asked.set("item", act.item);
    if (act.found) asked.set("found", act.found);
    return `/crew/${page.token}/photo?${asked}`;
  },
  photosFirst: "photosFirst" in page,
  shows: show,
  answered(found) {
    if (!found.items) return;
    for (const one of found.items) said.set(one.id, one);
    // A colleague found something, or the office changed the list: ours is old.
    const asked = sessionStorage.getItem("todoke.list");
    if (found.list === page.list || found.list === asked || acts.all().length || isBusy()) return;
    sessionStorage.setItem("todoke.list", found.list); // once for each list
    location.reload();
  },
});

// Whether somebody is writing: then the page must not be loaded anew.
function isBusy() {
  const typed = [...document.querySelectorAll("textarea, select, .used input")].some((one) => one.value);
  const open = document.querySelector(".is-sorting, .elsewhere[open]");
  return typed || Boolean(open) || photosOfFound.length > 0 || Boolean(at.value);
}

// How each place stands when all is sent.
function expected() {
  const now = new Map([...said].map(([id, one]) => [id, { ...one, waits: [], unsent: false, moved: false }]));
  for (const act of acts.all()) {
    const one = now.get(act.item);
    if (!one) continue;
    if (act.photo) one.waits.push(act.id);
    else if (act.kind === "place") one.moved = true;
    else if (OUTCOMES.includes(act.kind)) {
      Object.assign(one, { outcome: act.kind, words: act.words || "", at: "", unsent: true });
    }
  }
  return now;
}

async function picture(id) {
  if (shown.has(id)) return shown.get(id);
  const photo = await acts.getPhoto(id);
  const address = photo ? URL.createObjectURL(photo) : "";
  shown.set(id, address);
  return address;
}

function showPhotos(place, one) {
  const there = new Map([...place.children].map((child) => [child.dataset.photo, child]));
  for (const id of one.photos) {
    if (there.has(String(id)) || place.closest(".stop").querySelector(`.photos:not(.ours) a[href$="/photos/${id}"]`)) continue;
    const link = document.createElement("a");
    link.href = `/crew/${page.token}/photos/${id}`;
    link.dataset.photo = id;
    link.append(Object.assign(new Image(), { src: `${link.href}?small=true`, alt: page.photo }));
    place.append(link);
  }
  for (const [id, child] of there) if (child.matches("span") && !one.waits.includes(id)) child.remove();
  for (const id of one.waits) {
    if (there.has(id)) continue;
    const box = Object.assign(document.createElement("span"), { className: "waits" });
    Object.assign(box.dataset, { photo: id, waits: page.waits });
    place.append(box);
    picture(id).then((address) => box.append(Object.assign(new Image(), { src: address, alt: page.photo })));
  }
}

function show() {
  const now = expected();
  let left = 0;
  for (const stop of list.querySelectorAll(".stop[data-item]")) {
    const one = now.get(Number(stop.dataset.item));
    if (!one) continue;
    left += one.outcome === "open";
    stop.dataset.outcome = one.outcome;
    stop.classList.toggle("unsent", one.unsent);
    stop.querySelector(".moved").textContent = one.moved ? page.moved : "";
    const name = page[`is${one.outcome.replace(/(^|-)(\w)/g, (_all, _dash, letter) => letter.toUpperCase())}`];
    stop.querySelector(".outcome").textContent = name;
    const result = stop.querySelector(".result");
    result.hidden = one.outcome === "open";
    result.querySelector("strong").textContent = name;
    result.querySelector(".small").textContent = one.unsent ? page.waits : one.at;
    result.querySelector(".typed").textContent = one.words;
    stop.querySelector(".undo").hidden = one.outcome === "open";
    showPhotos(stop.querySelector(".ours"), one);
  }
  document.getElementById("left").textContent = page.left.replace("{n}", left);
  const pending = acts.all().filter((act) => act.kind === "found");
  for (const one of list.querySelectorAll(".pending")) one.remove();
  for (const act of pending) {
    const made = document.getElementById("found-stop").content.cloneNode(true);
    made.querySelector("h2").textContent = act.name;
    made.querySelector(".said").textContent = act.words;
    list.append(made);
  }
}

// A photo of a phone has several megabytes; what is sent has some hundred kilobytes. What the
// browser cannot draw goes as it is.
async function smaller(file) {
  try {
    const drawn = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, LONGEST / Math.max(drawn.width, drawn.height));
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [Math.round(drawn.width * scale), Math.round(drawn.height * scale)];
    canvas.getContext("2d").drawImage(drawn, 0, 0, canvas.width, canvas.height);
    const made = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
    return made && made.size < file.size ? made : file;
  } catch {
    return file;
  }
}

function value(form, name) {
  const field = form.elements[name];
  return field && typeof field.value === "string" ? field.value.normalize("NFC").trim() : "";
}

list.addEventListener("change", async (event) => {
  const input = event.target;
  if (input.type !== "file" || !input.files.length) return;
  const [file] = input.files;
  const item = Number(input.closest(".stop").dataset.item);
  input.value = "";
  await acts.add({ kind: "photo", item, role: input.dataset.role }, await smaller(file));
});

list.addEventListener("submit", (event) => {
  event.preventDefault();
  const [form, button] = [event.target, event.submitter];
  const kind = button ? button.value : "";
  if (kind === "place") correct(form);
  if (!OUTCOMES.includes(kind)) return;
  // Not form.elements.item, which is a method of every form.
  const act = { kind, item: Number(form.closest(".stop").dataset.item) };
  if (kind === "could-not" || kind === "needs-more") {
    act.words = value(form, "words");
    if (!act.words) {
      form.elements.words.focus();
      return;
    }
  }
  for (const name of ["minutes", "people"]) {
    const number = value(form, name).normalize("NFKC");
    if (/^\d{1,4}$/.test(number)) act[name] = Number(number);
  }
  if (value(form, "materials")) act.materials = value(form, "materials");
  for (const name of ["words", "minutes", "people", "materials"]) if (form.elements[name]) form.elements[name].value = "";
  form.querySelector("details").open = false;
  typed.keep();
  acts.add(act);
});

function correct(form) {
  const where = placeOf(form);
  if (!where) return;
  form.closest("details").open = false;
  acts.add({ kind: "place", item: Number(form.closest(".stop").dataset.item), ...where });
}

list.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.words) {
    const field = button.closest("form").elements.words;
    field.value = field.value ? `${field.value} ${button.dataset.words}` : button.dataset.words;
    typed.keep();
  }
  if (button.dataset.move) {
    const stop = button.closest(".stop");
    const other = button.dataset.move === "1" ? stop.nextElementSibling : stop.previousElementSibling;
    if (!other || !other.dataset.item) return;
    if (button.dataset.move === "1") other.after(stop);
    else other.before(stop);
    number();
    button.focus();
    // One act for all moves that have not been sent yet.
    acts.drop(acts.all().filter((act) => act.kind === "sort").map((act) => act.id));
    acts.add({ kind: "sort", ids: [...list.querySelectorAll(".stop[data-item]")].map((one) => Number(one.dataset.item)) });
  }
});

function number() {
  [...list.querySelectorAll(".stop[data-item] .place-number")].forEach((one, place) => {
    one.textContent = place + 1;
  });
}

const sorting = document.getElementById("sorting");
sorting.addEventListener("click", () => {
  const on = sorting.getAttribute("aria-pressed") !== "true";
  sorting.setAttribute("aria-pressed", String(on));
  list.classList.toggle("is-sorting", on);
});

document.getElementById("from-here").addEventListener("click", async (event) => {
  const button = event.currentTarget;
  button.disabled = true;
  try {
    const { longitude, latitude } = await whereAmI();
    await acts.add({ kind: "from-here", longitude, latitude });
    // The new order comes with the page.
    const wait = setInterval(() => {
      if (acts.all().length || isBusy()) return;
      clearInterval(wait);
      location.reload();
    }, 500);
  } catch {
    acts.line.className = "line bad";
    acts.line.textContent = page.nowhere;
  }
  button.disabled = false;
});

const found = document.getElementById("found");
const foundPhotos = document.getElementById("found-photos");
const photosOfFound = [];
const at = found.elements.at;
const MOST_PHOTOS = 4;
found.addEventListener("change", async (event) => {
  const input = event.target;
  if (input.type !== "file" || !input.files.length) return;
  const photo = await smaller(input.files[0]);
  input.value = "";
  photosOfFound.push(photo);
  input.disabled = photosOfFound.length >= MOST_PHOTOS;
  foundPhotos.append(Object.assign(document.createElement("span"), {}));
  foundPhotos.lastChild.append(Object.assign(new Image(), { src: URL.createObjectURL(photo), alt: page.photo }));
});
found.addEventListener("submit", async (event) => {
  event.preventDefault();
  const category = found.elements.category;
  const words = value(found, "words");
  const where = placeOf(found);
  if (!category.value || (!words && !where)) {
    (category.value ? found.elements.words : category).focus();
    return;
  }
  const name = category.selectedOptions[0].textContent;
  const act = { kind: "found", category: category.value, name, words, ...where };
  const photos = photosOfFound.splice(0);
  found.reset();
  putPlace(found, "");
  found.querySelector('[type="file"]').disabled = false;
  foundPhotos.replaceChildren();
  document.getElementById("new").open = false;
  const kept = await acts.add(act);
  for (const photo of photos) await acts.add({ kind: "photo", found: kept.id, role: "near" }, photo);
});

const typed = new TypedWords(`todoke.crew.typed-${page.order}`);
document.body.classList.add("scripted");
for (const one of document.querySelectorAll(".chips, #from-here, #sorting, .places, .elsewhere, .moves")) one.hidden = false;
const photosOfList = [...document.querySelectorAll(".photos a[href]")].flatMap((one) => [one.href, `${one.href}?small=true`]);
KeptActs.keepPage("/crew/", [...photosOfList, ...filesOfMap()]);
acts.start();

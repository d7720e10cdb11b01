// Sheets over the chat: photos, places, dates, links, a picture in full size.

import * as api from "./api.js";
import { icon, make } from "./dom.js";
import { drawMap } from "./map.js";
import { drawSticker, STICKERS } from "./stickers.js";
import { word } from "./words.js";

/** Open a sheet inside `screen`; return a function that closes it. */
function open(screen, title, testid, ...content) {
  const before = document.activeElement;
  const shut = () => {
    layer.remove();
    if (before && before.isConnected) before.focus();
  };
  const sheet = make("section.sheet", { role: "dialog", "aria-modal": "true", "aria-label": title, testid },
    make("header.sheet-head", {}, make("h2", {}, title),
      make("button.round", { type: "button", "aria-label": word("close"), testid: "sheet-close", onclick: shut }, icon("close"))),
    make("div.sheet-body", {}, content));
  const layer = make("div.sheet-layer", {
    onclick: (event) => { if (event.target === layer) shut(); },
    onkeydown: (event) => { if (event.key === "Escape") { event.stopPropagation(); shut(); } },
  }, sheet);
  screen.append(layer);
  const first = sheet.querySelector("input:not([type=file]), .sheet-body button, .sheet-head button");
  if (first) first.focus();
  return shut;
}

export function photoSheet(screen, names, { send, upload, capture }) {
  const ready = names.map((name) => make("button.photo-tile", {
    type: "button", testid: `photo-ready-${name}`, onclick: () => { shut(); send(name); },
  }, make("img", { src: api.photoUrl(name), alt: "", loading: "lazy" }), make("span", {}, word(name))));
  const input = make("input.visually-hidden", {
    type: "file", accept: "image/*,video/*", testid: "photo-file", tabIndex: -1,
    onchange: () => { if (input.files.length) { shut(); upload([...input.files]); } },
  });
  input.multiple = true;
  if (capture) input.setAttribute("capture", "environment");
  const own = make("button.wide-button", { type: "button", testid: "photo-upload", onclick: () => input.click() },
    icon("photo"), word("uploadPhoto"));
  const shut = open(screen, word("choosePhoto"), "sheet-photo", own, input,
    make("h3.sheet-label", {}, word("ready")), make("div.photo-tiles", {}, ready));
}

export async function locationSheet(screen, send) {
  const latitude = make("input", { inputmode: "decimal", testid: "location-latitude", "aria-label": word("latitude"), value: "36.083500" });
  const longitude = make("input", { inputmode: "decimal", testid: "location-longitude", "aria-label": word("longitude"), value: "140.076400" });
  const address = make("input", { testid: "location-address", maxlength: "100" });
  const district = make("output.map-district-name", { testid: "location-district" });
  const map = await drawMap((where) => {
    latitude.value = where.latitude.toFixed(6);
    longitude.value = where.longitude.toFixed(6);
    district.textContent = where.district;
  });
  const form = make("form.location-form", {
    onsubmit: (event) => {
      event.preventDefault();
      const [lat, lon] = [Number(latitude.value), Number(longitude.value)];
      if (!latitude.value || !longitude.value || !Number.isFinite(lat) || !Number.isFinite(lon)) return;
      shut();
      send({ latitude: lat, longitude: lon, address: address.value || undefined });
    },
  },
  make("p.sheet-help", {}, word("mapHelp"), " ", district), map,
  make("div.field-row", {},
    make("label.field", {}, word("latitude"), latitude),
    make("label.field", {}, word("longitude"), longitude)),
  make("label.field", {}, word("address"), address),
  make("button.main-button", { testid: "location-send" }, word("sendHere")));
  const shut = open(screen, word("chooseLocation"), "sheet-location", form);
}

export function dateSheet(screen, action, pick) {
  const kind = { date: "date", time: "time", datetime: "datetime-local" }[action.mode];
  const input = make("input", { type: kind, required: true, testid: "date-input" });
  for (const [name, value] of [["min", action.min], ["max", action.max], ["value", action.initial]]) {
    if (value) input.setAttribute(name, value.replace("t", "T"));
  }
  if (action.initial) input.value = action.initial.replace("t", "T");
  const form = make("form", {
    onsubmit: (event) => {
      event.preventDefault();
      shut();
      pick({ [action.mode]: input.value });
    },
  }, make("label.field", {}, action.label || word(action.mode), input),
  make("button.main-button", { testid: "date-ok" }, word("ok")));
  const shut = open(screen, word(action.mode), "sheet-date", form);
}

export function stickerSheet(screen, send) {
  const tiles = STICKERS.map((sticker) => make("button.sticker-tile", {
    type: "button", testid: `sticker-${sticker.face}`, "aria-label": sticker.face,
    onclick: () => { shut(); send(sticker); },
  }, drawSticker(sticker)));
  const shut = open(screen, word("sticker"), "sheet-sticker", make("div.sticker-tiles", {}, tiles));
}

export function callSheet(screen, number) {
  open(screen, word("call"), "sheet-call",
    make("p.call-number", {}, icon("phone"), number), make("p.sheet-help", {}, word("notCalled")));
}

export function pictureSheet(screen, url) {
  open(screen, word("photo"), "sheet-picture", make("img.full-picture", { src: url, alt: "" }));
}

export function residentSheet(screen, languages, names, create) {
  const name = make("input", { testid: "new-resident-name", maxlength: "40", required: true, value: names.ja });
  const choice = make("select", {
    testid: "new-resident-language",
    onchange: () => { if (Object.values(names).includes(name.value)) name.value = names[choice.value]; },
  }, languages.map(([tag, label]) => make("option", { value: tag }, `${label} (${tag})`)));
  name.value = names.ja;
  const form = make("form", {
    onsubmit: (event) => {
      event.preventDefault();
      shut();
      create(name.value.trim(), choice.value);
    },
  }, make("label.field", {}, word("language"), choice), make("label.field", {}, word("name"), name),
  make("button.main-button", { testid: "new-resident-create" }, word("create")));
  const shut = open(screen, word("newResident"), "sheet-resident", form);
}

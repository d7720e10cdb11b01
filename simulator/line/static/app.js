// The page: one to three phones side by side, kept up to date by a stream of changes.

import * as api from "./api.js";
import { make, toast } from "./dom.js";
import { clockTime } from "./messages.js";
import { Phone } from "./phone.js";
import { NAMES, pageLanguage, useLanguage, word } from "./words.js";

const MOST_PHONES = 3;
const kept = {
  read(name, otherwise) {
    try { return localStorage.getItem(`todoke-simulator-${name}`) || otherwise; } catch { return otherwise; }
  },
  write(name, value) {
    try { localStorage.setItem(`todoke-simulator-${name}`, value); } catch { /* private window */ }
  },
};

// `?lang=en&user=U…&user=U…` chooses what is shown; by default the last choice.
const query = new URLSearchParams(location.search);
useLanguage(query.get("lang") || kept.read("language", "ja"));
const wanted = query.getAll("user");
let count = Math.min(MOST_PHONES, wanted.length || Number(query.get("phones")) || Number(kept.read("phones", "1")) || 1);

const shared = { account: "", photos: [], users: [], choose };
const phones = [];

async function refresh() {
  const state = await api.state();
  shared.account = state.account;
  shared.photos = state.photos;
  shared.users = state.users;
}

async function choose(number, userId) {
  await refresh();
  await phones[number - 1].show(userId);
  phones.forEach((phone) => phone.drawTools());
  remember();
}

function remember() {
  kept.write("phones", String(count));
  kept.write("users", phones.map((phone) => phone.id || "").join(","));
  const chosen = new URLSearchParams();
  for (const phone of phones.slice(0, count)) if (phone.id) chosen.append("user", phone.id);
  chosen.set("lang", pageLanguage());
  history.replaceState(null, "", `?${chosen}`);
}

/** Show `count` phones, each with another resident if there are enough. */
async function layOut() {
  const place = document.getElementById("phones");
  place.dataset.count = String(count);
  while (phones.length < count) {
    const phone = new Phone(phones.length + 1, shared);
    phones.push(phone);
    place.append(phone.element);
  }
  phones.forEach((phone, index) => { phone.element.hidden = index >= count; });
  const before = kept.read("users", "").split(",");
  const known = new Set(shared.users.map((user) => user.userId));
  for (const [index, phone] of phones.slice(0, count).entries()) {
    if (phone.id && known.has(phone.id)) continue;
    const taken = new Set(phones.map((other) => other.id));
    const free = shared.users.find((user) => !taken.has(user.userId));
    const choice = [wanted[index], before[index]].find((id) => known.has(id) && !taken.has(id));
    let id = choice || (free && free.userId);
    if (!id) {
      const language = ["ja", "en", "my"][index % 3];
      ({ userId: id } = await api.addUser(NAMES[language], language));
      await refresh();
    }
    await phone.show(id);
  }
  phones.forEach((phone) => phone.drawTools());
  remember();
  drawBar();
}

function segments(holder, label, choices, chosen, pick) {
  const element = document.getElementById(holder);
  element.setAttribute("aria-label", label);
  element.replaceChildren(...choices.map(([value, text, name]) => make("button", {
    type: "button", "aria-pressed": String(value === chosen), testid: `${holder}-${value}`,
    "aria-label": name, onclick: () => pick(value),
  }, text)));
}

function drawBar() {
  document.getElementById("page-title").textContent = word("title");
  document.getElementById("page-note").textContent = word("note");
  document.getElementById("to-ledger").textContent = word("ledger");
  segments("phone-count", word("phones"), [1, 2, 3].map((n) => [n, String(n), `${word("phones")} ${n}`]), count,
    (value) => { count = value; layOut(); });
  segments("ui-language", word("pageLanguage"), [["ja", "日本語"], ["en", "English"]], pageLanguage(), (value) => {
    useLanguage(value);
    kept.write("language", value);
    phones.forEach((phone) => phone.build());
    remember();
    drawBar();
  });
}

async function reload() {
  await refresh();
  const known = new Set(shared.users.map((user) => user.userId));
  for (const phone of phones) {
    if (phone.id && known.has(phone.id)) await phone.show(phone.id);
    else phone.user = null;
  }
  await layOut();
}

function changed(kind, userId, data) {
  if (kind === "reset") {
    reload();
    return;
  }
  if (kind === "user") {
    const known = shared.users.find((user) => user.userId === userId);
    if (known) Object.assign(known, data);
    else {
      shared.users.push(data);
      phones.forEach((phone) => phone.drawTools());
    }
  }
  for (const phone of phones) {
    if (phone.concerns(userId)) phone.changed(kind, data);
  }
}

// Everything is read once changes are heard, so that none falls between.
api.listen(changed, async () => {
  try {
    await reload();
    document.body.dataset.ready = "true";
  } catch (error) {
    toast(`${word("failed")}: ${error.message}`);
  }
});
setInterval(() => phones.forEach((phone) => { phone.clock.textContent = clockTime(Date.now()); }), 15000);

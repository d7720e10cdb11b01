// The ledger: counts and lists of everything that was sent, updated while the page is open.

import * as api from "./api.js";
import { make, toast } from "./dom.js";
import { clockTime } from "./messages.js";
import { useLanguage, word } from "./words.js";

const ROWS = 50;
const RENEW_MS = 2000;
const query = new URLSearchParams(location.search);
useLanguage(query.get("lang") || localStorage.getItem("todoke-simulator-language") || "ja");
document.getElementById("page-title").textContent = word("ledger");
document.getElementById("page-note").textContent = word("ledgerNote");
document.getElementById("to-phones").textContent = word("toPhones");

const place = document.getElementById("ledger");
const figures = make("div.figures");
const faults = make("input", { testid: "faults", "aria-label": word("faults"), spellcheck: "false", maxlength: "500" });
const form = make("form.fault-form", {
  onsubmit: async (event) => {
    event.preventDefault();
    try {
      faults.value = (await api.setFaults(faults.value)).spec;
    } catch (error) {
      toast(error.message);
    }
  },
}, faults, make("button", { testid: "faults-set" }, word("set")));
const endpoints = make("div.table-holder");
const sent = make("div.table-holder");
const told = make("div.table-holder");
place.append(figures,
  make("h2", {}, word("faults")), form, make("p.help", {}, word("faultsHelp")),
  make("h2", {}, word("lastSent")), sent,
  make("h2", {}, word("webhooks")), told,
  make("h2", {}, word("perEndpoint")), endpoints);

function table(holder, heads, rows) {
  if (!rows.length) {
    holder.replaceChildren(make("p.nothing", {}, word("nothingYet")));
    return;
  }
  holder.replaceChildren(make("table", {},
    make("thead", {}, make("tr", {}, heads.map((head) => make("th", { scope: "col" }, word(head))))),
    make("tbody", {}, rows)));
}

const figure = (label, value, bad = false) =>
  make(`div.figure${bad ? ".bad" : ""}`, {}, make("b", {}, value.toLocaleString()), make("span", {}, word(label)));

/** The first visible words of a message. */
function words(message) {
  if (message.text) return message.text;
  return message.altText || message.title || message.type;
}

const moment = (seconds) => {
  const rest = String(Math.floor(seconds % 60)).padStart(2, "0");
  return `${clockTime(seconds * 1000)}:${rest}`;
};

async function renew() {
  const [state, summary, stats, entries, webhook] = await Promise.all([
    api.state(), api.summary(), api.stats(), api.ledger(ROWS), api.webhook(),
  ]);
  const names = new Map(state.users.map((user) => [user.userId, user.name]));
  const friends = state.users.filter((user) => user.standing === "friend").length;
  figures.replaceChildren(figure("requests", summary.requests), figure("deliveries", summary.deliveries),
    figure("friends", friends), figure("waiting", webhook.held.length, webhook.held.length > 0));
  if (document.activeElement !== faults) faults.value = state.faults;
  table(endpoints, ["endpoint", "requests", "mostPerSecond"], Object.entries(stats).map(([name, count]) =>
    make("tr", {}, make("td", {}, name), make("td.number", {}, count.requests.toLocaleString()),
      make("td.number", {}, count.maxInWindow.toLocaleString()))));
  table(sent, ["when", "endpoint", "to", "said", "retryKey"], entries.map((entry) => {
    const known = entry.userIds.filter((id) => names.has(id)).map((id) => names.get(id));
    const to = entry.recipients === known.length
      ? known.join("、") || "0" : `${entry.recipients.toLocaleString()} ${word("people")}`;
    return make("tr", { testid: "ledger-row" }, make("td.number", {}, moment(entry.at)),
      make("td", {}, entry.endpoint), make("td.number", {}, to),
      make("td.words", {}, entry.messages.map(words).join(" / ").slice(0, 160)),
      make("td.key", {}, (entry.retryKey || "").slice(0, 8)));
  }));
  table(told, ["when", "status", "redelivery"], webhook.attempts.slice(-ROWS).reverse().map((attempt) =>
    make("tr", { testid: "webhook-row" }, make("td.number", {}, moment(attempt.at)),
      make(`td.number${attempt.status === 200 ? "" : ".bad"}`, {},
        attempt.status ? `${attempt.status} ${attempt.detail}` : `${word("noAnswer")} ${attempt.detail}`),
      make("td", {}, attempt.redelivery ? word("yes") : ""))));
  document.body.dataset.ready = "true";
}

async function keepOn() {
  try {
    if (!document.hidden) await renew();
  } catch (error) {
    toast(`${word("failed")}: ${error.message}`);
  }
  setTimeout(keepOn, RENEW_MS);
}
keepOn();

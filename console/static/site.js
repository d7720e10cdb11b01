// The page for the staff at a site (kept.js keeps and sends what they press).
"use strict";

const page = document.body.dataset;
const form = document.querySelector("form");
let said = {
  state: page.state,
  heads: page.heads === "" ? null : Number(page.heads),
  offers: page.offers ? page.offers.split(",") : [],
};
const acts = new KeptActs({
  place: `todoke.site.${page.token}`,
  page,
  address: `/site/${page.token}/acts?lang=${page.lang}`,
  shows: show,
  answered(found) {
    said = { state: found.state, heads: found.heads, offers: found.offers };
    const last = document.getElementById("last");
    last.replaceChildren(
      ...found.last.map((words) => Object.assign(document.createElement("li"), { textContent: words })),
    );
  },
});

// The state as it will be when all is sent.
function expected() {
  const now = { state: said.state, heads: said.heads, offers: new Set(said.offers) };
  for (const act of acts.all()) {
    if (act.kind === "state") {
      now.state = act.value;
      if (act.value === "closed") now.heads = null;
    } else if (act.kind === "heads") now.heads = Number(act.value);
    else if (act.kind === "count") now.heads = Math.max(0, (now.heads || 0) + Number(act.value));
    else if (act.kind === "offer") now.offers[act.value[0] === "+" ? "add" : "delete"](act.value.slice(1));
  }
  return now;
}

function show() {
  const now = expected();
  for (const button of form.querySelectorAll('button[value^="state:"]')) {
    button.setAttribute("aria-pressed", String(button.value === `state:${now.state}`));
  }
  for (const button of form.querySelectorAll("button[data-offer]")) {
    const has = now.offers.has(button.dataset.offer);
    button.setAttribute("aria-pressed", String(has));
    button.value = `offer:${has ? "-" : "+"}${button.dataset.offer}`;
  }
  document.getElementById("heads").textContent = now.heads === null ? "–" : String(now.heads);
  document.getElementById("first").hidden = now.state !== "";
}

// A thumb that presses twice means once, but where it counts people.
let pressed = { button: null, at: 0 };
function isSecondPress(button) {
  const before = pressed;
  pressed = { button, at: performance.now() };
  return before.button === button && pressed.at - before.at < 700 && !button.value.startsWith("count:");
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const button = event.submitter;
  if (!button || !button.value || isSecondPress(button)) return;
  const [kind, given] = [button.value.split(":")[0], button.value.split(":").slice(1).join(":")];
  let value = given;
  if (kind === "heads" || kind === "note") {
    const field = form.querySelector(`input[name="${kind}"]`);
    value = field.value.normalize("NFKC").trim();
    if (!value || (kind === "heads" && !/^\d{1,6}$/.test(value))) {
      field.focus();
      return;
    }
    field.value = "";
  }
  acts.add({ kind, value });
});

KeptActs.keepPage("/site/");
acts.start();

// A draft saves itself while somebody writes. What a colleague saves comes into the fields that were
// not touched here; if both changed one, both are shown. Without this script the buttons save.
"use strict";

(() => {
  const QUIET_MS = 2000; // after the last key
  const LONGEST_MS = 15000; // while somebody goes on typing
  const LOOK_MS = 3000;
  const AGAIN_MS = 5000;
  const ANSWER_MS = 8000;
  const form = document.querySelector("form[data-stored]");
  const said = document.getElementById("save-state");
  const stored = JSON.parse(form.dataset.stored); // values by field, as the server has them
  const names = Object.keys(stored);
  const sent = {}; // what was typed here for a stored value that was cleaned
  const both = new Map(); // fields that both changed: name -> the box that shows it
  const address = form.getAttribute("action");
  let state = form.dataset.state;
  let timer = 0;
  let firstAt = 0;
  let saving = null;
  let over = false; // sent or thrown away
  const who = () => document.querySelector("[data-who]").textContent;
  let writer = who(); // whose words are not saved yet; somebody else may sign in over the page
  let letGo = false;
  let lastSaved = said.textContent; // what the page says while nothing is unsaved

  const tidy = (values) => values.map((one) => one.replace(/\r\n?/g, "\n").trim()).filter(Boolean).sort();
  const same = (some, others) => JSON.stringify(tidy(some)) === JSON.stringify(tidy(others));
  const here = (name) => new FormData(form).getAll(name);
  const isChanged = (name) => {
    const mine = here(name);
    return !same(mine, stored[name]) && !(sent[name] && same(mine, sent[name]));
  };
  const changed = () => names.filter((name) => !both.has(name) && isChanged(name));
  const elements = (name) => [...form.elements].filter((one) => one.name === name);
  const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

  function say(what, values = {}) {
    const text = filled(said.dataset[what], values);
    if (said.textContent !== text) said.textContent = text;
    said.classList.toggle("not-saved", what !== "saved" && what !== "writing");
    said.dataset.state = what;
    if (what === "saved") lastSaved = text;
  }
  // What was written was taken back, or theirs was taken: the server has what stands here.
  function rest() {
    if (saving || both.size || !["writing", "offline", "both"].includes(said.dataset.state)) return;
    clearTimeout(timer);
    timer = 0;
    firstAt = 0;
    said.textContent = lastSaved;
    said.classList.remove("not-saved");
    said.dataset.state = "saved";
  }

  // Put stored values into a field; whoever types in it keeps the place.
  function put(name, values) {
    for (const one of elements(name)) {
      if (one.type === "checkbox" || one.type === "radio") one.checked = values.includes(one.value);
      else if (one.value !== (values[0] ?? "")) {
        const place = one === document.activeElement && "selectionStart" in one ? [one.selectionStart, one.selectionEnd] : null;
        one.value = values[0] ?? "";
        if (place) one.setSelectionRange(...place);
      }
    }
    document.dispatchEvent(new CustomEvent("todoke:put", { detail: { form, name } }));
    elements(name)[0]?.dispatchEvent(new Event("change", { bubbles: true }));
  }

  // Where a field's box or mark is shown, and its values in words.
  function place(name) {
    const first = elements(name)[0];
    return first?.type === "checkbox" || first?.type === "radio" ? first.closest("fieldset") : first?.closest("label");
  }
  function inWords(name, values) {
    const some = elements(name);
    const labels = some
      .filter((one) => (one.type === "checkbox" || one.type === "radio") && values.includes(one.value))
      .map((one) => one.closest("label").textContent.trim());
    if (labels.length) return labels.join(", ");
    const option = some[0]?.options && [...some[0].options].find((one) => one.value === values[0]);
    return option ? option.textContent : values.join("\n") || "–";
  }

  function mark(name, by) {
    const where = place(name);
    where?.querySelector(".changed")?.remove();
    const tag = document.getElementById("changed").content.cloneNode(true).firstElementChild;
    tag.textContent = filled(tag.textContent, { name: by });
    (where?.querySelector("legend") ?? where?.querySelector("input, textarea, select"))?.before(tag);
    where?.closest("details")?.setAttribute("open", "");
  }

  function showBoth(name, theirs, by) {
    both.get(name)?.remove();
    const box = document.getElementById("both").content.cloneNode(true).firstElementChild;
    const words = box.querySelector("[data-said]");
    words.textContent = filled(words.textContent, { name: by });
    box.querySelector("[data-theirs]").textContent = inWords(name, theirs);
    const end = () => {
      both.delete(name);
      box.remove();
      stored[name] = theirs;
    };
    box.querySelector("[data-mine]").addEventListener("click", () => {
      writer = who();
      end();
      save();
    });
    box.querySelector("[data-other]").addEventListener("click", () => {
      end();
      put(name, theirs);
    });
    place(name)?.after(box);
    box.closest("details")?.setAttribute("open", "");
    both.set(name, box);
    say("both");
  }

  // What the server has now, against what it had and what is written here.
  function take(answer, own = {}) {
    const version = form.elements.namedItem("version");
    if (answer.version < Number(version.value)) return; // an answer that was overtaken
    const lost = new Set(answer.conflicts ?? []);
    for (const [name, theirs] of Object.entries(answer.fields ?? {})) {
      if (!(name in stored)) continue;
      if (own[name] && !lost.has(name)) {
        stored[name] = theirs;
        sent[name] = own[name];
      } else if (both.has(name)) {
        if (!same(theirs, JSON.parse(both.get(name).dataset.values ?? "[]"))) conflict(name, theirs, answer.by);
      } else if (!same(theirs, stored[name])) {
        if (!isChanged(name)) {
          stored[name] = theirs;
          put(name, theirs);
          mark(name, answer.by);
        } else if (same(here(name), theirs)) stored[name] = theirs;
        else conflict(name, theirs, answer.by);
      }
    }
    version.value = answer.version;
    for (const shown of document.querySelectorAll("[data-version]")) shown.textContent = filled(shown.dataset.version, { version: answer.version, name: answer.by });
    if (answer.news !== undefined) {
      state = answer.state;
      const news = new DOMParser().parseFromString(answer.news, "text/html").getElementById("news");
      if (news) document.getElementById("news").replaceWith(news);
    }
    if (!answer.open) over = true;
    const there = document.getElementById("writers");
    const lines = answer.writers ?? [];
    if (there.dataset.said !== lines.join("\n")) {
      there.dataset.said = lines.join("\n");
      there.replaceChildren(
        ...lines.map((text) => {
          const line = document.createElement("p");
          line.textContent = text;
          return line;
        }),
      );
    }
  }
  function conflict(name, theirs, by) {
    showBoth(name, theirs, by);
    both.get(name).dataset.values = JSON.stringify(theirs);
  }

  async function ask(path, body, leaving = false) {
    body.set("csrf", form.elements.namedItem("csrf").value);
    const answer = await fetch(address + path, {
      method: "POST",
      body,
      keepalive: leaving,
      cache: "no-store",
      signal: leaving ? undefined : AbortSignal.timeout(ANSWER_MS),
    });
    if (answer.ok) document.dispatchEvent(new CustomEvent("todoke:answered"));
    return answer;
  }

  // Save what was changed; true if nothing is left that is not saved.
  async function send(leaving) {
    const some = changed();
    if (!some.length) return both.size === 0;
    const body = new URLSearchParams({ version: form.elements.namedItem("version").value, seen: state });
    const own = {};
    for (const name of some) {
      own[name] = here(name);
      body.append("dirty", name);
      for (const one of own[name]) body.append(name, one);
      for (const one of stored[name]) body.append(`was-${name}`, one);
    }
    let answer;
    let found = null;
    try {
      answer = await ask("/auto", body, leaving);
      if (answer.ok || answer.status === 400) found = await answer.json();
    } catch {
      say("offline");
      again(AGAIN_MS);
      return false;
    }
    if (answer.status === 401 || answer.status === 409) {
      say("writing");
      document.dispatchEvent(new CustomEvent("todoke:check", { detail: save }));
      return false;
    }
    if (found === null) {
      say("offline");
      again(AGAIN_MS);
      return false;
    }
    if (!answer.ok) {
      say("refused", { reason: found.refused });
      over = true;
      return false;
    }
    take(found, own);
    if (both.size) {
      say("both");
      return false;
    }
    if (changed().length) {
      again(QUIET_MS);
      return false;
    }
    say("saved", { time: found.time });
    document.dispatchEvent(new CustomEvent("todoke:saved", { detail: form }));
    return true;
  }

  function save(leaving = false) {
    clearTimeout(timer);
    timer = 0;
    firstAt = 0;
    if (over) return Promise.resolve(true);
    if (who() !== writer) return Promise.resolve(false); // their own key or button saves, nothing else
    saving = (saving ?? Promise.resolve()).then(() => send(leaving)).finally(() => {
      saving = null;
    });
    return saving;
  }
  function again(wait) {
    if (timer) clearTimeout(timer);
    if (!firstAt) firstAt = Date.now();
    timer = setTimeout(save, Math.min(wait, Math.max(0, firstAt + LONGEST_MS - Date.now())));
  }

  form.addEventListener("input", written);
  form.addEventListener("change", written);
  function written(event) {
    if (event?.isTrusted) writer = who();
    if (over) return;
    if (!changed().length) {
      rest();
      return;
    }
    if (said.dataset.state !== "both" && said.dataset.state !== "offline") say("writing");
    again(QUIET_MS);
  }
  window.addEventListener("online", () => {
    save();
    form.dispatchEvent(new Event("change", { bubbles: true })); // the preview, too
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && !letGo && changed().length) save(true);
  });

  // A button goes on once everything is saved, so that it never meets a colleague's newer version.
  document.addEventListener("submit", (event) => {
    if (event.target !== form || event.defaultPrevented) return;
    if (letGo || over || (!changed().length && !both.size)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const button = event.submitter;
    writer = who();
    (async () => {
      // What is typed while one save runs takes a second one.
      for (let round = 0; round < 3 && changed().length && !over; round += 1) await save();
      if (both.size) {
        say("both");
        [...both.values()][0].scrollIntoView({ block: "center" });
        [...both.values()][0].querySelector("button").focus();
        return;
      }
      if (changed().length && !over) return;
      letGo = true;
      form.requestSubmit(button);
      setTimeout(() => {
        letGo = false;
      }, ANSWER_MS);
    })();
  });

  async function look() {
    if (document.hidden || saving || over) return;
    try {
      const body = new URLSearchParams({ version: form.elements.namedItem("version").value, seen: state });
      const answer = await ask("/live", body);
      if (answer.ok && !saving) take(await answer.json());
    } catch {
      // The next look will tell; what is not saved says so itself.
    }
  }
  setInterval(look, LOOK_MS);

  // A language opens once there is something to write or to check in it; it never closes by itself.
  const why = () => [...form.querySelectorAll(".origin")].map((one) => [one, one.dataset.lookAt ?? ""]);
  const known = new Map(why().map(([one, said]) => [one.id, said]));
  document.addEventListener("htmx:afterSettle", () => {
    for (const [one, said] of why()) {
      if (said && said !== known.get(one.id)) one.closest("details").open = true;
      known.set(one.id, said);
    }
  });

  if (form.hasAttribute("data-overtaken")) {
    for (const name of names) if (isChanged(name)) conflict(name, stored[name], form.dataset.by);
  }
  look();
})();

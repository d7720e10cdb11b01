// Typed words that were not sent are kept in this browser, by account and form, and offered again
// after a crash, a closed tab or a lost connection. They go when the form was accepted, on signing
// out, and after twelve hours. Passwords, codes and what is typed to send an alert are never kept.
"use strict";

(() => {
  const BEGINS = "todoke:typed:";
  const HOLDS_MS = 12 * 3600 * 1000;
  const QUIET_MS = 400;
  const SENT = "todoke_sent";
  const NEVER = new Set(["csrf", "then", "typed", "password", "present", "new", "again", "code", "new_code", "offer", "preview_language", "ready", "template"]);
  const NO_NAME = new Set(["csrf", "version", "look", "seen", "sending"]); // hidden, and not the same each time
  const TYPES = new Set(["hidden", "password", "submit", "button", "reset", "image", "file"]);
  const email = document.getElementById("session").dataset.email;
  const first = new WeakMap(); // form -> its values as the server made them
  const offered = new WeakMap(); // form -> what is offered above it and was neither taken nor thrown away
  const waiting = new Map();
  const wrote = new WeakSet(); // forms whose words this page has put into the store

  const store = (act) => {
    try {
      return act(localStorage);
    } catch {
      return null; // a full or forbidden store keeps nothing, and breaks nothing
    }
  };
  const read = (key) => {
    try {
      return JSON.parse(store((kept) => kept.getItem(key)) ?? "null");
    } catch {
      return null;
    }
  };
  const ours = () => store((kept) => Object.keys(kept).filter((key) => key.startsWith(BEGINS))) ?? [];
  const remove = (key) => store((kept) => kept.removeItem(key));

  const fields = (form) => [...form.elements].filter((one) => one.name && one.type && !TYPES.has(one.type) && !NEVER.has(one.name) && one.autocomplete !== "one-time-code");
  function isKept(form) {
    return form.method === "post" && Boolean(form.closest("main")) && !form.matches("[data-keep=no]") && !form.querySelector("input[type=password]") && fields(form).length > 0;
  }
  // A form's values; `made` as the server made them, though somebody typed before this script came.
  function values(form, made = false) {
    const found = {};
    for (const one of fields(form)) {
      found[one.name] ??= [];
      if (one.type === "checkbox" || one.type === "radio") {
        if (made ? one.defaultChecked : one.checked) found[one.name].push(one.value);
      } else if (made && one.options) {
        const chosen = [...one.options].find((each) => each.defaultSelected) ?? (one.multiple ? null : one.options[0]);
        found[one.name].push(chosen?.value ?? "");
      } else found[one.name].push(made ? one.defaultValue : one.value);
    }
    return found;
  }
  function key(form) {
    const hidden = [...form.querySelectorAll("input[type=hidden]")].filter((one) => !NO_NAME.has(one.name)).map((one) => `${one.name}=${one.value}`);
    return `${BEGINS}${email} ${form.getAttribute("action") || location.pathname} ${hidden.join("&").slice(0, 300)}`;
  }
  const alike = (some, others) => same(some.map((one) => one.trim()).filter(Boolean).sort(), others.map((one) => one.trim()).filter(Boolean).sort());
  const same = (some, others) => JSON.stringify(some) === JSON.stringify(others);

  function keep(form) {
    waiting.delete(form);
    // Only what was changed here: the rest may be changed by a colleague meanwhile.
    const changed = Object.entries(values(form)).filter(([name, now]) => !same(now, first.get(form)?.[name]));
    const before = offered.get(form);
    if (!changed.length) {
      if (wrote.has(form)) rest(form);
      return;
    }
    wrote.add(form);
    const known = read(key(form));
    const all = { ...before?.values, ...Object.fromEntries(changed) };
    store((kept) => kept.setItem(key(form), JSON.stringify({ at: before?.at ?? Date.now(), values: all, sending: known?.sending })));
  }
  // Nothing here is unsaved: what was written is saved or was taken back. An offer stays.
  function rest(form) {
    const before = offered.get(form);
    if (before) store((kept) => kept.setItem(key(form), JSON.stringify(before)));
    else remove(key(form));
  }
  function forget(form) {
    clearTimeout(waiting.get(form));
    waiting.delete(form);
    first.set(form, values(form));
    rest(form);
  }

  function written(event) {
    const form = event.target.form;
    if (!form || !isKept(form)) return;
    clearTimeout(waiting.get(form));
    waiting.set(
      form,
      setTimeout(() => keep(form), QUIET_MS),
    );
  }
  document.addEventListener("input", written);
  document.addEventListener("change", written);
  const now = () => {
    for (const form of [...waiting.keys()]) {
      clearTimeout(waiting.get(form));
      keep(form);
    }
  };
  window.addEventListener("pagehide", now);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) now();
  });

  function putBack(form, kept) {
    for (const one of fields(form)) {
      const some = kept[one.name];
      if (!some) continue;
      if (one.type === "checkbox" || one.type === "radio") one.checked = some.includes(one.value);
      else {
        const nth = fields(form).filter((other) => other.name === one.name).indexOf(one);
        if (some[nth] !== undefined) one.value = some[nth];
      }
      if (one.value && one.type !== "checkbox" && one.type !== "radio") one.closest("details")?.setAttribute("open", "");
      one.dispatchEvent(new Event("change", { bubbles: true }));
    }
    form.closest("details")?.setAttribute("open", "");
    form.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function offer(form) {
    if (first.has(form) || !isKept(form)) return;
    first.set(form, values(form, true));
    const entry = read(key(form));
    // A draft that saved itself while its page was left has the words already.
    const stored = form.dataset.stored ? JSON.parse(form.dataset.stored) : null;
    if (entry && stored && Object.entries(entry.values).every(([name, some]) => alike(some, stored[name] ?? []))) {
      remove(key(form));
      return;
    }
    if (!entry || Object.entries(entry.values).every(([name, some]) => same(some, values(form)[name] ?? []))) return;
    const box = document.getElementById("typed-offer").content.cloneNode(true).firstElementChild;
    box.dataset.offerOf = key(form);
    const words = box.querySelector("[data-said]");
    const at = new Date(entry.at);
    const time = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Tokyo", hour: "2-digit", minute: "2-digit" }).format(at);
    words.textContent = words.textContent.replace("{time}", time);
    offered.set(form, entry);
    box.querySelector("[data-back]").addEventListener("click", () => {
      offered.delete(form);
      putBack(form, entry.values);
      box.remove();
      form.querySelector("textarea, input:not([type=hidden]), select")?.focus();
    });
    box.querySelector("[data-away]").addEventListener("click", () => {
      offered.delete(form);
      rest(form);
      if (first.has(form)) keep(form); // what was written meanwhile
      box.remove();
    });
    form.before(box);
  }

  // The server names the forms that it accepted.
  function accepted() {
    const cookie = document.cookie.split("; ").find((one) => one.startsWith(`${SENT}=`));
    if (!cookie) return;
    const sent = new Set(cookie.slice(SENT.length + 1).split("."));
    for (const one of ours()) if (sent.has(read(one)?.sending)) remove(one);
    document.cookie = `${SENT}=; path=/console; max-age=0`;
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented) return;
    if ((form.getAttribute("action") || "").startsWith("/console/sign-out")) {
      for (const one of ours()) if (one.startsWith(`${BEGINS}${email} `)) remove(one);
      waiting.clear();
      return;
    }
    if (!isKept(form)) return;
    if (waiting.has(form)) keep(form);
    const entry = read(key(form));
    if (!entry) return;
    entry.sending = [...crypto.getRandomValues(new Uint8Array(8))].map((one) => one.toString(16).padStart(2, "0")).join("");
    store((kept) => kept.setItem(key(form), JSON.stringify(entry)));
    const field = form.querySelector("input[name=sending]") ?? form.appendChild(document.createElement("input"));
    Object.assign(field, { type: "hidden", name: "sending", value: entry.sending });
  });
  document.addEventListener("todoke:saved", (event) => forget(event.detail));
  // What another script of the page put into a field was not typed here.
  document.addEventListener("todoke:put", (event) => {
    const { form, name } = event.detail;
    if (first.has(form)) first.get(form)[name] = values(form)[name] ?? [];
  });

  function begin() {
    accepted();
    for (const one of ours()) {
      const entry = read(one);
      if (!entry || Date.now() - entry.at > HOLDS_MS) remove(one);
    }
    for (const form of document.forms) offer(form);
  }
  begin();
  document.addEventListener("htmx:afterSwap", () => {
    for (const form of document.forms) offer(form);
  });
})();

// Keys for the list of reports and the intake. Everything they do can be done by mouse and by Tab too: a
// key moves the focus, ticks a box or presses a button that is on the page. They never act while somebody
// types, in an open list or dialog, or with Ctrl, Alt or Meta; and they can be switched off (WCAG 2.1.4).
"use strict";

(() => {
  const OFF = "todoke_report_keys_off";
  const dialog = document.getElementById("keys");
  if (!dialog) return;
  const list = document.querySelector("table[data-list]");
  const form = document.getElementById("together");
  const bar = document.querySelector("details.together");
  const whole = document.querySelector("[data-whole]");
  const narrow = matchMedia("(max-width: 640px)").matches;
  const all = document.querySelector("[data-all] input");
  const rows = () => (list ? [...list.querySelectorAll("tr[data-number]")] : []);
  const said = document.querySelector("[data-said]");
  const box = dialog.querySelector("[data-keys-on]");
  let remembered = null; // the row that was last in focus

  const isOn = () => {
    try {
      return localStorage.getItem(OFF) !== "yes";
    } catch {
      return true;
    }
  };
  box.checked = isOn();
  box.addEventListener("change", () => {
    try {
      localStorage.setItem(OFF, box.checked ? "no" : "yes");
    } catch {
      // Without a store the choice lasts as long as the page.
    }
  });
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  for (const button of document.querySelectorAll("button[data-keys]")) {
    button.hidden = false;
    button.addEventListener("click", () => dialog.showModal());
  }

  const WRITES = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable=true]";
  function types(target) {
    return target instanceof Element && Boolean(target.closest(`${WRITES}, dialog, .map-box, .leaflet-container`));
  }

  function rowOf(element) {
    return element instanceof Element ? element.closest("tr[data-number]") : null;
  }

  function current() {
    const row = rowOf(document.activeElement);
    if (row) return row;
    return remembered && remembered.isConnected ? remembered : null;
  }

  function go(step) {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(current());
    const to = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step));
    if (at === to && step > 0) return void document.querySelector("a[data-next]")?.focus();
    show(all[to]);
  }

  function show(row) {
    remembered = row;
    for (const each of rows()) each.classList.toggle("current", each === row);
    const link = row.querySelector("a[data-open]");
    link.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  function boxes() {
    return rows().map((row) => row.querySelector('input[name="pick"]')).filter(Boolean);
  }

  function tell() {
    const marked = boxes().filter((each) => each.checked).length;
    if (all) {
      all.checked = marked > 0 && marked === boxes().length;
      all.indeterminate = marked > 0 && !all.checked;
    }
    // All of the page is marked: then perhaps all of the list is meant.
    if (whole) {
      whole.hidden = !narrow && !(marked > 0 && marked === boxes().length);
      if (whole.hidden) whole.querySelector("input").checked = false;
    }
    const place = bar?.querySelector("[data-marked]");
    if (!place) return;
    place.dataset.plain ||= place.textContent;
    place.textContent = marked ? `${place.dataset.plain} (${marked})` : place.dataset.plain;
    bar.classList.toggle("some", marked > 0);
    if (said) said.textContent = place.textContent;
  }

  function mark(row = current()) {
    const tick = row?.querySelector('input[name="pick"]');
    if (!tick) return;
    tick.checked = !tick.checked;
    tell();
  }

  // Nothing is marked: the current one is meant.
  function markOne() {
    if (boxes().some((each) => each.checked)) return true;
    const row = current();
    if (!row) return false;
    mark(row);
    return true;
  }

  function markAll() {
    const on = boxes().some((each) => !each.checked);
    for (const each of boxes()) each.checked = on;
    tell();
  }

  function act(id) {
    const field = document.getElementById(id);
    if (!field || !markOne()) return;
    const details = field.closest("details");
    if (details) details.open = true;
    field.focus();
  }

  const ofList = {
    j: () => go(1),
    k: () => go(-1),
    ArrowDown: () => go(1),
    ArrowUp: () => go(-1),
    o: () => current()?.querySelector("a[data-open]")?.click(),
    x: () => mark(),
    X: markAll,
    a: () => act("act-assign"),
    r: () => act("act-answer"),
    s: () => act("act-state"),
    c: () => act("act-join"),
    n: () => document.querySelector("a[data-next]")?.click(),
    p: () => document.querySelector("a[data-previous]")?.click(),
    i: () => document.querySelector('a[href="/console/reports/inbox"]')?.click(),
    "/": () => document.querySelector('#filters input[name="text"]')?.focus(),
  };

  // A key of the intake is written on its button.
  function ofPage(key) {
    const own = [...document.querySelectorAll("[data-key]")].find((each) => each.dataset.key === key && !each.disabled && each.offsetParent);
    if (!own) return null;
    return () => {
      if (own.matches("select, input, textarea")) own.focus();
      else own.click();
    };
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.repeat) {
      if (!["j", "k", "ArrowDown", "ArrowUp"].includes(event.key) || !event.repeat || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    }
    if (document.querySelector("dialog[open]") || types(event.target)) {
      if (event.key === "Escape" && types(event.target) && !document.querySelector("dialog[open]") && event.target.form === form) {
        const row = current();
        if (row) show(row);
      }
      return;
    }
    if (!isOn() && event.key !== "?") return;
    if (event.key === "?") {
      event.preventDefault();
      dialog.showModal();
      return;
    }
    // Arrows scroll the page as always, unless the focus is in the list.
    if (event.key.startsWith("Arrow") && (!rowOf(event.target) || event.shiftKey)) return;
    // A letter on a button or a link of elsewhere is still a key of this page; Enter and Space are theirs.
    const does = ofPage(event.key) || (list ? ofList[event.key] : null);
    if (!does) return;
    event.preventDefault();
    does();
  });

  // Enter in a list of reasons presses its button.
  for (const select of document.querySelectorAll("select[data-press]")) {
    select.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !select.value || event.isComposing) return;
      event.preventDefault();
      select.form.querySelector(`button[name="act"][value="${select.dataset.press}"]`)?.click();
    });
  }

  if (list) {
    list.addEventListener("change", (event) => (event.target === all ? markAll() : tell()));
    if (all) all.closest("[data-all]").hidden = false;
    list.addEventListener("focusin", (event) => {
      const row = rowOf(event.target);
      if (!row) return;
      remembered = row;
      for (const each of rows()) each.classList.toggle("current", each === row);
    });
    tell();
    // On a phone the list comes first; what is folded away opens with one touch.
    if (narrow) {
      for (const each of document.querySelectorAll("details.together, details[data-narrow]")) each.open = false;
    }
    // Back from a case: the list goes on where somebody was.
    const was = new URLSearchParams(location.hash.slice(1)).get("at");
    const row = was && rows().find((each) => each.dataset.number === was);
    if (row) show(row);
    list.addEventListener("click", (event) => {
      const link = rowOf(event.target) && event.target.closest("a");
      if (link) history.replaceState(null, "", `#at=${rowOf(link).dataset.number}`);
    });
  }
})();

// Small helpers for the console. Every page except the maps works without them.
"use strict";

const colour = /^#[0-9a-fA-F]{6}([0-9a-fA-F]{2})?$/;

// A LINE message has its own colours; the page's policy allows no inline style.
function paint(root) {
  for (const element of root.querySelectorAll("[data-bg]")) {
    if (colour.test(element.dataset.bg)) element.style.backgroundColor = element.dataset.bg;
  }
  for (const element of root.querySelectorAll("[data-ink]")) {
    if (colour.test(element.dataset.ink)) element.style.color = element.dataset.ink;
  }
  for (const element of root.querySelectorAll("[data-flex]")) {
    element.style.flex = element.dataset.flex === "0" ? "none" : `${Number(element.dataset.flex)} 1 0`;
  }
}

// The small map and the checkboxes of the districts show the same choice.
function joinDistricts(root) {
  for (const map of root.querySelectorAll("svg.map[data-for]")) {
    const form = document.getElementById(map.dataset.for);
    if (!form) continue;
    const ticks = [...form.querySelectorAll('input[name="areas"]')];
    const whole = form.querySelector('input[name="whole_city"]');
    const show = () => {
      const chosen = new Set(ticks.filter((tick) => tick.checked).map((tick) => tick.value));
      for (const path of map.querySelectorAll("path")) {
        path.classList.toggle("on", Boolean(whole && whole.checked) || chosen.has(path.dataset.area));
      }
      for (const tick of ticks) tick.disabled = Boolean(whole && whole.checked);
    };
    map.addEventListener("click", (event) => {
      const path = event.target.closest("path[data-area]");
      const tick = path && ticks.find((one) => one.value === path.dataset.area);
      if (!tick || tick.disabled) return;
      tick.checked = !tick.checked;
      tick.dispatchEvent(new Event("change", { bubbles: true }));
    });
    form.addEventListener("change", show);
    show();
  }
}

// One press sends once; the server refuses a second in any case.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-once]")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  setTimeout(() => {
    for (const button of form.querySelectorAll("button")) button.disabled = true;
  }, 0);
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

// A page that is worth printing has a button; what is folded away and belongs on paper opens for it.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) print();
});
addEventListener("beforeprint", () => {
  for (const each of document.querySelectorAll("details[data-print-open]:not([open])")) {
    each.open = true;
    each.dataset.opened = "yes";
  }
});
addEventListener("afterprint", () => {
  for (const each of document.querySelectorAll("details[data-opened]")) {
    each.open = false;
    delete each.dataset.opened;
  }
});

// From a case back to the list as it was in this tab: filter, order, page and line.
const LIST = "/console/reports";
function rememberList() {
  try {
    if (location.pathname === LIST) sessionStorage.setItem("todoke_list", location.search);
    const query = sessionStorage.getItem("todoke_list");
    const number = location.pathname.startsWith(`${LIST}/`) ? location.pathname.slice(LIST.length + 1) : "";
    const back = document.querySelector(`.crumbs a[href="${LIST}"]`);
    if (back && query !== null) back.href = `${LIST}${query}#at=${number}`;
  } catch {
    // Without a store it leads to the whole list.
  }
}

// A ready answer is put into the field, where it can be read before sending.
document.addEventListener("change", (event) => {
  const select = event.target.closest("select[data-fills]");
  const field = select && document.getElementById(select.dataset.fills);
  const option = select && select.selectedOptions[0];
  if (field && option && option.dataset.text) field.value = option.dataset.text;
});

// What somebody changed before the scripts had come, or what the browser put back, counts as changed
// now: previews, drafts that save themselves and kept words follow from the event.
function isTouched(field) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.options) {
    const made = [...field.options].filter((one) => one.defaultSelected);
    if (!made.length && !field.multiple) return field.selectedIndex > 0;
    return [...field.options].some((one) => one.selected !== one.defaultSelected);
  }
  return "defaultValue" in field && field.value !== field.defaultValue;
}
function tellEarly() {
  for (const form of document.forms) {
    const early = [...form.elements].find((one) => one.name && isTouched(one));
    if (early) early.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

document.addEventListener("DOMContentLoaded", () => {
  paint(document);
  rememberList();
  joinDistricts(document);
  for (const button of document.querySelectorAll("[data-print]")) button.hidden = false;
  setTimeout(tellEarly); // once every script listens
});
document.addEventListener("htmx:afterSwap", (event) => paint(event.target));

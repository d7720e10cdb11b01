// Building elements; text always goes in as text, never as HTML.

/** Make an element: `make("button.send", {onclick}, "text", child, …)`. */
export function make(selector, attributes = {}, ...children) {
  const [tag, ...classes] = selector.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(element.style, value);
    else if (name === "testid") element.dataset.testid = value;
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children.flat());
  return element;
}

const ICONS = {
  plus: "M12 5v14M5 12h14",
  camera: "M4 8h3l2-3h6l2 3h3v11H4zM12 10a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z",
  photo: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M9 9h.01",
  send: "M4 12l16-8-6 16-2.5-6.5z",
  keyboard: "M3 7h18v10H3zM7 10.5h.01M11 10.5h.01M15 10.5h.01M8 14h8",
  menu: "M4 7h16M4 12h16M4 17h16",
  down: "M6 9l6 6 6-6",
  up: "M6 15l6-6 6 6",
  back: "M15 5l-7 7 7 7",
  next: "M9 5l7 7-7 7",
  close: "M6 6l12 12M18 6L6 18",
  pin: "M12 21s7-6.6 7-11.5A7 7 0 0 0 5 9.500C5 14.400 12 21 12 21zM12 12a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5z",
  smile: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9 10h.01M15 10h.01M8.500 14a4.200 4.200 0 0 0 7 0",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  play: "M8 5l11 7-11 7z",
  shield: "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM9 12l2 2 4-4",
  phone: "M6 3h4l2 5-2.500 1.500a11 11 0 0 0 5 5L16 12l5 2v4a2 2 0 0 1-2 2A16 16 0 0 1 4 5a2 2 0 0 1 2-2z",
  zoomIn: "M12 6v12M6 12h12",
  zoomOut: "M6 12h12",
};

export function icon(name, filled = false) {
  return svg(
    "svg",
    {
      viewBox: "0 0 24 24", class: `icon icon-${name}`, "aria-hidden": "true",
      fill: filled ? "currentColor" : "none", stroke: "currentColor", "stroke-width": "1.8",
      "stroke-linecap": "round", "stroke-linejoin": "round",
    },
    svg("path", { d: ICONS[name] }),
  );
}

const LINK = /(https?:\/\/[^\s<>"'（）「」、。]+|tel:[0-9+-]+)/g;

/** Text with its line breaks, and links that can be tapped. */
export function linked(text, onLink) {
  const parts = [];
  let last = 0;
  for (const match of text.matchAll(LINK)) {
    parts.push(text.slice(last, match.index));
    const uri = match[0].replace(/[.,;:!?)]+$/, "");
    parts.push(make("a", {
      href: uri,
      rel: "noopener",
      onclick: (event) => { event.preventDefault(); onLink(uri); },
    }, uri));
    last = match.index + uri.length;
  }
  parts.push(text.slice(last));
  return parts;
}

let toastTimer = 0;
export function toast(text) {
  const place = document.getElementById("toast");
  place.textContent = text;
  place.classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => place.classList.remove("shown"), 3000);
}

/** A picture's address if it is one a page may load, else nothing. */
export function safeImage(url) {
  return /^(https?:\/\/|\/_simulator\/|blob:)/.test(url || "") ? url : "";
}

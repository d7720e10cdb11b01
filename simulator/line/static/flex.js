// Draws Flex containers the way LINE does: CSS flexbox with LINE's defaults.
// Source of the numbers: the Messaging API reference, sections "Flex Message" and
// "Flex Message layout", and the look of the keywords on a phone.

import { make, safeImage } from "./dom.js";

const STEP = { none: 0, xs: 2, sm: 4, md: 8, lg: 12, xl: 16, xxl: 20 };
const BORDER = { none: 0, light: 0.5, normal: 1, medium: 2, "semi-bold": 3, bold: 4 };
const FONT = {
  xxs: 11, xs: 13, sm: 14, md: 16, lg: 19, xl: 22, xxl: 29, "3xl": 35, "4xl": 48, "5xl": 74,
};
const IMAGE = {
  xxs: 40, xs: 60, sm: 80, md: 100, lg: 120, xl: 140, xxl: 160, "3xl": 180, "4xl": 200, "5xl": 220,
};
const WIDTH = { nano: 120, micro: 160, deca: 220, hecto: 241, kilo: 260, mega: 300, giga: 500 };
const PADDING = {
  nano: 10, micro: 10, deca: 11, hecto: 11, kilo: 13, mega: 20, giga: 20,
};

const length = (value, steps = STEP) =>
  value === undefined ? undefined : value in steps ? `${steps[value]}px` : value;

/** Draw a bubble or carousel; `act(action, element)` is called when something is tapped. */
export function drawFlex(container, act) {
  if (container.type === "bubble") return drawBubble(container, act);
  const track = make("div.flex-carousel", { tabIndex: 0, role: "group" });
  for (const bubble of container.contents) track.append(drawBubble(bubble, act));
  return track;
}

function drawBubble(bubble, act) {
  const size = bubble.size || "mega";
  const element = make("div.flex-bubble", { dir: bubble.direction || "ltr" });
  element.dataset.size = size;
  element.style.width = `${WIDTH[size]}px`;
  tappable(element, bubble.action, act);
  for (const name of ["header", "hero", "body", "footer"]) {
    const content = bubble[name];
    if (!content) continue;
    const style = (bubble.styles || {})[name] || {};
    const block = make(`div.flex-block.flex-${name}`);
    if (style.backgroundColor) block.style.backgroundColor = style.backgroundColor;
    if (style.separator && element.childElementCount) {
      block.style.borderTop = `1px solid ${style.separatorColor || "#d4d6da"}`;
    }
    const parent = { layout: "vertical", block: true };
    const drawn = draw(content, parent, act);
    if (content.type === "box" && name !== "hero") {
      padBlock(drawn, name, PADDING[size], content, bubble);
    }
    block.append(drawn);
    element.append(block);
  }
  return element;
}

/** Blocks have a default padding unless the box sets one. */
function padBlock(element, name, padding, box, bubble) {
  if (box.paddingAll !== undefined) return;
  const amount = name === "footer" ? 10 : padding;
  const style = element.style;
  if (box.paddingTop === undefined) style.paddingTop = `${amount}px`;
  if (box.paddingBottom === undefined) {
    const under = name === "body" && bubble.footer && amount === 20 ? 17 : amount;
    style.paddingBottom = `${under}px`;
  }
  if (box.paddingStart === undefined) style.paddingInlineStart = `${amount}px`;
  if (box.paddingEnd === undefined) style.paddingInlineEnd = `${amount}px`;
}

const PAINTERS = { box, text, image, icon, button, separator, filler, video };

function draw(component, parent, act) {
  const painter = PAINTERS[component.type];
  if (!painter) return make("div");
  const element = painter(component, parent, act);
  place(element, component, parent);
  return element;
}

/** A component's size on the parent's main axis, and its position. */
function place(element, component, parent) {
  const style = element.style;
  const across = parent.layout !== "vertical";
  let share = component.flex;
  if (share === undefined) {
    if (component.type === "filler") share = 1;
    else if (!across || parent.justified) share = 0;
    else share = component.type === "icon" || component.type === "separator" ? 0 : 1;
  }
  if (component.type === "box" && component.width && across) share = 0;
  if (component.type === "box" && component.height && !across) share = 0;
  if (across) style.flex = share > 0 ? `${share} 0 0` : "none";
  else style.flex = share > 0 ? `${share} 0 auto` : "none";
  if (across && share === 0 && component.type === "text") style.maxWidth = "100%";
  const margin = component.margin === undefined
    ? (parent.first ? undefined : length(parent.spacing))
    : length(component.margin);
  if (margin !== undefined) {
    style[across ? "marginInlineStart" : "marginTop"] = margin;
  }
  const shifts = {
    top: component.offsetTop, bottom: component.offsetBottom,
    insetInlineStart: component.offsetStart, insetInlineEnd: component.offsetEnd,
  };
  if (component.position === "absolute") style.position = "absolute";
  for (const [side, value] of Object.entries(shifts)) {
    if (value !== undefined) {
      style[side] = length(value);
      if (component.position !== "absolute") style.position = "relative";
    }
  }
  if (component.gravity && across && parent.layout === "horizontal" && component.type === "button") {
    style.alignSelf = { top: "flex-start", center: "center", bottom: "flex-end" }[component.gravity];
  }
}

function box(component, parent, act) {
  const element = make(`div.flex-box.flex-${component.layout}`);
  const style = element.style;
  if (component.backgroundColor) style.backgroundColor = component.backgroundColor;
  if (component.background && component.background.type === "linearGradient") {
    const { angle, startColor, endColor, centerColor, centerPosition } = component.background;
    const middle = centerColor ? `${centerColor} ${centerPosition || "50%"}, ` : "";
    style.background = `linear-gradient(${angle}, ${startColor} 0%, ${middle}${endColor} 100%)`;
  }
  if (component.borderWidth !== undefined || component.borderColor) {
    const wide = length(component.borderWidth || "normal", BORDER);
    style.border = `${wide} solid ${component.borderColor || "#d4d6da"}`;
    if (component.borderWidth === undefined) style.borderWidth = "0";
  }
  if (component.cornerRadius !== undefined) {
    style.borderRadius = length(component.cornerRadius);
    style.overflow = "hidden";
  }
  for (const name of ["width", "maxWidth", "height", "maxHeight"]) {
    if (component[name] !== undefined) {
      style[name] = component[name];
      if (name !== "width" && name !== "maxWidth") style.overflow = "hidden";
    }
  }
  if (component.paddingAll !== undefined) style.padding = length(component.paddingAll);
  for (const [name, side] of [
    ["paddingTop", "paddingTop"], ["paddingBottom", "paddingBottom"],
    ["paddingStart", "paddingInlineStart"], ["paddingEnd", "paddingInlineEnd"],
  ]) {
    if (component[name] !== undefined) style[side] = length(component[name]);
  }
  if (component.justifyContent) style.justifyContent = component.justifyContent;
  if (component.alignItems) style.alignItems = component.alignItems;
  tappable(element, component.action, act);
  const here = {
    layout: component.layout, spacing: component.spacing, justified: !!component.justifyContent,
    aligned: component.alignItems, first: true,
  };
  for (const child of component.contents) {
    element.append(draw(child, here, act));
    if (child.position !== "absolute") here.first = false;
  }
  return element;
}

function lettering(element, component) {
  const style = element.style;
  if (component.size) style.fontSize = length(component.size, FONT);
  if (component.color) style.color = component.color;
  if (component.weight === "bold") style.fontWeight = "700";
  if (component.weight === "regular") style.fontWeight = "400";
  if (component.style === "italic") style.fontStyle = "italic";
  if (component.decoration && component.decoration !== "none") {
    style.textDecoration = component.decoration;
  }
}

function text(component, parent, act) {
  const element = make("div.flex-text");
  const words = make("p");
  lettering(element, component);
  if (component.contents && component.contents.length) {
    for (const span of component.contents) {
      const part = make("span", {}, span.text || "");
      lettering(part, span);
      words.append(part);
    }
  } else {
    words.append(component.text || "");
  }
  if (component.wrap) element.classList.add("flex-wrap");
  if (component.maxLines) {
    words.classList.add("flex-clamped");
    words.style.webkitLineClamp = String(component.maxLines);
  }
  if (component.align) words.style.textAlign = component.align;
  if (component.lineSpacing) words.style.lineHeight = `calc(1.2em + ${component.lineSpacing})`;
  if (component.gravity && parent.layout !== "baseline") {
    element.style.justifyContent = { top: "flex-start", center: "center", bottom: "flex-end" }[
      component.gravity
    ];
  }
  tappable(element, component.action, act);
  element.append(words);
  return element;
}

function ratio(value) {
  const [wide, high] = (value || "1:1").split(":").map(Number);
  return `${wide} / ${high}`;
}

function image(component, parent, act) {
  const element = make("div.flex-image");
  const size = component.size || "md";
  const frame = make("div.flex-image-frame");
  frame.style.width = size === "full" ? "100%" : length(size, IMAGE);
  frame.style.aspectRatio = ratio(component.aspectRatio);
  if (component.backgroundColor) frame.style.backgroundColor = component.backgroundColor;
  const picture = make("img", { src: safeImage(component.url), alt: "", loading: "lazy" });
  picture.style.objectFit = component.aspectMode === "cover" ? "cover" : "contain";
  picture.addEventListener("error", () => frame.classList.add("flex-missing"));
  frame.append(picture);
  element.style.alignItems = { start: "flex-start", center: "center", end: "flex-end" }[
    component.align || "center"
  ];
  element.style.justifyContent = { top: "flex-start", center: "center", bottom: "flex-end" }[
    component.gravity || "top"
  ];
  tappable(element, component.action, act);
  element.append(frame);
  return element;
}

function icon(component) {
  const element = make("div.flex-icon");
  const size = component.size || "md";
  element.style.fontSize = length(size, FONT);
  const picture = make("img", { src: safeImage(component.url), alt: "" });
  picture.style.aspectRatio = ratio(component.aspectRatio);
  element.append(picture);
  return element;
}

function button(component, parent, act) {
  const kind = component.style || "link";
  const element = make(`div.flex-button.flex-button-${kind}`);
  if (component.height === "sm") element.classList.add("flex-button-sm");
  const inner = make("button", { type: "button", testid: "flex-button" }, component.action.label || "");
  if (component.color) {
    if (kind === "link") inner.style.color = component.color;
    else inner.style.backgroundColor = component.color;
  }
  inner.addEventListener("click", (event) => {
    event.stopPropagation();
    act(component.action, inner);
  });
  element.append(inner);
  return element;
}

function separator(component, parent) {
  const element = make("div.flex-separator");
  element.classList.add(parent.layout === "vertical" ? "flex-separator-row" : "flex-separator-column");
  if (component.color) element.style.backgroundColor = component.color;
  return element;
}

function filler() {
  return make("div.flex-filler");
}

function video(component, parent, act) {
  const element = make("div.flex-image");
  const frame = make("div.flex-image-frame");
  frame.style.width = "100%";
  frame.style.aspectRatio = ratio(component.aspectRatio || "16:9");
  const player = make("video", {
    src: safeImage(component.url), poster: safeImage(component.previewUrl), controls: true,
    preload: "none", playsInline: true,
  });
  player.addEventListener("error", () => {
    element.replaceChildren(draw(component.altContent, { layout: "vertical" }, act));
  });
  frame.append(player);
  element.append(frame);
  if (component.action && component.action.label) {
    const open = make("button.flex-video-action", { type: "button" }, component.action.label);
    open.addEventListener("click", () => act(component.action, open));
    element.append(open);
  }
  return element;
}

/** Make an element with an action tappable, also with the keyboard. */
function tappable(element, action, act) {
  if (!action) return;
  element.classList.add("flex-tappable");
  element.tabIndex = 0;
  element.setAttribute("role", "button");
  if (action.label) element.setAttribute("aria-label", action.label);
  const go = (event) => {
    event.stopPropagation();
    act(action, element);
  };
  element.addEventListener("click", go);
  element.addEventListener("keydown", (event) => {
    if (event.target === element && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      go(event);
    }
  });
}

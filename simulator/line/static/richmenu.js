// The rich menu: a picture with areas to tap, and the bar that opens and closes it.

import * as api from "./api.js";
import { icon, make } from "./dom.js";
import { word } from "./words.js";

/** Draw the panel for a rich menu. */
export function drawMenu(menu, act) {
  const { width, height } = menu.size;
  const panel = make("div.rich-menu", { testid: "rich-menu", style: { aspectRatio: `${width} / ${height}` } },
    make("img", { src: api.menuImageUrl(menu.richMenuId), alt: "" }));
  panel.dataset.richMenuId = menu.richMenuId;
  menu.areas.forEach((area, index) => {
    const { x, y, width: w, height: h } = area.bounds;
    panel.append(make("button.hot-area", {
      type: "button", testid: "rich-menu-area",
      "aria-label": area.action.label || area.action.text || area.action.displayText || `${index + 1}`,
      onclick: (event) => act(area.action, event.currentTarget),
      style: {
        left: `${(x / width) * 100}%`, top: `${(y / height) * 100}%`,
        width: `${(w / width) * 100}%`, height: `${(h / height) * 100}%`,
      },
    }));
  });
  return panel;
}

/** Draw the bar under the chat while the menu, not the keyboard, is in use. */
export function drawMenuBar(menu, opened, { toggle, keyboard }) {
  return make("div.menu-bar", {},
    make("button.round", {
      type: "button", testid: "to-keyboard", title: word("keyboard"), "aria-label": word("keyboard"), onclick: keyboard,
    }, icon("keyboard")),
    make("button.menu-bar-text", {
      type: "button", testid: "rich-menu-toggle", "aria-expanded": String(opened), onclick: toggle,
    }, menu.chatBarText, icon(opened ? "down" : "up")));
}

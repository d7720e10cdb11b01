// Draws one thing in a chat: what the account sent, what the user sent, or a notice.

import * as api from "./api.js";
import { icon, linked, make, safeImage } from "./dom.js";
import { drawFlex } from "./flex.js";
import { drawSticker } from "./stickers.js";
import { pageLanguage, word } from "./words.js";

// The residents live in Japan, wherever the viewer of this page is.
const CITY_TIME = "Asia/Tokyo";
const dayOf = (moment) => new Date(moment).toLocaleDateString("en-CA", { timeZone: CITY_TIME });

export function clockTime(milliseconds) {
  return new Date(milliseconds).toLocaleTimeString(pageLanguage() === "ja" ? "ja-JP" : "en-GB", {
    hour: "numeric", minute: "2-digit", timeZone: CITY_TIME,
  });
}

export function dayLabel(milliseconds) {
  const day = new Date(milliseconds);
  const now = Date.now();
  if (dayOf(day) === dayOf(now)) return word("today");
  if (dayOf(day) === dayOf(now - 86400000)) return word("yesterday");
  return day.toLocaleDateString(pageLanguage() === "ja" ? "ja-JP" : "en-GB", {
    month: "long", day: "numeric", weekday: "short", timeZone: CITY_TIME,
  });
}

/** Draw an item. `tools` has `act(action)`, `open(uri)`, `unsend(id)`, `look(url)`, `account`. */
export function drawItem(item, tools, together) {
  if (item.side === "notice") {
    return make("li.chat-notice", { testid: "notice" },
      make("span", {}, word(item.message.notice)));
  }
  const mine = item.side === "user";
  const content = drawMessage(item, tools, mine);
  const wide = content.classList.contains("wide");
  const line = make(`li.chat-line.${mine ? "mine" : "theirs"}`, { testid: "message" });
  line.dataset.messageId = item.id;
  line.dataset.kind = item.message.type;
  line.dataset.side = item.side;
  if (wide) line.classList.add("chat-line-wide");
  if (together) line.classList.add("together");
  const stamp = make("span.chat-stamp", {},
    mine ? make("span", {}, word("read")) : null,
    make("time", { datetime: new Date(item.at).toISOString() }, clockTime(item.at)));
  if (mine) {
    line.append(stamp, content);
  } else {
    const sender = item.message.sender || {};
    const face = make("span.avatar", { "aria-hidden": "true" });
    const picture = safeImage(sender.iconUrl);
    face.append(picture ? make("img", { src: picture, alt: "" }) : accountMark());
    const column = make("div.chat-column", {},
      together ? null : make("span.chat-name", {}, sender.name || tools.account), content);
    line.append(face, column, stamp);
  }
  return line;
}

/** The account's picture: a drop falling into a hand, ours. */
export function accountMark() {
  return make("img", { src: "icon.svg", alt: "" });
}

function drawMessage(item, tools, mine) {
  const { message } = item;
  switch (message.type) {
    case "text": return bubble(linkedWithEmoji(message, tools), mine, item, tools);
    case "textV2": return bubble(substituted(message, tools), mine, item, tools);
    case "sticker": return make("div.chat-sticker", {}, drawSticker(message));
    case "image": return picture(
      mine ? api.contentUrl(item.id) : message.originalContentUrl,
      mine ? api.contentUrl(item.id) : message.previewImageUrl, tools);
    case "video": return film(mine ? api.contentUrl(item.id) : message.originalContentUrl,
      mine ? "" : message.previewImageUrl);
    case "audio": return sound(mine ? api.contentUrl(item.id) : message.originalContentUrl);
    case "file": return file(message);
    case "location": return place(message, tools);
    case "imagemap": return imagemap(message, tools);
    case "template": return template(message.template, tools);
    case "flex": {
      const drawn = drawFlex(message.contents, tools.act);
      drawn.setAttribute("aria-label", message.altText);
      const holder = make("div.chat-flex", {}, drawn);
      if (message.contents.type === "carousel") holder.classList.add("wide");
      return holder;
    }
    default: return bubble([`[${message.type}]`], mine, item, tools);
  }
}

function bubble(content, mine, item, tools) {
  const element = make("div.chat-bubble", {}, make("span.chat-text", { testid: "message-text" }, content));
  if (mine && item.message.quoteToken) {
    const unsend = make("button.chat-unsend", {
      type: "button", title: word("unsend"), "aria-label": word("unsend"),
      onclick: () => tools.unsend(item.id),
    }, icon("close"));
    element.append(unsend);
  }
  return element;
}

/** LINE's own emoji replace `$`; ours is a plain smile. */
function linkedWithEmoji(message, tools) {
  if (!message.emojis || !message.emojis.length) return linked(message.text, tools.open);
  const parts = [];
  let last = 0;
  for (const emoji of [...message.emojis].sort((a, b) => a.index - b.index)) {
    parts.push(...linked(message.text.slice(last, emoji.index), tools.open), "🙂");
    last = emoji.index + 1;
  }
  return [...parts, ...linked(message.text.slice(last), tools.open)];
}

function substituted(message, tools) {
  const parts = [];
  for (const piece of message.text.split(/(\{\{|\}\}|\{[A-Za-z0-9_]+\})/)) {
    const name = /^\{(\w+)\}$/.exec(piece);
    if (piece === "{{") parts.push("{");
    else if (piece === "}}") parts.push("}");
    else if (name && message.substitution && message.substitution[name[1]]) {
      const filling = message.substitution[name[1]];
      parts.push(filling.type === "emoji" ? "🙂" : make("b.chat-mention", {}, `@${tools.userName}`));
    } else parts.push(...linked(piece, tools.open));
  }
  return parts;
}

function picture(full, preview, tools) {
  const url = safeImage(full);
  return make("button.chat-picture", {
    type: "button", "aria-label": word("zoomable"), onclick: () => tools.look(url),
  }, make("img", { src: safeImage(preview) || url, alt: "" }));
}

function film(url, poster) {
  return make("div.chat-picture", {}, make("video", {
    src: safeImage(url), poster: safeImage(poster), controls: true, preload: "metadata",
    playsInline: true,
  }));
}

const sound = (url) =>
  make("div.chat-bubble", {}, make("audio", { src: safeImage(url), controls: true, preload: "none" }));

function file(message) {
  const size = message.fileSize > 1e6
    ? `${(message.fileSize / 1e6).toFixed(1)} MB` : `${Math.ceil(message.fileSize / 1e3)} KB`;
  return make("div.chat-bubble.chat-file", {}, icon("file"),
    make("span", {}, make("b", {}, message.fileName), make("small", {}, size)));
}

function place(message, tools) {
  const { latitude, longitude } = message;
  const uri = `https://www.google.com/maps/search/?api=1&query=${latitude},${longitude}`;
  return make("button.chat-place", { type: "button", onclick: () => tools.open(uri) },
    make("span.chat-place-map", {}, icon("pin", true)),
    make("span.chat-place-words", {},
      make("b", {}, message.title || word("location")),
      make("span", {}, message.address || `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`)));
}

function imagemap(message, tools) {
  const { width, height } = message.baseSize;
  const element = make("div.chat-imagemap", { style: { aspectRatio: `${width} / ${height}` } },
    make("img", {
      src: safeImage(`${message.baseUrl}/1040`), alt: message.altText,
      onerror: () => element.classList.add("flex-missing"),
    }));
  for (const action of message.actions) {
    const { x, y, width: w, height: h } = action.area;
    const as = {
      message: { type: "message", text: action.text },
      uri: { type: "uri", uri: action.linkUri },
      clipboard: { type: "clipboard", clipboardText: action.clipboardText },
    }[action.type];
    element.append(make("button.hot-area", {
      type: "button", testid: "imagemap-area", "aria-label": action.label || action.text || action.linkUri,
      onclick: () => tools.act(as),
      style: {
        left: `${(x / width) * 100}%`, top: `${(y / height) * 100}%`,
        width: `${(w / width) * 100}%`, height: `${(h / height) * 100}%`,
      },
    }));
  }
  return element;
}

function template(content, tools) {
  if (content.type === "carousel" || content.type === "image_carousel") {
    const cards = content.columns.map((column) => (content.type === "carousel"
      ? card({ ...content, ...column }, tools) : imageCard(column, tools)));
    return make("div.chat-cards.wide", { tabIndex: 0, role: "group" }, cards);
  }
  return card(content, tools);
}

function card(content, tools) {
  const element = make(`div.chat-card.chat-card-${content.type || "column"}`);
  if (content.thumbnailImageUrl) {
    const shape = content.imageAspectRatio === "square" ? "1 / 1" : "1.51 / 1";
    const photo = make("img.chat-card-image", {
      src: safeImage(content.thumbnailImageUrl), alt: "",
      style: {
        aspectRatio: shape, objectFit: content.imageSize || "cover",
        backgroundColor: content.imageBackgroundColor || "#fff",
      },
    });
    element.append(photo);
  }
  const words = make("div.chat-card-words", {},
    content.title ? make("b", {}, content.title) : null, make("p", {}, content.text));
  if (content.defaultAction) {
    words.classList.add("flex-tappable");
    words.addEventListener("click", () => tools.act(content.defaultAction));
  }
  const buttons = content.actions.map((action) => make("button", {
    type: "button", testid: "template-button", onclick: (event) => tools.act(action, event.currentTarget),
  }, action.label));
  element.append(words, make("div.chat-card-actions", {}, buttons));
  return element;
}

function imageCard(column, tools) {
  return make("button.chat-image-card", {
    type: "button", testid: "template-button",
    onclick: (event) => tools.act(column.action, event.currentTarget),
    "aria-label": column.action.label || column.action.type,
  }, make("img", { src: safeImage(column.imageUrl), alt: "" }),
  column.action.label ? make("span", {}, column.action.label) : null);
}

// One phone: a resident's chat with the account, and everything they can do in it.

import * as api from "./api.js";
import { icon, make, toast } from "./dom.js";
import { accountMark, clockTime, dayLabel, drawItem } from "./messages.js";
import { drawMenu, drawMenuBar } from "./richmenu.js";
import {
  callSheet, dateSheet, locationSheet, photoSheet, pictureSheet, residentSheet, stickerSheet,
} from "./sheets.js";
import { NAMES, PHONE_LANGUAGES, word } from "./words.js";

// Older messages of a longer chat are not shown; the ledger has all.
const MOST_SHOWN = 300;

export class Phone {
  /** `shared` has `account`, `photos`, `users` (list) and `choose(number, userId)`. */
  constructor(number, shared) {
    this.number = number;
    this.shared = shared;
    this.user = null;
    this.asked = null; // whose chat is being read; changes wait meanwhile
    this.heard = [];
    this.draft = "";
    this.menuOpen = false;
    this.typing = true;
    this.waiting = 0;
    this.element = make("section.phone-place", { testid: `phone-${number}` });
    this.build();
  }

  build() {
    const hadFocus = this.input === document.activeElement && this.input !== undefined;
    if (this.input) this.draft = this.input.value;
    this.tools = make("div.phone-tools");
    this.list = make("ol.chat-list", { testid: "chat", "aria-live": "polite", "aria-label": word("chat") });
    this.scroller = make("div.chat-scroll", { tabIndex: 0, "aria-label": word("chat") }, this.list);
    this.replies = make("div.quick-replies", { testid: "quick-replies", role: "group" });
    this.foot = make("footer.phone-foot");
    this.newer = make("button.chat-newer", {
      type: "button", hidden: true, onclick: () => this.toEnd(true),
    }, word("newMessages"), icon("down"));
    this.clock = make("span.status-clock", {}, clockTime(Date.now()));
    this.screen = make("div.phone-screen", {},
      make("div.status-bar", { "aria-hidden": "true" }, this.clock, make("span.status-icons", {}, make("i.signal"), make("i.battery"))),
      make("header.chat-head", {},
        make("span.chat-head-icon", { "aria-hidden": "true" }, icon("back")),
        make("span.chat-head-shield", { "aria-hidden": "true" }, icon("shield")),
        make("h2.chat-head-name", { testid: "account-name" }, this.shared.account)),
      make("div.chat", {}, this.scroller, this.newer, this.replies), this.foot);
    this.element.replaceChildren(this.tools, make("div.phone", {}, this.screen));
    this.following = true;
    this.scroller.addEventListener("scroll", () => {
      this.following = this.atEnd();
      if (this.following) this.newer.hidden = true;
    });
    // When pictures arrive or the keyboard opens, a chat at its end stays at its end.
    if (this.sizes) this.sizes.disconnect();
    this.sizes = new ResizeObserver(() => { if (this.following) this.jump(); });
    this.sizes.observe(this.list);
    this.sizes.observe(this.scroller);
    this.draw();
    if (hadFocus && this.input) this.input.focus();
  }

  get id() { return this.user && this.user.userId; }

  async show(userId) {
    this.asked = userId;
    this.heard = [];
    try {
      this.user = userId ? await api.user(userId) : null;
    } finally {
      this.asked = null;
    }
    this.menuOpen = Boolean(this.user && this.user.richMenu && this.user.richMenu.selected);
    this.typing = !(this.user && this.user.richMenu);
    this.draw();
    for (const [kind, data] of this.heard) await this.changed(kind, data);
  }

  concerns(userId) {
    const shown = this.asked || this.id;
    return Boolean(shown) && (shown === userId || userId === "");
  }

  // Changes from the simulator

  async changed(kind, data) {
    if (this.asked) {
      this.heard.push([kind, data]); // the answer that is on its way may not have it
    } else if (kind === "item") {
      if (this.user.chat.some((item) => item.id === data.id)) return;
      this.user.chat.push(data);
      this.stopWaiting();
      const stay = this.atEnd() || data.side === "user";
      this.append(data);
      this.drawReplies();
      if (stay) this.toEnd();
      else this.newer.hidden = false;
    } else if (kind === "removed") {
      this.user.chat = this.user.chat.filter((item) => item.id !== data.id);
      this.drawChat();
    } else if (kind === "user") {
      this.user.standing = data.standing;
      this.drawTools();
      this.drawFoot();
    } else if (kind === "richmenu") {
      const before = this.user.richMenu;
      const fresh = await api.user(this.id);
      this.user.richMenu = fresh.richMenu;
      if (!before && fresh.richMenu) {
        // Whoever writes keeps the keyboard.
        this.typing = Boolean(this.input) && (this.input === document.activeElement || this.input.value !== "");
        this.menuOpen = Boolean(fresh.richMenu.selected);
      }
      this.drawFoot();
    } else if (kind === "loading") {
      this.startWaiting(data.seconds);
    }
  }

  startWaiting(seconds) {
    this.stopWaiting();
    const dots = make("li.chat-line.theirs.chat-waiting", {},
      make("span.avatar", {}, accountMark()), make("div.chat-bubble.dots", {}, make("i"), make("i"), make("i")));
    this.list.append(dots);
    this.toEnd();
    this.waiting = setTimeout(() => this.stopWaiting(), seconds * 1000);
  }

  stopWaiting() {
    clearTimeout(this.waiting);
    this.list.querySelectorAll(".chat-waiting").forEach((dots) => dots.remove());
  }

  // Drawing

  draw() {
    this.drawTools();
    this.drawChat();
    this.drawFoot();
  }

  drawTools() {
    const { users } = this.shared;
    const select = make("select", {
      testid: "user-select", "aria-label": word("resident"),
      onchange: () => this.shared.choose(this.number, select.value),
    }, users.map((user) => make("option", { value: user.userId }, `${user.name} (${user.language || "?"})`)));
    if (this.id) select.value = this.id;
    const standing = this.user ? this.user.standing : "";
    this.tools.replaceChildren(select,
      make("button.tool", { type: "button", testid: "new-resident", onclick: () => this.newResident() },
        icon("plus"), word("newResident")));
    if (standing === "friend") {
      this.tools.append(make("button.tool", {
        type: "button", testid: "block", onclick: () => this.act("block"),
      }, word("block")));
    }
  }

  drawChat() {
    this.list.replaceChildren();
    if (this.user) {
      for (const item of this.user.chat.slice(-MOST_SHOWN)) this.append(item);
    }
    this.drawReplies();
    this.toEnd();
  }

  append(item) {
    const { chat } = this.user;
    const before = chat[chat.indexOf(item) - 1];
    const day = dayLabel(item.at);
    if (!before || dayLabel(before.at) !== day) {
      this.list.append(make("li.chat-day", {}, make("span", {}, day)));
    }
    const together = Boolean(before && before.side === item.side && item.at - before.at < 60000
      && dayLabel(before.at) === day);
    this.list.append(drawItem(item, this.chatTools(), together));
  }

  chatTools() {
    return {
      account: this.shared.account,
      userName: this.user.name,
      act: (action, place) => this.tap(action, place),
      open: (uri) => this.openUri(uri),
      look: (url) => pictureSheet(this.screen, url),
      unsend: (messageId) => this.act("unsend", { messageId }),
    };
  }

  /** Quick replies belong to the last message and disappear with the next one. */
  drawReplies() {
    this.replies.replaceChildren();
    const last = this.user && this.user.chat[this.user.chat.length - 1];
    const items = last && last.side === "account" && last.message.quickReply;
    this.replies.hidden = !items;
    if (!items) return;
    for (const item of items.items) {
      this.replies.append(make("button.quick-reply", {
        type: "button", testid: "quick-reply",
        onclick: (event) => this.tap(item.action, event.currentTarget, true),
      }, item.imageUrl ? make("img", { src: item.imageUrl, alt: "" }) : replyIcon(item.action), item.action.label));
    }
    this.replies.scrollLeft = 0;
  }

  drawFoot() {
    const typing = Boolean(this.input) && this.input === document.activeElement;
    if (this.input) this.draft = this.input.value;
    this.input = null;
    const standing = this.user ? this.user.standing : "none";
    // A button that is replaced while it is pressed does nothing.
    const shown = [standing, this.id, word("follow")].join();
    if (standing !== "friend" && this.foot.dataset.shown === shown) return;
    this.foot.dataset.shown = shown;
    if (standing === "none") {
      this.foot.replaceChildren(make("div.foot-card", {}, make("p", {}, word("noUser"))));
    } else if (standing === "stranger") {
      this.foot.replaceChildren(make("div.foot-card", { testid: "profile-card" },
        make("span.avatar.avatar-large", {}, accountMark()), make("b", {}, this.shared.account),
        make("small", {}, word("profileNote")), make("p", {}, word("notFriend")),
        make("button.main-button", { type: "button", testid: "follow", onclick: () => this.act("follow") },
          word("follow"))));
    } else if (standing === "blocked") {
      this.foot.replaceChildren(make("div.foot-card", {}, make("p", {}, word("blockedNow")),
        make("button.main-button", { type: "button", testid: "unblock", onclick: () => this.act("follow") },
          word("unblock"))));
    } else {
      this.drawInput();
      if (typing && this.input) this.input.focus();
    }
    this.toEnd();
  }

  drawInput() {
    const menu = this.user.richMenu;
    if (menu && !this.typing) {
      const bar = drawMenuBar(menu, this.menuOpen, {
        toggle: () => { this.menuOpen = !this.menuOpen; this.drawFoot(); },
        keyboard: () => { this.typing = true; this.drawFoot(); this.input.focus(); },
      });
      this.foot.replaceChildren(
        ...(this.menuOpen ? [drawMenu(menu, (action, place) => this.tap(action, place))] : []), bar);
      return;
    }
    this.input = make("textarea.chat-input", {
      rows: 1, testid: "input-text", placeholder: word("message"), "aria-label": word("message"),
      maxlength: "5000", oninput: () => this.fitInput(),
      onkeydown: (event) => {
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
          event.preventDefault();
          this.sendText();
        }
      },
    });
    this.input.value = this.draft;
    const more = make("div.plus-menu", { hidden: true, testid: "plus-menu" },
      ...[
        ["photo", "photo", () => this.photos(false)], ["camera", "camera", () => this.photos(true)],
        ["location", "pin", () => this.place()], ["sticker", "smile", () => this.stickers()],
        ["file", "file", () => this.files()],
      ].map(([name, picture, go]) => make("button.plus-item", {
        type: "button", testid: `plus-${name}`,
        onclick: () => { more.hidden = true; plus.setAttribute("aria-expanded", "false"); go(); },
      }, make("span.plus-icon", {}, icon(picture)), word(name))));
    const plus = make("button.round", {
      type: "button", testid: "menu-plus", "aria-label": word("more"), title: word("more"), "aria-expanded": "false",
      onclick: () => {
        more.hidden = !more.hidden;
        plus.setAttribute("aria-expanded", String(!more.hidden));
        this.toEnd();
      },
    }, icon("plus"));
    const form = make("form.input-row", {
      onsubmit: (event) => { event.preventDefault(); this.sendText(); },
    },
    menu ? make("button.round", {
      type: "button", testid: "to-menu", "aria-label": word("menu"), title: word("menu"),
      onclick: () => { this.typing = false; this.menuOpen = true; this.drawFoot(); },
    }, icon("menu")) : null,
    plus,
    make("button.round", { type: "button", testid: "photo", "aria-label": word("photo"), onclick: () => this.photos(false) }, icon("photo")),
    make("span.input-shell", {}, this.input,
      make("button.round.in-input", { type: "button", "aria-label": word("sticker"), testid: "sticker", onclick: () => this.stickers() }, icon("smile"))),
    make("button.round.send", { testid: "send", "aria-label": word("send"), title: word("send") }, icon("send", true)));
    this.foot.replaceChildren(form, more);
    this.fitInput();
  }

  fitInput() {
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight, 110)}px`;
  }

  atEnd() {
    return this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < 40;
  }

  jump() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  toEnd(smooth = false) {
    this.newer.hidden = true;
    this.following = true;
    if (smooth) this.scroller.scrollTo({ top: this.scroller.scrollHeight, behavior: "smooth" });
    else requestAnimationFrame(() => this.jump());
  }

  // Doing

  async act(what, wish) {
    try {
      await api.act(this.id, what, wish);
    } catch (error) {
      toast(`${word("failed")}: ${error.message}`);
    }
  }

  sendText() {
    const text = this.input.value.trim();
    if (!text) return;
    this.input.value = "";
    this.draft = "";
    this.fitInput();
    this.input.focus();
    this.act("text", { text });
  }

  photos(capture) {
    photoSheet(this.screen, this.shared.photos, {
      capture,
      send: (name) => this.act("photo", { ready: name }),
      upload: (files) => this.upload(files),
    });
  }

  async upload(files) {
    const photos = files.filter((file) => file.type.startsWith("image/"));
    const setId = photos.length > 1 ? String(Date.now()) : null;
    for (const file of files) {
      const kind = ["image", "video", "audio"].find((each) => file.type.startsWith(`${each}/`)) || "file";
      const set = kind === "image" && setId
        ? { id: setId, index: photos.indexOf(file) + 1, total: photos.length } : null;
      try {
        await api.upload(this.id, file, kind, set);
      } catch (error) {
        toast(`${word("failed")}: ${error.message}`);
      }
    }
  }

  files() {
    const input = make("input", { type: "file", onchange: () => this.upload([...input.files]) });
    input.click();
  }

  place() {
    locationSheet(this.screen, (where) => this.act("location", where));
  }

  stickers() {
    stickerSheet(this.screen, (sticker) => this.act("sticker", { packageId: sticker.packageId, stickerId: sticker.stickerId }));
  }

  newResident() {
    residentSheet(this.screen, PHONE_LANGUAGES, NAMES, async (name, language) => {
      const { userId } = await api.addUser(name, language);
      this.shared.choose(this.number, userId);
    });
  }

  /** Do an action; `quick` for a quick reply, which disappears. */
  tap(action, place, quick = false) {
    if (quick) this.replies.hidden = true;
    switch (action.type) {
      case "uri": this.openUri(action.uri); break;
      case "clipboard": this.copy(action.clipboardText); break;
      case "camera": this.photos(true); break;
      case "cameraRoll": this.photos(false); break;
      case "location": this.place(); break;
      case "datetimepicker":
        dateSheet(this.screen, action, (params) => this.act("tap", { action, params }));
        break;
      default:
        this.act("tap", { action });
        if (action.type === "postback") this.afterPostback(action);
    }
  }

  afterPostback(action) {
    if (action.inputOption === "openKeyboard" || action.inputOption === "openVoice") {
      this.typing = true;
      if (action.fillInText) this.draft = action.fillInText;
      if (this.input) this.input.value = this.draft;
      this.drawFoot();
      if (this.input) this.input.focus();
    } else if (action.inputOption === "closeRichMenu") {
      this.menuOpen = false;
      this.drawFoot();
    } else if (action.inputOption === "openRichMenu" && this.user.richMenu) {
      this.typing = false;
      this.menuOpen = true;
      this.drawFoot();
    }
  }

  async copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      toast(word("copied"));
    } catch {
      window.prompt(word("copy"), text);
    }
  }

  openUri(uri) {
    if (uri.startsWith("tel:")) callSheet(this.screen, uri.slice(4));
    else if (/^(line:\/\/|https:\/\/line\.me\/R\/)nv\/location/.test(uri)) this.place();
    else if (/^(line:\/\/|https:\/\/line\.me\/R\/)nv\/camera/.test(uri)) this.photos(uri.endsWith("/camera/"));
    else if (/^https?:\/\//.test(uri)) window.open(uri, "_blank", "noopener");
    else toast(uri);
  }
}

function replyIcon(action) {
  const picture = { camera: "camera", cameraRoll: "photo", location: "pin" }[action.type];
  return picture ? icon(picture) : null;
}

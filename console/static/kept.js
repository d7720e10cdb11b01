// What is pressed on a page that a link opened. It is kept on the phone until it can be sent, in
// its order; photos wait beside it in the browser's database and are sent one by one. Each act has
// a key and its age when it is sent, so the phone's clock may be wrong.
"use strict";

class KeptActs {
  // place: the name under which acts are kept. page: the words of the page (its data attributes).
  // address: where acts are sent. photoAddress(act): where a photo is sent.
  // photosFirst: whether a photo goes before the acts that were pressed after it.
  // shows(): the page shows what is kept. answered(found): the service has said what it knows.
  constructor({ place, page, address, photoAddress = null, photosFirst = false, shows, answered }) {
    Object.assign(this, { place, page, address, photoAddress, photosFirst, shows, answered });
    this.line = document.getElementById("line");
    this.memory = [];
    this.photos = new Map();
    this.keeps = true;
    this.sending = false;
    this.failures = 0;
    this.timer = 0;
    this.over = "";
    this.refused = false;
    this.gone = 0;
  }

  // Whether something would be lost if the page were closed.
  isUnsafe() {
    return !this.keeps || this.photos.size > 0;
  }

  start() {
    window.addEventListener("online", () => {
      this.failures = 0;
      this.send();
    });
    window.addEventListener("offline", () => this.tell());
    window.addEventListener("storage", () => {
      this.shows();
      this.tell();
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.send();
    });
    // What the desk or a colleague changed meanwhile.
    setInterval(() => {
      if (!document.hidden && !this.failures) this.send();
    }, 20000);
    this.shows();
    if (this.all().length) this.tell();
    this.send();
  }

  all() {
    if (!this.keeps) return this.memory;
    try {
      const found = JSON.parse(localStorage.getItem(this.place) || "[]");
      return Array.isArray(found) ? found : [];
    } catch {
      return this.memory;
    }
  }

  keep(acts) {
    this.memory = acts;
    if (!this.keeps) return;
    try {
      localStorage.setItem(this.place, JSON.stringify(acts));
    } catch {
      this.keeps = false;
    }
  }

  drop(ids) {
    const gone = new Set(ids);
    this.keep(this.all().filter((act) => !gone.has(act.id)));
  }

  static key() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  // Keeps an act, with its photo if it has one, and sends it when there is a line.
  async add(act, photo = null) {
    const kept = { id: KeptActs.key(), at: Date.now(), ...act };
    this.refused = false;
    this.gone = 0;
    if (photo) {
      kept.photo = true;
      await this.putPhoto(kept.id, photo);
    }
    this.keep([...this.all(), kept]);
    this.shows();
    this.tell();
    this.send();
    return kept;
  }

  tell() {
    const { line, page } = this;
    const waiting = this.all().length;
    line.className = "line good";
    if (this.over) {
      line.className = "line bad";
      line.textContent = this.over === "real-now" ? page.real : page.ended;
      if (waiting) line.textContent += ` ${page.lost.replace("{n}", waiting)}`;
    } else if (!waiting && this.refused) {
      // It stays until something else is pressed.
      line.className = "line bad";
      line.textContent = page.refused;
    } else if (!waiting && this.gone) {
      line.className = "line bad";
      line.textContent = page.gone.replace("{n}", this.gone);
    } else if (!waiting) line.textContent = page.sent;
    else if (this.failures || !navigator.onLine) {
      line.className = "line wait";
      line.textContent = page.kept.replace("{n}", waiting) + (this.isUnsafe() ? ` ${page.unsafe}` : "");
    } else line.textContent = page.sending;
  }

  later() {
    const waits = [2, 5, 10, 20, 30];
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), 1000 * waits[Math.min(this.failures, waits.length) - 1] || 1000);
  }

  async ask(address, options, patience) {
    const stop = new AbortController();
    const limit = setTimeout(() => stop.abort(), patience);
    try {
      const answer = await fetch(address, { method: "POST", signal: stop.signal, cache: "no-store", ...options });
      const found = await answer.json();
      if (answer.ok) return found;
      if ([404, 409, 410, 429].includes(answer.status) && found.error) {
        this.over = found.error;
        return null;
      }
      throw new Error(String(answer.status));
    } finally {
      clearTimeout(limit);
    }
  }

  async send() {
    if (this.sending || this.over) return;
    this.sending = true;
    clearTimeout(this.timer);
    let more = false;
    try {
      const waiting = this.all();
      const first = waiting.findIndex((act) => act.photo);
      const until = this.photosFirst && first >= 0 ? first : waiting.length;
      const acts = waiting.slice(0, until).filter((act) => !act.photo);
      const photo = acts.length ? null : waiting[first];
      const found = photo ? await this.sendPhoto(photo) : await this.sendActs(acts.slice(0, 100));
      if (found) {
        this.refused ||= found.refused.length > 0;
        this.gone += found.lost || 0;
        this.drop([...found.done, ...found.refused]);
        if (photo) await this.forgetPhoto(photo.id);
        this.answered(found);
        this.failures = 0;
        this.shows();
        more = this.all().length > 0;
      }
      this.tell();
    } catch {
      this.failures += 1;
      this.tell();
      this.later();
    } finally {
      this.sending = false;
    }
    if (more) this.send();
  }

  sendActs(acts) {
    const now = Date.now();
    const listed = acts.map(({ at, photo: _photo, ...act }) => ({ ...act, age_ms: Math.max(0, now - at) }));
    const body = JSON.stringify({ acts: listed });
    return this.ask(this.address, { headers: { "Content-Type": "application/json" }, body }, 12000);
  }

  // A photo of a phone whose browser lost it is gone: waiting for it would stop all others.
  async sendPhoto(act) {
    const photo = await this.getPhoto(act.id);
    if (!photo) return { done: [act.id], refused: [], lost: 1 };
    const address = this.photoAddress(act, Math.max(0, Date.now() - act.at));
    const options = { headers: { "Content-Type": photo.type || "image/jpeg" }, body: photo };
    try {
      return await this.ask(address, options, 90000);
    } catch (error) {
      // Too large for a server on the way: asking again and again would stop all others.
      if (error.message !== "413") throw error;
      return { done: [], refused: [act.id] };
    }
  }

  database() {
    this.opening ||= new Promise((done, failed) => {
      const asked = indexedDB.open("todoke-kept", 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore("photos");
      asked.onsuccess = () => {
        asked.result.onclose = () => (this.opening = null);
        done(asked.result);
      };
      asked.onerror = () => failed(asked.error);
    });
    this.opening.catch(() => (this.opening = null));
    return this.opening;
  }

  async inStore(mode, act) {
    const database = await this.database();
    return new Promise((done, failed) => {
      const move = database.transaction("photos", mode);
      const asked = act(move.objectStore("photos"));
      move.oncomplete = () => done(asked.result);
      move.onerror = move.onabort = () => failed(move.error);
    });
  }

  async putPhoto(id, photo) {
    try {
      await this.inStore("readwrite", (store) => store.put(photo, id));
    } catch {
      // A private window, or a full phone: the page itself keeps it while it is open.
      this.photos.set(id, photo);
    }
  }

  async getPhoto(id) {
    if (this.photos.has(id)) return this.photos.get(id);
    try {
      return await this.inStore("readonly", (store) => store.get(id));
    } catch {
      return null;
    }
  }

  async forgetPhoto(id) {
    this.photos.delete(id);
    try {
      await this.inStore("readwrite", (store) => store.delete(id));
    } catch {
      // It was never there.
    }
  }

  // The service worker keeps the page, and more addresses if it is told of them. On a bad line it is
  // asked again for those that it lacks; when it has all, the page says so in data-opens.
  static keepPage(scope, more = []) {
    if (!("serviceWorker" in navigator)) return;
    navigator.serviceWorker.register(`${scope}worker.js`, { scope }).catch(() => {});
    // The first page was loaded before the worker was there.
    navigator.serviceWorker.ready
      .then((found) => {
        const files = [...document.querySelectorAll("link[href], script[src]")].map((one) => one.href || one.src);
        KeptActs.askToKeep(found, [location.href, ...files, ...more]);
      })
      .catch(() => {});
  }

  static askToKeep(registered, files, tries = 10) {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data: missing }) => {
      port1.close();
      if (!missing.length) document.body.dataset.opens = "always";
      else if (tries > 1) setTimeout(() => KeptActs.askToKeep(registered, missing, tries - 1), 20000);
    };
    registered.active.postMessage(files, [port2]);
  }
}

// The map of every page: docs/maps.md has its contract. It asks this service alone, and it is still a
// map without tiles: outlines, danger areas, rivers, scale and markers.
"use strict";

(() => {
  const GRAVEST = ["red", "purple", "amber", "blue", "green", "grey"];
  // A marker differs by its form too, so that nobody has to tell colours apart.
  const FORMS = {
    red: "M12 1 23 12 12 23 1 12Z",
    purple: "M7 1h10l6 6v10l-6 6H7l-6-6V7Z",
    amber: "M12 1.5 23.5 22H.5Z",
    blue: "M12 1.5a10.5 10.5 0 1 0 .01 0Z",
    green: "M2 2h20v20H2Z",
    grey: "M12 6a6 6 0 1 0 .01 0Z",
  };
  const MOST_LOOSE = 40; // more markers than this are put together where they are near each other
  const ZOOM_MOST = 18;
  const BARE_NEAREST = 13; // without tiles a nearer view is an empty one

  const found = document.querySelector('meta[name="map-words"]');
  const WORDS = found ? JSON.parse(found.content) : {};
  const say = (word) => WORDS[word] || "";
  const language = WORDS.language || document.documentElement.lang || "ja";
  const markOf = (colour) => (FORMS[colour] ? colour : "grey");
  const numbers = new Intl.NumberFormat(language);

  let cityAsked;
  function city() {
    cityAsked ||= asked(`/maps/city.json?lang=${encodeURIComponent(language)}`);
    return cityAsked;
  }

  async function asked(address, signal) {
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" }, signal });
      return answer.ok ? await answer.json() : null;
    } catch {
      return null;
    }
  }

  // Words go into elements of their own: Leaflet takes a text for HTML.
  function made(name, attributes = {}, text = "") {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text) element.textContent = text;
    return element;
  }

  function picture(colour, extra = "") {
    return `<svg viewBox="0 0 24 24" class="map-mark map-${colour}${extra}" aria-hidden="true"><path d="${FORMS[colour]}"/></svg>`;
  }

  class CityMap {
    constructor(box) {
      this.box = box;
      this.data = { features: { features: [] } };
      this.markers = new Map();
      this.open = null;
    }

    async start() {
      const [about, data] = await Promise.all([city(), this.box.dataset.map ? asked(this.box.dataset.map) : {}]);
      this.about = about || {};
      this.failed = data === null;
      this.data = { features: { features: [] }, ...(data || {}) };
      this.lay();
      this.tile();
      this.outline();
      this.layers();
      this.look();
      this.show();
      this.map.on("moveend", () => this.moved());
      if (this.box.dataset.mapSearch !== "off") this.search();
      if (this.box.dataset.mapDraw) new Drawing(this);
      if (this.box.dataset.mapPick) this.pick();
      const seconds = Number(this.box.dataset.mapRefresh);
      if (seconds) setInterval(() => document.hidden || this.ask(), seconds * 1000);
      this.thinNames();
      this.box.dataset.ready = "yes";
      this.box.dispatchEvent(new CustomEvent("map:ready", { bubbles: true, detail: { map: this.map, form: this.formOf(), picture, nearest: this.bare ? BARE_NEAREST : 17 } }));
    }

    // The empty map with its tools, in reading order.
    lay() {
      this.frame = made("div", { class: "map-frame" });
      this.box.before(this.frame);
      this.frame.append(this.box);
      this.box.classList.add("map-box");
      this.map = L.map(this.box, { zoomControl: false, attributionControl: false, zoomSnap: 0.25, maxZoom: ZOOM_MOST, minZoom: 4, closePopupOnClick: true });
      L.control.attribution({ prefix: false }).addTo(this.map);
      L.control.zoom({ position: "topleft", zoomInTitle: say("zoom_in"), zoomOutTitle: say("zoom_out") }).addTo(this.map);
      L.control.scale({ imperial: false, position: "bottomleft" }).addTo(this.map);
      const north = L.control({ position: "topright" });
      north.onAdd = () => {
        const sign = made("div", { class: "map-north", role: "img", "aria-label": say("north"), title: say("north") });
        sign.innerHTML = '<svg viewBox="0 0 24 34" aria-hidden="true"><path d="M12 1 21 22 12 17 3 22Z"/><text x="12" y="33" text-anchor="middle">N</text></svg>';
        return sign;
      };
      north.addTo(this.map);
      this.map.createPane("areas").style.zIndex = 300;
      this.map.createPane("names").style.zIndex = 350; // beneath the markers
      this.note = made("p", { class: "map-note", role: "status" });
      this.note.hidden = true;
      this.frame.append(this.note);
      if (this.failed) this.tell(say("failed"));
      this.box.addEventListener("keydown", (event) => {
        if (event.key === "Escape" && this.open) {
          event.stopPropagation();
          this.map.closePopup();
        }
      });
      this.map.on("popupclose", () => this.closed());
    }

    tell(text) {
      this.note.textContent = text;
      this.note.hidden = !text;
    }

    tile() {
      const tiles = this.about.tiles;
      this.bare = !tiles;
      if (!tiles) {
        if (!this.failed) this.tell(say("no_tiles"));
        return;
      }
      let came = 0;
      const layer = L.tileLayer("/tiles/{z}/{x}/{y}.png", {
        minNativeZoom: tiles.least,
        maxNativeZoom: tiles.most,
        maxZoom: ZOOM_MOST,
        bounds: tiles.box ? L.latLngBounds([tiles.box[1], tiles.box[0]], [tiles.box[3], tiles.box[2]]) : undefined,
      });
      this.map.attributionControl.addAttribution(credit(tiles));
      layer.on("tileload", () => {
        came += 1;
        this.bare = false;
        if (!this.failed) this.tell("");
      });
      layer.on("tileerror", () => {
        if (came || this.bare) return;
        this.bare = true;
        this.tell(say("no_tiles"));
        this.showAreas();
        if (this.middle) this.map.setZoom(12.5, { animate: false });
        this.box.dispatchEvent(new CustomEvent("map:bare"));
      });
      layer.addTo(this.map);
    }

    outline() {
      const outlines = this.data.districts || this.about.districts || { type: "FeatureCollection", features: [] };
      this.map.on("zoomend", () => this.thinNames());
      this.districts = L.geoJSON(outlines, {
        pane: "areas",
        interactive: Boolean(this.box.dataset.mapPick),
        style: () => ({ className: "map-district", weight: 1.5 }),
        onEachFeature: (feature, layer) =>
          layer.bindTooltip(made("span", {}, feature.properties.name), { permanent: true, direction: "center", className: "map-name", pane: "names", interactive: false }),
      }).addTo(this.map);
    }

    // A name that would lie on another one waits until somebody looks closer.
    thinNames() {
      const shown = [];
      for (const name of this.map.getPane("names").querySelectorAll(".map-name")) {
        const box = name.getBoundingClientRect();
        const lies = shown.some((one) => box.left < one.right && one.left < box.right && box.top < one.bottom && one.top < box.bottom);
        name.classList.toggle("map-crowded", lies);
        if (!lies) shown.push(box);
      }
    }

    // What can be switched on and off, which is the legend too.
    layers() {
      const rows = [];
      const row = (name, mark, layer, on, fill) => rows.push({ name, mark, layer, on, fill });
      row(say("districts"), "map-key map-key-district", this.districts, true);
      this.areas = [];
      for (const hazard of this.about.hazards || []) {
        const group = L.geoJSON(null, { pane: "areas", interactive: false, style: () => ({ className: `map-hazard map-hazard-${hazard.code}`, weight: 1 }) });
        const fill = () => asked(`/maps/hazards/${encodeURIComponent(hazard.code)}.json`).then((zones) => zones && group.addData(zones));
        row(hazard.name, `map-key map-key-hazard map-key-${hazard.code}`, group, false, fill);
        this.areas.push(rows.at(-1));
      }
      if (this.about.rivers) {
        const rivers = L.geoJSON(this.about.rivers, {
          pane: "areas",
          interactive: false,
          style: () => ({ className: "map-river", weight: 3 }),
          onEachFeature: (feature, layer) => feature.properties.name && layer.bindTooltip(made("span", {}, feature.properties.name), { sticky: true }),
        });
        row(say("rivers"), "map-key map-key-river", rivers, this.bare);
        this.areas.push(rows.at(-1));
      }
      for (const part of this.data.layers || []) {
        const group = L.geoJSON(part.features, { pane: "areas", style: () => ({ className: `map-area map-${markOf(part.colour)}`, weight: 2 }) });
        row(part.name, `map-key map-key-area map-${markOf(part.colour)}`, group, true);
      }
      const shown = (this.data.legend || []).map((one) => ({ name: one.name, colour: markOf(one.colour) }));
      if (!rows.length && !shown.length) return;
      const panel = made("details", { class: "map-layers" });
      panel.append(made("summary", {}, say("layers")));
      for (const one of rows) {
        const line = made("label");
        one.tick = made("input", { type: "checkbox" });
        one.set = (on) => {
          one.tick.checked = on;
          if (on && one.fill) {
            one.fill();
            one.fill = null;
          }
          if (on) one.layer.addTo(this.map);
          else one.layer.remove();
        };
        one.tick.addEventListener("change", () => one.set(one.tick.checked));
        line.append(one.tick, made("span", { class: one.mark, "aria-hidden": "true" }), made("span", {}, one.name));
        panel.append(line);
        one.set(one.on);
      }
      if (shown.length) {
        const list = made("ul");
        for (const one of shown) {
          const line = made("li");
          line.innerHTML = picture(one.colour);
          line.append(made("span", {}, one.name));
          list.append(line);
        }
        panel.append(list);
      }
      const control = L.control({ position: "topright" });
      control.onAdd = () => {
        L.DomEvent.disableClickPropagation(panel);
        L.DomEvent.disableScrollPropagation(panel);
        return panel;
      };
      control.addTo(this.map);
      if (this.bare) this.showAreas();
    }

    showAreas() {
      for (const one of this.areas || []) one.set(true);
    }

    look() {
      const all = this.data.features.features;
      this.middle = all.find((feature) => feature.properties.middle && feature.geometry.type === "Point");
      const box = this.data.box || (this.about.box && this.about.box);
      const whole = this.districts.getLayers().length ? this.districts.getBounds() : null;
      if (this.middle) {
        const [x, y] = this.middle.geometry.coordinates;
        this.map.setView([y, x], this.bare ? 12.5 : all.length > 1 ? 18 : 16);
      } else if (box && this.data.box) {
        this.map.fitBounds([[box[1], box[0]], [box[3], box[2]]], { padding: [10, 10] });
      } else if (whole) {
        this.map.fitBounds(whole, { padding: [10, 10] });
      } else if (all.length) {
        this.map.fitBounds(L.geoJSON(this.data.features).getBounds(), { maxZoom: 15 });
      } else if (box) {
        this.map.fitBounds([[box[1], box[0]], [box[3], box[2]]]);
      } else {
        this.map.setView([36.2, 138.2], 5);
      }
      if (this.data.by_view) this.ask();
    }

    moved() {
      if (this.data.by_view) this.ask();
      else this.show();
    }

    // Ask again: for another view, or because time has passed.
    async ask() {
      this.asking?.abort();
      this.asking = new AbortController();
      let address = this.box.dataset.map;
      if (this.data.by_view) {
        const view = this.map.getBounds();
        const box = [view.getWest(), view.getSouth(), view.getEast(), view.getNorth()].map((value) => value.toFixed(5));
        address += `${address.includes("?") ? "&" : "?"}bbox=${box}&zoom=${Math.round(this.map.getZoom())}`;
      }
      const answer = await asked(address, this.asking.signal);
      if (!answer) return;
      this.data.features = answer.features;
      this.said = answer.note || "";
      if (!this.bare || this.said) this.tell(this.said);
      this.show();
    }

    show() {
      const view = this.map.getBounds().pad(0.3);
      const points = [];
      const lines = [];
      for (const feature of this.data.features.features) {
        if (feature.geometry.type !== "Point") lines.push(feature);
        else if (view.contains([feature.geometry.coordinates[1], feature.geometry.coordinates[0]])) points.push(feature);
      }
      this.showLines(lines);
      const held = [...this.markers].find(([, marker]) => marker.getElement() === document.activeElement)?.[0];
      const wanted = new Map();
      for (const one of this.data.by_view ? points : this.together(points)) {
        wanted.set(JSON.stringify([one.geometry.coordinates, one.properties]), one);
      }
      for (const [key, marker] of this.markers) {
        if (wanted.has(key)) continue;
        marker.remove();
        this.markers.delete(key);
      }
      for (const [key, one] of wanted) if (!this.markers.has(key)) this.markers.set(key, this.marker(one));
      if (held && !this.markers.has(held)) this.box.focus({ preventScroll: true });
    }

    showLines(lines) {
      const key = JSON.stringify(lines);
      if (key === this.linesShown) return;
      this.linesShown = key;
      this.lines?.remove();
      this.lines = L.geoJSON(lines, {
        style: (feature) => ({ className: `map-area map-${markOf(feature.properties.colour)}`, weight: 3 }),
        onEachFeature: (feature, layer) => layer.on("click", (event) => this.popup(feature, event.latlng)),
      }).addTo(this.map);
    }

    // Markers that would lie on each other are one, with their number.
    together(points) {
      const side = points.length > MOST_LOOSE ? 56 : 14;
      const cells = new Map();
      const alone = [];
      for (const one of points) {
        if (one.properties.middle) {
          alone.push(one);
          continue;
        }
        const at = this.map.project([one.geometry.coordinates[1], one.geometry.coordinates[0]]);
        const key = `${Math.floor(at.x / side)} ${Math.floor(at.y / side)}`;
        if (!cells.has(key)) cells.set(key, []);
        cells.get(key).push(one);
      }
      const clusters = [...cells.values()].map((members) => {
        if (members.length === 1) return members[0];
        const xs = members.map((one) => one.geometry.coordinates[0]);
        const ys = members.map((one) => one.geometry.coordinates[1]);
        const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
        return {
          geometry: { type: "Point", coordinates: [mean(xs), mean(ys)] },
          properties: {
            count: members.length,
            colour: GRAVEST.find((colour) => members.some((one) => markOf(one.properties.colour) === colour)),
            box: [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)],
            items: members.slice(0, 30).map((one) => ({ title: one.properties.title, href: one.properties.href })),
          },
        };
      });
      return [...clusters, ...alone];
    }

    marker(feature) {
      const about = feature.properties;
      const colour = markOf(about.colour);
      const [x, y] = feature.geometry.coordinates;
      let icon;
      if (about.count) {
        const size = about.count < 10 ? 30 : about.count < 1000 ? 38 : 48;
        icon = L.divIcon({ className: `map-cluster map-${colour}`, iconSize: [size, size], html: `<span>${numbers.format(about.count)}</span>` });
      } else {
        icon = L.divIcon({ className: `map-pin${about.middle ? " map-middle" : ""}`, iconSize: about.middle ? [34, 34] : [26, 26], html: picture(colour) });
      }
      const marker = L.marker([y, x], { icon, keyboard: true, riseOnHover: true, zIndexOffset: about.middle ? 1000 : about.count ? 500 : 0 });
      const name = about.count ? say("places_here").replace("{n}", numbers.format(about.count)) : about.title || "";
      marker.on("add", () => {
        const element = marker.getElement();
        element.setAttribute("aria-label", name);
        element.title = name;
      });
      if (about.label && !about.count) marker.bindTooltip(made("span", {}, String(about.label)), { permanent: true, direction: "bottom", offset: [0, 10], className: "map-label" });
      marker.on("click keypress", (event) => {
        if (event.type === "keypress" && !["Enter", " "].includes(event.originalEvent.key)) return;
        this.choose(feature, marker);
      });
      return marker.addTo(this.map);
    }

    choose(feature, marker) {
      const box = feature.properties.box;
      const items = feature.properties.items;
      if (feature.properties.count && this.map.getZoom() < ZOOM_MOST) {
        const bounds = box && L.latLngBounds([box[1], box[0]], [box[3], box[2]]);
        const zoom = bounds ? Math.max(this.map.getBoundsZoom(bounds.pad(0.1)), this.map.getZoom() + 1) : this.map.getZoom() + 2;
        if (!items || !box || (box[0] !== box[2] || box[1] !== box[3])) {
          this.map.setView(bounds ? bounds.getCenter() : marker.getLatLng(), Math.min(zoom, ZOOM_MOST));
          return;
        }
      }
      this.popup(feature, marker.getLatLng(), marker.getElement());
    }

    popup(feature, at, from) {
      const about = feature.properties;
      const content = made("div", { class: "map-popup" });
      for (const item of about.items || [about]) {
        const line = made("p");
        if (item.href) line.append(made("a", { href: item.href }, item.title || item.href));
        else line.append(made("strong", {}, item.title || ""));
        content.append(line);
      }
      for (const text of about.lines || []) content.append(made("p", { class: "map-more" }, text));
      const popup = L.popup({ maxWidth: 280, offset: [0, -6], closeButton: true, autoPanPadding: [20, 20] }).setLatLng(at).setContent(content);
      popup.openOn(this.map); // closes the one before
      this.open = { from, key: [...this.markers].find(([, marker]) => marker.getElement() === from)?.[0] };
      const close = popup.getElement().querySelector(".leaflet-popup-close-button");
      if (close) close.setAttribute("aria-label", say("close"));
      popup.getElement().setAttribute("role", "dialog");
      popup.getElement().setAttribute("aria-label", about.title || say("places_here").replace("{n}", about.count || 1));
      (content.querySelector("a") || close)?.focus({ preventScroll: true });
    }

    closed() {
      const open = this.open;
      this.open = null;
      const back = open && (this.markers.get(open.key)?.getElement() || open.from);
      const within = this.box.contains(document.activeElement) || document.activeElement === document.body;
      if (back?.isConnected && within) back.focus({ preventScroll: true });
    }

    search() {
      const place = made("div", { class: "map-search", role: "search" });
      const field = made("input", { type: "search", "aria-label": say("place"), placeholder: say("place"), autocomplete: "off", enterkeyhint: "search", maxlength: "100" });
      const button = made("button", { type: "button" }, say("search"));
      const list = made("ul", { "aria-live": "polite" });
      place.append(field, button, list);
      this.frame.prepend(place);
      const look = async () => {
        const text = field.value.trim();
        if (!text) return;
        const answer = await asked(`/maps/places.json?q=${encodeURIComponent(text)}&lang=${encodeURIComponent(language)}`);
        list.replaceChildren();
        const places = answer?.places || [];
        if (!places.length) list.append(made("li", {}, say("nothing")));
        for (const one of places) {
          const item = made("li");
          const go = made("button", { type: "button" }, one.name);
          go.addEventListener("click", () => {
            list.replaceChildren();
            this.goTo(one);
          });
          item.append(go);
          list.append(item);
        }
        if (places.length === 1) list.querySelector("button").click();
      };
      button.addEventListener("click", look);
      field.addEventListener("keydown", (event) => {
        if (event.key === "Enter") {
          event.preventDefault(); // it may be within a form that saves or sends
          look();
        } else if (event.key === "Escape") list.replaceChildren();
      });
    }

    goTo(one) {
      this.sought?.remove();
      this.sought = L.marker([one.latitude, one.longitude], { interactive: false, keyboard: false, icon: L.divIcon({ className: "map-sought", iconSize: [36, 36] }) })
        .bindTooltip(made("span", {}, one.name), { permanent: true, direction: "top", offset: [0, -14], className: "map-label" })
        .addTo(this.map);
      this.map.setView([one.latitude, one.longitude], this.bare ? 14 : 17);
      this.box.focus({ preventScroll: true });
    }

    formOf() {
      const id = this.box.dataset.mapForm;
      return (id && document.getElementById(id)) || this.box.closest("form");
    }

    // A click on a district ticks its box, and the other way round.
    pick() {
      const form = this.formOf();
      if (!form) return;
      const name = this.box.dataset.mapPick;
      const ticks = () => [...form.querySelectorAll('input[type="checkbox"]')].filter((tick) => tick.name === name);
      const whole = form.querySelector('input[name="whole_city"]');
      const show = () => {
        const chosen = new Set(ticks().filter((tick) => tick.checked).map((tick) => tick.value));
        this.districts.eachLayer((layer) => {
          const on = Boolean(whole?.checked) || chosen.has(layer.feature.properties.code);
          layer.getElement()?.classList.toggle("map-on", on);
        });
      };
      this.districts.eachLayer((layer) =>
        layer.on("click", () => {
          if (this.drawing?.active) return;
          const tick = ticks().find((one) => one.value === layer.feature.properties.code);
          if (!tick || tick.disabled) return;
          tick.checked = !tick.checked;
          tick.dispatchEvent(new Event("change", { bubbles: true }));
        }),
      );
      form.addEventListener("change", show);
      this.map.on("layeradd", show);
      show();
    }
  }

  // Draw one polygon: by clicks, or by keys with the cross in the middle of the map.
  class Drawing {
    constructor(owner) {
      this.owner = owner;
      owner.drawing = this;
      this.map = owner.map;
      this.corners = [];
      this.active = false;
      this.field = [...(owner.formOf()?.elements || [])].find((one) => one.name === owner.box.dataset.mapDraw) || null;
      this.shape = L.layerGroup().addTo(this.map);
      this.read();
      const bar = made("div", { class: "map-tools", role: "group", "aria-label": say("draw") });
      const button = (word, act) => {
        const made_ = made("button", { type: "button" }, say(word));
        made_.addEventListener("click", act);
        bar.append(made_);
        return made_;
      };
      this.begin = button("draw", () => this.start());
      this.undo = button("undo", () => this.change(this.corners.slice(0, -1)));
      this.end = button("finish", () => this.finish());
      this.remove = button("remove", () => {
        this.active = false;
        this.change([]);
      });
      this.hint = made("p", { class: "map-hint", role: "status" });
      bar.append(this.hint);
      owner.frame.insertBefore(bar, owner.box);
      this.cross = made("div", { class: "map-cross", "aria-hidden": "true" });
      this.cross.hidden = true;
      owner.box.append(this.cross);
      this.map.on("click", (event) => this.active && this.corner(event.latlng));
      owner.districts.on("click", (event) => this.active && L.DomEvent.stop(event) && this.corner(event.latlng));
      owner.box.addEventListener("keydown", (event) => {
        if (!this.active || event.target !== owner.box) return;
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          this.corner(this.map.getCenter());
        } else if (event.key === "Backspace" || event.key === "Delete") {
          event.preventDefault();
          this.change(this.corners.slice(0, -1));
        } else if (event.key === "Escape") this.finish();
      });
      this.draw();
    }

    read() {
      try {
        const value = JSON.parse(this.field?.value || "null");
        const ring = value?.type === "Polygon" ? value.coordinates[0] : [];
        this.corners = ring.slice(0, -1).map(([x, y]) => L.latLng(y, x));
      } catch {
        this.corners = [];
      }
    }

    start() {
      this.active = true;
      this.map.doubleClickZoom.disable();
      this.owner.box.focus({ preventScroll: true });
      this.draw();
    }

    corner(at) {
      const first = this.corners[0];
      if (first && this.corners.length > 2 && this.map.latLngToContainerPoint(first).distanceTo(this.map.latLngToContainerPoint(at)) < 14) {
        this.finish();
        return;
      }
      this.change([...this.corners, at]);
    }

    finish() {
      this.active = false;
      this.map.doubleClickZoom.enable();
      this.draw();
      this.begin.focus({ preventScroll: true });
    }

    change(corners) {
      this.corners = corners;
      this.write();
      this.draw();
    }

    crosses() {
      const points = this.corners.map((corner) => this.map.project(corner, 18));
      const side = (a, b, c) => Math.sign((b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x));
      for (let i = 0; i < points.length; i += 1) {
        for (let j = i + 2; j < points.length; j += 1) {
          if (i === 0 && j === points.length - 1) continue;
          const [a, b, c, d] = [points[i], points[i + 1], points[j], points[(j + 1) % points.length]];
          if (side(a, b, c) !== side(a, b, d) && side(c, d, a) !== side(c, d, b)) return true;
        }
      }
      return false;
    }

    // Only a polygon is written: fewer corners, or lines that cross, are none.
    write() {
      if (!this.field) return;
      const usable = this.corners.length > 2 && !this.crosses();
      const ring = this.corners.map((corner) => [Number(corner.lng.toFixed(6)), Number(corner.lat.toFixed(6))]);
      this.field.value = usable ? JSON.stringify({ type: "Polygon", coordinates: [[...ring, ring[0]]] }) : "";
      for (const kind of ["input", "change"]) this.field.dispatchEvent(new Event(kind, { bubbles: true }));
    }

    draw() {
      this.shape.clearLayers();
      const crossed = this.corners.length > 3 && this.crosses();
      const style = { className: `map-drawn${crossed ? " map-wrong" : ""}`, weight: 3, interactive: false };
      if (this.corners.length > 1) this.shape.addLayer(this.corners.length > 2 ? L.polygon(this.corners, style) : L.polyline(this.corners, style));
      this.corners.forEach((corner, number) => {
        const marker = L.marker(corner, { draggable: true, keyboard: false, icon: L.divIcon({ className: "map-corner", iconSize: [20, 20] }), zIndexOffset: 2000 });
        marker.on("dragend", () => this.change(this.corners.map((one, at) => (at === number ? marker.getLatLng() : one))));
        marker.on("click", () => this.active && number === 0 && this.corners.length > 2 && this.finish());
        this.shape.addLayer(marker);
      });
      this.begin.hidden = this.active;
      this.undo.hidden = this.end.hidden = !this.active;
      this.undo.disabled = !this.corners.length;
      this.remove.hidden = !this.corners.length;
      this.cross.hidden = !this.active;
      this.owner.box.classList.toggle("map-drawing", this.active);
      this.hint.textContent = crossed ? say("crossed") : this.active ? say("how") : "";
    }
  }

  function credit(tiles) {
    const words = made("span");
    const name = made(tiles.link ? "a" : "span", tiles.link ? { href: tiles.link } : {}, tiles.credit || "");
    words.append(name);
    return words.innerHTML;
  }

  function begin(root) {
    for (const box of root.querySelectorAll("[data-map]")) {
      if (box.dataset.begun) continue;
      box.dataset.begun = "yes";
      new CityMap(box).start();
    }
  }

  // A page may ask for the map only when somebody wants to see it; it says "map:begin" at the box.
  if (document.readyState === "complete") begin(document);
  else document.addEventListener("DOMContentLoaded", () => begin(document));
  document.addEventListener("htmx:afterSwap", (event) => begin(event.target));
  document.addEventListener("map:begin", (event) => begin(event.target.parentElement));
})();

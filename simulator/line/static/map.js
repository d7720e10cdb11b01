// A map without tiles: the city's districts as outlines, or a plain grid, to choose a place on.

import * as api from "./api.js";
import { icon, make, svg } from "./dom.js";
import { pageLanguage, word } from "./words.js";

// The position of the grid if no districts are known: the middle of the sample city.
const MIDDLE = [140.0764, 36.0835];
const HALF_GRID = 0.06;
const SIZE = 1000;

let districts = null;

async function load() {
  if (districts === null) {
    try {
      districts = (await api.map()).features.filter((f) => f.geometry);
    } catch {
      districts = [];
    }
  }
  return districts;
}

const rings = (geometry) => {
  if (geometry.type === "Polygon") return geometry.coordinates;
  if (geometry.type === "MultiPolygon") return geometry.coordinates.flat();
  return [];
};

function nameOf(properties) {
  const names = properties.names || properties.name || {};
  if (typeof names === "string") return names;
  return names[pageLanguage()] || names.ja || properties.name_ja || properties.code || "";
}

function inside(ring, [x, y]) {
  let within = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
    const [xi, yi] = ring[i];
    const [xj, yj] = ring[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) within = !within;
  }
  return within;
}

/** Build the map; `chosen({latitude, longitude, district})` is called on every choice. */
export async function drawMap(chosen) {
  const features = await load();
  const points = features.flatMap((f) => rings(f.geometry).flat());
  let [west, south, east, north] = [
    MIDDLE[0] - HALF_GRID, MIDDLE[1] - HALF_GRID, MIDDLE[0] + HALF_GRID, MIDDLE[1] + HALF_GRID,
  ];
  if (points.length) {
    west = Math.min(...points.map((p) => p[0]));
    east = Math.max(...points.map((p) => p[0]));
    south = Math.min(...points.map((p) => p[1]));
    north = Math.max(...points.map((p) => p[1]));
  }
  // A degree of longitude is shorter than one of latitude.
  const squeeze = Math.cos((((south + north) / 2) * Math.PI) / 180);
  const scale = SIZE / Math.max((east - west) * squeeze, north - south);
  const width = (east - west) * squeeze * scale;
  const height = (north - south) * scale;
  const project = ([longitude, latitude]) => [
    (longitude - west) * squeeze * scale, (north - latitude) * scale,
  ];
  const unproject = (x, y) => ({ longitude: west + x / scale / squeeze, latitude: north - y / scale });

  const margin = 20;
  let view = [-margin, -margin, width + 2 * margin, height + 2 * margin];
  const picture = svg("svg", { class: "map-picture", tabindex: 0, role: "application", "aria-label": word("mapHelp") });
  const show = () => {
    picture.setAttribute("viewBox", view.join(" "));
    picture.style.setProperty("--label", `${view[3] / 21}px`);
  };
  show();
  if (features.length) {
    features.forEach((feature, index) => {
      const path = rings(feature.geometry)
        .map((ring) => `M${ring.map((p) => project(p).map((n) => n.toFixed(1)).join(",")).join("L")}Z`)
        .join("");
      picture.append(svg("path", { d: path, class: `map-district map-district-${index % 6}` }));
    });
    for (const feature of features) {
      const ring = rings(feature.geometry)[0] || [];
      const middle = ring.reduce((sum, p) => [sum[0] + p[0] / ring.length, sum[1] + p[1] / ring.length], [0, 0]);
      const [x, y] = project(middle);
      const label = svg("text", { x, y, class: "map-label" });
      label.textContent = nameOf(feature.properties || {});
      picture.append(label);
    }
  } else {
    for (let i = 0; i <= 10; i += 1) {
      const [x, y] = [(width * i) / 10, (height * i) / 10];
      picture.append(svg("path", { d: `M${x},0V${height}M0,${y}H${width}`, class: "map-grid" }));
    }
  }
  const pin = svg("g", { class: "map-pin", visibility: "hidden" },
    svg("path", { d: "M0,0C-16,-26 -22,-36 -22,-48a22,22 0 0 1 44,0C22,-36 16,-26 0,0Z" }),
    svg("circle", { cx: 0, cy: -48, r: 8, fill: "#fff" }));
  picture.append(pin);

  let [pinX, pinY] = [width / 2, height / 2];
  const choose = (x, y) => {
    [pinX, pinY] = [x, y];
    const zoom = view[2] / (width + 2 * margin);
    pin.setAttribute("transform", `translate(${x} ${y}) scale(${zoom * 1.2})`);
    pin.setAttribute("visibility", "visible");
    const where = unproject(x, y);
    const home = features.find((f) =>
      rings(f.geometry).some((ring) => inside(ring, [where.longitude, where.latitude])));
    chosen({ ...where, district: home ? nameOf(home.properties || {}) : "" });
  };
  picture.addEventListener("click", (event) => {
    const point = new DOMPoint(event.clientX, event.clientY)
      .matrixTransform(picture.getScreenCTM().inverse());
    choose(point.x, point.y);
  });
  picture.addEventListener("keydown", (event) => {
    const step = view[2] / 40;
    const move = {
      ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step],
    }[event.key];
    if (!move) return;
    event.preventDefault();
    choose(pinX + move[0], pinY + move[1]);
  });
  const zoom = (factor) => {
    const [x, y, w, h] = view;
    const cx = pin.getAttribute("visibility") === "visible" ? pinX : x + w / 2;
    const cy = pin.getAttribute("visibility") === "visible" ? pinY : y + h / 2;
    view = [cx - (w * factor) / 2, cy - (h * factor) / 2, w * factor, h * factor];
    if (view[2] > width + 2 * margin) view = [-margin, -margin, width + 2 * margin, height + 2 * margin];
    show();
    if (pin.getAttribute("visibility") === "visible") choose(pinX, pinY);
  };
  return make("div.map", {}, picture, make("div.map-zoom", {},
    make("button", { type: "button", "aria-label": word("zoomIn"), onclick: () => zoom(0.6) }, icon("zoomIn")),
    make("button", { type: "button", "aria-label": word("zoomOut"), onclick: () => zoom(1 / 0.6) }, icon("zoomOut"))));
}

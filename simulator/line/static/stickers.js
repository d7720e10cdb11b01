// Our own stickers: plain faces in place of LINE's artwork. The ids are LINE's, because LINE
// accepts no others.

import { svg } from "./dom.js";

export const STICKERS = [
  { packageId: "446", stickerId: "1988", face: "smile" },
  { packageId: "446", stickerId: "1989", face: "thanks" },
  { packageId: "446", stickerId: "1990", face: "ok" },
  { packageId: "446", stickerId: "1991", face: "help" },
  { packageId: "446", stickerId: "1992", face: "sad" },
  { packageId: "446", stickerId: "1993", face: "love" },
];

const LOOKS = {
  smile: { skin: "#ffd66b", mouth: "M34 62q16 16 32 0", say: "" },
  thanks: { skin: "#ffc1b0", mouth: "M38 62q12 10 24 0", say: "♪" },
  ok: { skin: "#b9e3a6", mouth: "M36 60q14 14 28 0", say: "OK" },
  help: { skin: "#a9d5f2", mouth: "M42 66q8-8 16 0", say: "?" },
  sad: { skin: "#c3c9ef", mouth: "M36 68q14-14 28 0", say: "…" },
  love: { skin: "#ffb3cc", mouth: "M34 60q16 18 32 0", say: "♥" },
};

/** Draw a sticker; ids that are not among ours get a face by their number. */
export function drawSticker({ packageId, stickerId }) {
  const known = STICKERS.find((s) => s.packageId === packageId && s.stickerId === stickerId);
  const names = Object.keys(LOOKS);
  const look = LOOKS[known ? known.face : names[Number(stickerId) % names.length || 0]];
  const label = svg("text", {
    x: 84, y: 26, "text-anchor": "middle", "font-size": 22, "font-weight": 700, fill: "#5a4a3f",
  });
  label.textContent = look.say;
  return svg("svg", { viewBox: "0 0 100 100", class: "sticker", role: "img", "aria-label": "sticker" },
    svg("circle", { cx: 50, cy: 54, r: 40, fill: look.skin, stroke: "#5a4a3f", "stroke-width": 3 }),
    svg("circle", { cx: 36, cy: 46, r: 4.5, fill: "#5a4a3f" }),
    svg("circle", { cx: 64, cy: 46, r: 4.5, fill: "#5a4a3f" }),
    svg("path", { d: look.mouth, fill: "none", stroke: "#5a4a3f", "stroke-width": 4, "stroke-linecap": "round" }),
    label,
  );
}

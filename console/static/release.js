// Draw the areas of a photo that are covered before everybody sees it. The field of numbers is the truth:
// this script writes it, and the page works without.
"use strict";

(() => {
  const LEAST = 8; // pixels of the photo

  class Cover {
    constructor(box) {
      this.box = box;
      this.image = box.querySelector("img");
      this.field = document.querySelector(`[name="${box.dataset.cover}"]`);
      this.areas = this.read();
      this.before = [];
      box.classList.add("is-ready");
      box.addEventListener("pointerdown", (event) => this.draw(event));
      this.field.addEventListener("change", () => {
        this.keep();
        this.areas = this.read();
        this.show();
      });
      for (const button of document.querySelectorAll("[data-cover-do]")) {
        button.parentElement.hidden = false;
        button.addEventListener("click", () => (button.dataset.coverDo === "add" ? this.add() : this.undo()));
      }
      document.addEventListener("keydown", (event) => {
        if ((event.ctrlKey || event.metaKey) && event.key === "z" && !/^(input|textarea)$/i.test(event.target.tagName)) {
          event.preventDefault();
          this.undo();
        }
      });
      this.show();
    }

    get size() {
      return [Number(this.image.getAttribute("width")), Number(this.image.getAttribute("height"))];
    }

    read() {
      return this.field.value
        .split(/\s+/)
        .map((line) => line.split(",").map(Number))
        .filter((area) => area.length === 4 && area.every(Number.isFinite) && area[2] > 0 && area[3] > 0);
    }

    keep() {
      this.before.push(this.areas.map((area) => [...area]));
    }

    undo() {
      if (!this.before.length) return;
      this.areas = this.before.pop();
      this.write();
    }

    write() {
      this.field.value = this.areas.map((area) => area.join(",")).join("\n");
      this.show();
    }

    add() {
      const [width, height] = this.size;
      this.keep();
      this.areas.push([Math.round(width * 0.4), Math.round(height * 0.4), Math.round(width * 0.2), Math.round(height * 0.2)]);
      this.write();
      this.box.querySelector(".cover-area:last-of-type").focus();
    }

    place(event) {
      const shown = this.image.getBoundingClientRect();
      const [width, height] = this.size;
      const within = (value, most) => Math.max(0, Math.min(most, Math.round(value)));
      return [
        within(((event.clientX - shown.left) / shown.width) * width, width),
        within(((event.clientY - shown.top) / shown.height) * height, height),
      ];
    }

    // A new area, or one that is moved; the field is written when the pointer lets go. A second
    // finger does nothing, and what the phone breaks off leaves nothing.
    draw(event) {
      if (event.button || this.drawing) return;
      event.preventDefault();
      this.drawing = true;
      const [x, y] = this.place(event);
      const chosen = event.target.closest(".cover-area");
      const index = chosen ? Number(chosen.dataset.index) : this.areas.length;
      const was = chosen ? [...this.areas[index]] : [x, y, 0, 0];
      this.keep();
      this.areas[index] = [...was];
      this.box.setPointerCapture(event.pointerId);
      const moved = (now) => {
        if (now.pointerId !== event.pointerId) return;
        const [to, down] = this.place(now);
        this.areas[index] = chosen
          ? this.inside([was[0] + to - x, was[1] + down - y, was[2], was[3]])
          : [Math.min(x, to), Math.min(y, down), Math.abs(to - x), Math.abs(down - y)];
        this.show();
      };
      const ended = (last) => {
        if (last.pointerId !== event.pointerId) return;
        this.drawing = false;
        for (const [name, does] of Object.entries(follows)) this.box.removeEventListener(name, does);
        const [, , width, height] = this.areas[index];
        if (last.type === "pointercancel" || width < LEAST || height < LEAST) {
          this.areas = this.before.pop();
        } else if (this.areas[index].join() === was.join()) {
          this.before.pop();
        }
        this.write();
        this.box.querySelectorAll(".cover-area")[index]?.focus();
      };
      const follows = { pointermove: moved, pointerup: ended, pointercancel: ended };
      for (const [name, does] of Object.entries(follows)) this.box.addEventListener(name, does);
    }

    inside([left, top, width, height]) {
      const [most, high] = this.size;
      return [
        Math.round(Math.max(0, Math.min(most - width, left))),
        Math.round(Math.max(0, Math.min(high - height, top))),
        Math.round(width),
        Math.round(height),
      ];
    }

    press(event, index) {
      const step = Math.max(2, Math.round(this.size[0] / 100));
      const ways = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
      if (event.key === "Delete" || event.key === "Backspace") {
        event.preventDefault();
        this.keep();
        this.areas.splice(index, 1);
        this.write();
        (this.box.querySelector(".cover-area") || document.querySelector("[data-cover-do]")).focus();
        return;
      }
      const way = ways[event.key];
      if (!way) return;
      event.preventDefault();
      this.keep();
      const [left, top, width, height] = this.areas[index];
      this.areas[index] = event.shiftKey
        ? this.inside([left, top, Math.max(LEAST, Math.min(this.size[0] - left, width + way[0])), Math.max(LEAST, Math.min(this.size[1] - top, height + way[1]))])
        : this.inside([left + way[0], top + way[1], width, height]);
      this.write();
      this.box.querySelectorAll(".cover-area")[index].focus();
    }

    show() {
      for (const old of this.box.querySelectorAll(".cover-area")) old.remove();
      const [most, high] = this.size;
      this.areas.forEach(([left, top, width, height], index) => {
        const area = document.createElement("button");
        area.type = "button";
        area.className = "cover-area";
        area.dataset.index = index;
        area.setAttribute("aria-label", this.box.dataset.label.replace("{n}", index + 1));
        area.style.left = `${(left / most) * 100}%`;
        area.style.top = `${(top / high) * 100}%`;
        area.style.width = `${(width / most) * 100}%`;
        area.style.height = `${(height / high) * 100}%`;
        area.addEventListener("keydown", (event) => this.press(event, index));
        this.box.append(area);
      });
    }
  }

  for (const box of document.querySelectorAll("[data-cover]")) new Cover(box);
})();

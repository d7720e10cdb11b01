// What was typed on a crew's page and not pressed yet is still there when the phone opens the page
// again: phones close pages in the background. It goes with the act, and with the link's order.
"use strict";

class TypedWords {
  constructor(place) {
    this.place = place;
    for (const [name, value] of Object.entries(this.read())) {
      const field = this.field(name);
      if (!field || field.value) continue;
      field.value = value;
      const details = field.closest("details");
      if (details) details.open = true;
    }
    for (const kind of ["input", "change"]) document.addEventListener(kind, () => this.keep());
  }

  fields() {
    const all = [...document.querySelectorAll("main :is(textarea, select, .used input, #found [name=at])")];
    return all.map((one) => [`${one.form.id || one.closest("[id]").id} ${one.name}`, one]);
  }

  field(name) {
    return this.fields().find(([known]) => known === name)?.[1];
  }

  read() {
    try {
      return JSON.parse(localStorage.getItem(this.place)) || {};
    } catch {
      return {};
    }
  }

  keep() {
    const typed = this.fields().filter(([, one]) => one.value);
    try {
      if (typed.length) localStorage.setItem(this.place, JSON.stringify(Object.fromEntries(typed.map(([name, one]) => [name, one.value]))));
      else localStorage.removeItem(this.place);
    } catch {
      // A full phone: the page itself has it.
    }
  }
}

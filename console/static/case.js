// One case: the reason that a state needs, and who hears what beside the button.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const state = document.querySelector("select[data-state]");
  const reason = document.querySelector("label[data-reason]");
  const first = state?.dataset.first;

  // Only the reasons of the chosen state are offered.
  function showReasons() {
    if (!state || !reason) return;
    const option = state.selectedOptions[0];
    const needed = option.hasAttribute("data-reasons") && state.value !== first;
    reason.hidden = !needed;
    const select = reason.querySelector("select");
    for (const group of select.querySelectorAll("optgroup")) {
      const own = [...group.children].some((one) => one.value.startsWith(`${state.value}:`));
      group.hidden = group.disabled = !own;
    }
    select.required = needed;
    if (!select.value.startsWith(`${state.value}:`)) select.value = "";
  }
  state?.addEventListener("change", showReasons);
  showReasons();

  // The line beside the button says in short what the part above says in full.
  const line = document.querySelector("[data-bar-hears]");
  const part = document.getElementById("who-hears");
  function showHearers() {
    if (!line || !part) return;
    const silent = part.querySelector("[data-testid='silent'], [role='alert']");
    const found = silent || part.querySelector("li");
    line.textContent = found ? found.textContent.replace(/\s+/g, " ").trim() : "";
    line.classList.toggle("is-silent", Boolean(silent));
  }
  document.addEventListener("htmx:afterSwap", (event) => event.target === part && showHearers());
  showHearers();

  document.getElementById("refused")?.scrollIntoView({ block: "start" });
});

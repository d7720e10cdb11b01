// Copies the text for the announcer.
"use strict";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(text.value);
  } catch {
    text.select(); // without a secure address only this works
    document.execCommand("copy");
  }
  button.textContent = button.dataset.done;
});

// A file of the list of staff is read here and put into the field, so that it can be looked at
// before it is sent. Excel in Japan writes Shift_JIS; everything else is UTF-8.
"use strict";
document.querySelectorAll("input[type=file][data-into]").forEach((input) => {
  input.closest("[hidden]").hidden = false;
  input.addEventListener("change", async () => {
    const file = input.files[0];
    if (!file) return;
    const bytes = await file.arrayBuffer();
    let text;
    try {
      text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch (_) {
      text = new TextDecoder("shift_jis").decode(bytes);
    }
    document.getElementById(input.dataset.into).value = text;
  });
});

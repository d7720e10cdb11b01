// Asks LINE who has opened the page, and sends what LINE says to our server, which checks it.
const form = document.querySelector("form[data-liff]");
liff
  .init({ liffId: form.dataset.liff })
  .then(() => {
    if (!liff.isLoggedIn()) return liff.login();
    form.elements.id_token.value = liff.getIDToken();
    form.submit();
  })
  .catch(() => form.classList.add("failed"));

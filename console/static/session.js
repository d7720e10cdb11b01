// Keep words when the session ends while somebody writes: the page stays, signing in happens over
// it, and a form is sent only while its session is valid. Without this script the server keeps the
// form and offers it again after signing in.
"use strict";

(() => {
  const WARN_SECONDS = 120;
  const ANSWER_MS = 8000;
  const box = document.getElementById("session");
  const dialog = document.getElementById("over");
  const warning = document.getElementById("session-ends");
  const silence = document.getElementById("no-answer");
  let email = box.dataset.email;
  let endsAt = Date.now() + 1000 * Number(box.dataset.seconds);
  let typedAt = 0;
  let waiting = []; // what goes on once somebody is signed in again
  const checking = new WeakSet();
  const checked = new WeakSet();

  class Unanswered extends Error {}

  // The account of this browser's session, or null.
  async function session(address) {
    let answer;
    try {
      answer = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
    } catch {
      throw new Unanswered();
    }
    if (answer.status === 401) return null;
    if (!answer.ok) throw new Unanswered();
    return answer.json();
  }

  function noAnswer() {
    // An open dialog covers everything outside of it.
    (dialog.open ? dialog : box).append(silence);
    silence.hidden = false;
  }

  function take(found) {
    endsAt = Date.now() + 1000 * found.seconds;
    warning.hidden = found.seconds > WARN_SECONDS;
    silence.hidden = true;
    for (const field of document.querySelectorAll('main input[name="csrf"], header input[name="csrf"]')) field.value = found.token;
    document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRF-Token": found.token }));
  }

  // Continue if it is the person who opened the page; anybody else is told whose page it is.
  function settle(found, goOn) {
    if (found.own_password && !location.pathname.startsWith("/console/account")) return show("over-password", { again: () => check(goOn) });
    if (found.email !== email) {
      return show("over-other", {
        said: found.said,
        goOn: () => {
          email = found.email;
          for (const who of document.querySelectorAll("[data-who]")) who.textContent = found.name;
          take(found);
          dialog.close();
          waiting = []; // a new name presses the button anew
        },
        signIn: () => signIn(),
      });
    }
    take(found);
    if (dialog.open) dialog.close();
    goOn();
  }

  async function check(goOn) {
    try {
      const found = await session("/console/session");
      if (found) return settle(found, goOn);
      waiting.push(goOn);
      await signIn();
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      noAnswer();
    }
  }

  function show(name, acts) {
    dialog.replaceChildren(document.getElementById(name).content.cloneNode(true));
    const said = dialog.querySelector("[data-said]");
    if (said) said.textContent = acts.said;
    dialog.querySelector("[data-go-on]")?.addEventListener("click", acts.goOn);
    dialog.querySelector("[data-sign-in]")?.addEventListener("click", acts.signIn);
    dialog.querySelector("[data-again]")?.addEventListener("click", acts.again);
    if (!dialog.open) dialog.showModal();
  }

  let asked = false;
  async function signIn() {
    // A form in which somebody is typing is not replaced by a second one.
    if (asked || (dialog.open && dialog.querySelector("input[type=password]"))) return;
    asked = true;
    try {
      await form(await fetch("/console/sign-in/over", { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) }));
    } catch {
      noAnswer();
    } finally {
      asked = false;
    }
  }

  async function form(answer) {
    const part = new DOMParser().parseFromString(await answer.text(), "text/html");
    const found = part.querySelector("form");
    if (!found) return noAnswer();
    dialog.replaceChildren(...part.body.childNodes);
    const address = dialog.querySelector("input[name=email]");
    if (!address.value) address.value = email;
    if (!dialog.open) dialog.showModal();
    dialog.querySelector("[data-again]")?.addEventListener("click", () => check(goOn));
    dialog.querySelector("input[type=password]").focus();
  }

  function goOn() {
    const next = waiting;
    waiting = [];
    for (const each of next) each();
  }

  dialog.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    const button = event.target.querySelector("button");
    button.disabled = true;
    try {
      const answer = await fetch(event.target.action, {
        method: "POST",
        body: new URLSearchParams(new FormData(event.target)),
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      if (!answer.ok) return await form(answer);
      const found = await answer.json();
      settle(found, goOn);
    } catch {
      noAnswer();
    } finally {
      button.disabled = false;
    }
  });
  // The page below must not be readable before somebody has signed in.
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Escape") event.preventDefault();
  });

  // A form is sent only while its session is valid; otherwise it waits for signing in.
  document.addEventListener(
    "submit",
    (event) => {
      const sent = event.target;
      const address = event.submitter?.getAttribute("formaction") || sent.getAttribute("action") || "";
      if (sent.method !== "post" || dialog.contains(sent)) return;
      if (address.startsWith("/console/language") || address.startsWith("/console/sign-")) return;
      if (checked.has(sent)) {
        checked.delete(sent);
        return;
      }
      event.preventDefault();
      event.stopImmediatePropagation();
      if (checking.has(sent)) return;
      checking.add(sent);
      const submitter = event.submitter;
      check(() => {
        checked.add(sent);
        sent.requestSubmit(submitter);
      }).finally(() => checking.delete(sent));
    },
    true,
  );

  // Another script of the page found the session ended: it goes on once somebody is signed in.
  document.addEventListener("todoke:check", (event) => check(() => event.detail()));

  document.addEventListener("todoke:answered", () => {
    silence.hidden = true;
  });

  // A part of the page could not be loaded: the old part stays, and is requested again.
  document.addEventListener("htmx:responseError", (event) => {
    const { xhr, elt } = event.detail;
    if (xhr.status !== 401 && xhr.status !== 409) return;
    check(() => {
      if (elt.matches("form")) elt.dispatchEvent(new Event("change", { bubbles: true }));
    });
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (dialog.open) event.preventDefault();
  });
  document.addEventListener("htmx:sendError", noAnswer);
  document.addEventListener("htmx:timeout", noAnswer);
  document.addEventListener("htmx:afterOnLoad", () => {
    silence.hidden = true;
  });

  // Two minutes before the end there is a warning; typing counts as activity.
  document.addEventListener("input", () => {
    typedAt = Date.now();
  });
  warning.querySelector("button").addEventListener("click", stay);
  silence.querySelector("button").addEventListener("click", () => {
    silence.hidden = true;
  });

  async function stay() {
    await check(() => {
      // Only signing in again extends a session of twelve hours.
      if (!warning.hidden) signIn();
    });
  }

  async function look() {
    if (dialog.open || Date.now() < endsAt - 1000 * WARN_SECONDS) return;
    const typing = Date.now() - typedAt < 1000 * WARN_SECONDS;
    try {
      const found = await session(typing ? "/console/session" : "/console/session/live");
      if (!found) return await signIn();
      if (found.email === email) take(found);
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
    }
  }
  setInterval(look, 10000);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) look();
  });
})();

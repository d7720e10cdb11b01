// A screen: is told when something happens, shows one page after another, an emergency alone and at once.
// While nobody tells it anything it asks every three seconds.
// Plain script for small computers: no animation, and the page changes only when its words do.
(function () {
  "use strict";
  var POLL = 3000;          // milliseconds between two questions: an emergency shows within five seconds
  var POLL_TOLD = 15000;    // the same while events come: they say when there is something to ask
  var AGAIN = 1500;         // a server that answered a moment ago may not know yet what an event is about
  var LISTEN_AGAIN = 60000; // after a server has refused to send events
  var PATIENCE = 2500;      // for one answer
  var OLD = 20000;          // without an answer for this long: say from when the content is
  var NOT_CURRENT = 1800000; // for this long: say that it is not current
  var SHIFT = 60000;        // the picture moves by some pixels, so that nothing burns in
  var JAPAN = 9 * 3600000;
  var SHORTEST = 7000, LONGEST = 24000, A_LETTER = 70;

  var body = document.body;
  var words = JSON.parse(body.dataset.words);
  var languages = Object.keys(words);
  var key = "todoke " + body.dataset.news;

  function at(id) { return document.getElementById(id); }
  function steady() { return performance.now(); }

  var shown = null;   // what the city said last
  var etag = "";
  var base = null;    // the city's time minus the steady clock; null as long as nobody told the time
  var answered = null; // steady time of the last answer
  var from = null;    // the city's time of the last answer, milliseconds
  var pages = [], turn = -1, until = 0, showing = "";
  var rest = [], part = 1;  // what of this page's text did not fit, and which part of it is shown
  var failing = null;  // steady time since when nobody answers
  var asking = false;
  var asked = 0;       // steady time of the last question
  var told = false;    // whether events come
  var stream = null;

  function now() { return base === null ? null : base + steady(); }

  // ---- what the city says
  function ask() {
    if (asking) return;
    asking = true;
    asked = steady();
    var request = new XMLHttpRequest();
    request.open("GET", body.dataset.news);
    request.timeout = PATIENCE;
    if (etag) request.setRequestHeader("If-None-Match", etag);
    request.onloadend = function () {
      asking = false;
      var time = Number(request.getResponseHeader("X-Todoke-Time"));
      if (request.status === 304 && shown && time) return heard(time);
      if (request.status !== 200 || !time) return unheard();
      var said;
      try { said = JSON.parse(request.responseText); } catch (error) { return unheard(); }
      if (said.build !== body.dataset.build && mayLoadAgain()) return location.reload();
      etag = request.getResponseHeader("ETag") || "";
      shown = said;
      heard(time);
      show();
    };
    request.send();
  }
  function heard(time) {
    base = time - steady();
    from = time;
    answered = steady();
    failing = null;
    keep();
    tick();
  }
  function unheard() {
    if (failing === null) failing = answered === null ? steady() - OLD : answered;
    tick();
  }
  function askInTime() {
    if (steady() - asked >= (told && failing === null ? POLL_TOLD : POLL) - 500) ask();
  }
  // ---- what happens: Server-Sent Events. The first one comes at once, so a proxy that collects
  // events is recognised: none comes, and the screen goes on asking.
  function listen() {
    if (!window.EventSource) return;
    stream = new EventSource(body.dataset.events);
    ["in-force", "new", "corrected", "ended"].forEach(function (name) {
      stream.addEventListener(name, function () {
        told = true;
        ask();
        setTimeout(ask, AGAIN);
      });
    });
    stream.onerror = function () {
      told = false;
      ask();
      // The browser comes back by itself, except to a server that has too many listeners.
      if (stream.readyState !== 2) return;
      stream.close();
      setTimeout(listen, LISTEN_AGAIN);
    };
  }
  function mayLoadAgain() {
    // Once an hour: files that differ between two servers must not make a screen flicker.
    try {
      var last = Number(sessionStorage.getItem("loaded again")) || 0;
      if (last && Math.abs(Date.now() - last) < 3600000) return false;
      sessionStorage.setItem("loaded again", String(Date.now()));
      return true;
    } catch (error) { return false; }
  }
  function keep() {
    try { localStorage.setItem(key, JSON.stringify({ shown: shown, from: from })); } catch (error) { /* full or forbidden */ }
  }
  function remember() {
    try {
      var kept = JSON.parse(localStorage.getItem(key) || "null");
      if (kept && kept.shown && kept.from) { shown = kept.shown; from = kept.from; show(); }
    } catch (error) { /* nothing is kept */ }
  }

  // ---- which pages there are
  function alone() {
    var time = now();
    return shown.alone.filter(function (item) {
      return item.until === null || time === null || time < item.until;
    });
  }
  function items() {
    var urgent = alone();
    if (urgent.length) return urgent;
    // An emergency whose hours ended while the line was gone is no longer alone, and not hidden either.
    var rest = shown.alone.concat(shown.turn);
    return rest.length ? rest : [{ id: 0, look: "calm", level: 0, said: shown.calm }];
  }
  function show() {
    var list = items();
    var mark = JSON.stringify(list);
    if (mark === showing) { sites(); return; }
    showing = mark;
    pages = [];
    list.forEach(function (item) {
      item.said.forEach(function (said) { pages.push({ item: item, said: said }); });
    });
    turn = -1;
    rest = [];
    next();
  }
  // Show what did not fit on the last page, in the same language; else the next language or message.
  function next() {
    if (!pages.length) return;
    part = rest.length ? part + 1 : 1;
    if (!rest.length) turn = (turn + 1) % pages.length;
    rest = put(pages[turn], rest);
    var letters = at("title").textContent.length + at("text").textContent.length;
    until = steady() + Math.min(LONGEST, Math.max(SHORTEST, 4000 + letters * A_LETTER));
  }

  // ---- one page
  function put(page, pieces) {
    var item = page.item, said = page.said;
    body.dataset.look = item.look;
    body.dataset.level = item.level || "";
    body.dataset.language = said.language;
    body.dataset.part = part;
    var main = at("main");
    main.lang = said.tag; main.dir = said.dir; main.dataset.lines = said.lines;
    at("mark").hidden = item.look !== "drill";
    at("mark").textContent = item.look === "drill" ? wordsOf(said).drill : "";
    at("label").textContent = said.label || "";
    at("when").textContent = said.time || "";
    at("title").textContent = said.title;
    at("place").textContent = pages.length > 1 ? dots() : "";
    sites();
    tick();
    if (pieces.length) {
      if (titleIsTooLong()) at("title").textContent = "";
      return fill(pieces);
    }
    // Smaller letters before a second page.
    body.dataset.tight = "no";
    var left = titleIsTooLong() ? [""] : fill(cut(said.text || ""));
    if (!left.length) return left;
    body.dataset.tight = "yes";
    var text = said.text || "";
    if (titleIsTooLong()) {
      text = said.title + "\n" + text;
      at("title").textContent = "";
    }
    return fill(cut(text));
  }
  // A title that leaves no room for two lines of text is read as a part of the text.
  function titleIsTooLong() {
    at("text").textContent = "";
    return at("text").clientHeight < 2 * parseFloat(getComputedStyle(at("text")).fontSize) * 1.5;
  }
  function dots() {
    var made = "";
    for (var i = 0; i < Math.min(pages.length, 24); i += 1) made += i === turn ? "●" : "○";
    return made;
  }
  function wordsOf(said) { return words[said.language] || words[said.tag] || words[languages[0]]; }

  // Cut a text after sentences and lines; a line break is a piece of its own.
  function cut(text) {
    return text.replace(/https?:\/\/\S+/g, "").split(/(\n+|[^\n]*?[。！？!?။។।](?:[」』）)])*|[^\n]*?[.](?=\s))/).filter(Boolean);
  }
  function fits() {
    var text = at("text");
    return text.scrollHeight <= text.clientHeight + 1;
  }
  // Put in as many pieces as fit, and return the others. No word is ever cut off.
  function fill(pieces) {
    var text = at("text");
    text.textContent = pieces.join("").trim();
    if (fits()) return [];
    var low = 0, high = pieces.length - 1;
    while (low < high) {
      var middle = Math.ceil((low + high) / 2);
      text.textContent = pieces.slice(0, middle).join("").trim();
      if (fits()) low = middle; else high = middle - 1;
    }
    if (low > 0 && pieces.slice(0, low).join("").trim()) {
      text.textContent = pieces.slice(0, low).join("").trim();
      return pieces.slice(low);
    }
    return fillWith(pieces);
  }
  // One sentence is longer than the page: cut it between words, or between letters where there are none.
  function fillWith(pieces) {
    var text = at("text"), first = pieces[0], smaller = first.split(/(\s+|[、，,၊])/).filter(Boolean);
    if (smaller.length === 1) smaller = Array.from(first);
    var low = 1, high = smaller.length;
    while (low < high) {
      var middle = Math.ceil((low + high) / 2);
      text.textContent = smaller.slice(0, middle).join("").trim();
      if (fits()) low = middle; else high = middle - 1;
    }
    text.textContent = smaller.slice(0, low).join("").trim();
    return [smaller.slice(low).join("")].concat(pieces.slice(1)).filter(Boolean);
  }

  function sites() {
    var list = shown ? shown.sites : [], language = body.dataset.language;
    if (!words[language]) language = languages[0];
    at("near").hidden = !list.length;
    if (!list.length) return;
    var mine = words[language], near = at("near");
    near.lang = mine.tag; near.dir = mine.dir; near.dataset.lines = mine.lines;
    at("near-heading").textContent = mine.sites;
    var box = at("sites");
    box.textContent = "";
    list.forEach(function (site) {
      var row = document.createElement("li");
      row.className = site.state ? "is-" + site.state : "";
      add(row, "name", site.names[language]);
      if (site.states[language]) add(row, "state", site.states[language]);
      add(row, "far", site.metres < 1000 ? Math.round(site.metres / 10) * 10 + " m" : (site.metres / 1000).toFixed(1) + " km");
      box.appendChild(row);
    });
    // Smaller letters first. What still does not fit is left out whole: the nearest are first.
    near.dataset.tight = "no";
    if (tooFull(near)) near.dataset.tight = "yes";
    while (box.children.length > 1 && tooFull(near)) box.removeChild(box.lastChild);
  }
  function tooFull(near) {
    var frame = at("frame");
    return near.scrollHeight > near.clientHeight + 1 || frame.scrollHeight > frame.clientHeight + 1;
  }
  function add(row, name, text) {
    var span = document.createElement("span");
    span.className = name;
    span.textContent = text;
    row.appendChild(span);
    row.appendChild(document.createTextNode(" "));
  }

  // ---- time and age
  function two(number) { return (number < 10 ? "0" : "") + number; }
  function parts(time) { return new Date(time + JAPAN); }
  function hours(time) { var d = parts(time); return two(d.getUTCHours()) + ":" + two(d.getUTCMinutes()); }
  function day(time) { var d = parts(time); return d.getUTCFullYear() + "-" + two(d.getUTCMonth() + 1) + "-" + two(d.getUTCDate()); }
  function tick() {
    var time = now();
    var gone = failing === null ? 0 : steady() - failing;
    var language = body.dataset.language || languages[0];
    var mine = words[language] || words[languages[0]];
    at("city").textContent = mine.city;
    at("time").textContent = time === null ? "" : hours(time);
    at("day").textContent = shown && failing === null ? shown.day[language] || shown.day[languages[0]] : "";
    var hour = time === null ? 12 : parts(time).getUTCHours();
    body.dataset.night = hour >= 22 || hour < 6 ? "yes" : "no";
    var old = gone >= OLD, age = at("age");
    age.hidden = !old;
    body.dataset.age = !old ? "new" : base === null || gone >= NOT_CURRENT ? "not-current" : "old";
    if (old) {
      var when = from === null ? "--:--" : time !== null && day(time) === day(from) ? hours(from) : day(from) + " " + hours(from);
      var sentence = body.dataset.age === "old" ? mine.noLine : mine.notCurrent;
      age.lang = mine.tag; age.dir = mine.dir; age.dataset.lines = mine.lines;
      var said = sentence.replace("{time}", when);
      if (age.textContent !== said) age.textContent = said;
    } else age.textContent = "";
    if (shown && shown.alone.length && alone().length !== shown.alone.length) show();
  }
  function shift() {
    body.dataset.shift = String(Math.floor(steady() / SHIFT) % 8);
  }

  if (body.dataset.demo) { at("demo").hidden = false; at("demo").textContent = body.dataset.demo; }
  remember();
  ask();
  shift();
  listen();
  setInterval(askInTime, 1000);
  setInterval(function () {
    tick();
    if (steady() >= until) next();
  }, 1000);
  setInterval(shift, SHIFT);
  var waiting = 0;
  window.addEventListener("resize", function () {
    clearTimeout(waiting);
    waiting = setTimeout(function () { if (shown) { showing = ""; show(); } }, 200);
  });
  if ("serviceWorker" in navigator) {
    navigator.serviceWorker.register("/signage/worker.js", { scope: "/signage" }).catch(function () { /* no secure address */ });
  }
})();

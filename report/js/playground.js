// The section "Try it": what the embedded models predict for a name, at every keystroke.
"use strict";
(() => {
  const source = document.getElementById("try-data");
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const ROWS = Math.min(5, data.languages.length);
  const symbols = [...data.alphabet], index = new Map(symbols.map((symbol, i) => [symbol, i]));
  const app = document.getElementById("try-app");
  app.append(document.getElementById("try-template").content.cloneNode(true));
  document.getElementById("try-static").remove();
  const at = (id) => document.getElementById("try-" + id);
  const make = (tag, className, ...children) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.append(...children);
    return element;
  };
  const pick = (list) => list[Math.floor(Math.random() * list.length)];
  const percent = (share) => (share > 0 && share < 0.005 ? "< 1 %" : `${Math.round(100 * share)} %`);
  const best = (probabilities) => probabilities.indexOf(Math.max(...probabilities));
  const distinct = (values) => [...new Set(values)];

  // --- Names, as in the data set -------------------------------------------------------------------

  function formed(text) {
    const normal = text.normalize(data.form);
    return data.form === "NFC" ? normal.replace(/\p{Zs}/gu, " ") : normal;
  }

  // Where a symbol before a mark is dropped, the mark may compose with the letter before that.
  function normalise(name) {
    const dropped = [];
    let text = formed(name), before;
    do {
      before = text;
      dropped.push(...[...text].filter((symbol) => !index.has(symbol)));
      text = formed([...text].filter((symbol) => index.has(symbol)).join(""));
    } while (text !== before);
    return { text: text.trim(), dropped };
  }

  // The characters as a reader sees them: each letter with its marks.
  function characters(text) {
    if (/^[\x00-\x7f]*$/.test(text) || !Intl.Segmenter) return [...text];
    return [...new Intl.Segmenter("und").segment(text)].map((part) => part.segment);
  }

  const heldOut = new Map(), trained = new Map();
  for (const [lists, known] of [[data.held_out, heldOut], [data.trained || {}, trained]]) {
    for (const [language, names] of Object.entries(lists)) {
      for (const name of names) known.set(name, [...(known.get(name) || []), language]);
    }
  }

  // --- The models ----------------------------------------------------------------------------------

  const loaded = (arm, numbers) => ({ ...arm, reader: reading.load(arm.spec, numbers, arm.parameters) });
  const arms = data.arms.map((arm) => {
    const bytes = Uint8Array.from(atob(arm.weights), (letter) => letter.charCodeAt(0));
    return loaded(arm, new Float32Array(bytes.buffer));
  });
  const MODELS = distinct(arms.map((arm) => arm.model));
  const TRAINED = distinct(arms.map((arm) => arm.trained));

  // --- The view, kept in the address, so that it can be linked -------------------------------------

  const state = { name: "", junk: "", models: new Set(MODELS), trained: new Set(TRAINED), at: null };

  function recall() {
    const query = new URLSearchParams(location.search);
    const among = (key, known) => {
      const asked = (query.get(key) || "").split(",").filter((value) => known.includes(value));
      return new Set(asked.length ? asked : known);
    };
    state.name = query.get("name") ?? data.examples[data.examples.length - 1].name;
    state.junk = [...(query.get("junk") || "")].filter((symbol) => data.junk.includes(symbol))
      .slice(0, data.longest_junk).join("");
    state.models = among("models", MODELS);
    state.trained = among("trained", TRAINED);
  }

  // Browsers take long to change an address, and refuse many changes in a row: wait for a pause in typing.
  let remembering;
  function remember() {
    clearTimeout(remembering);
    remembering = setTimeout(writeAddress, 250);
  }

  function writeAddress() {
    const query = new URLSearchParams(location.search);
    const set = (key, value) => (value ? query.set(key, value) : query.delete(key));
    query.set("name", state.name);
    set("junk", state.junk);
    set("models", state.models.size < MODELS.length && [...state.models].join(","));
    set("trained", state.trained.size < TRAINED.length && [...state.trained].join(","));
    history.replaceState(null, "", `${location.pathname}?${query}${location.hash}`);
  }

  // --- Drawing: elements are made once and filled anew ---------------------------------------------

  // One stretched pixel per character and row, which is far cheaper than an element.
  const SCALE = 16;

  function furnish(arm) {
    const extra = arm.spec.readout === "attention" ? ["attention", "left out"] : ["left out"];
    arm.said = make("p", "try-said");
    arm.labels = Array.from({ length: ROWS }, () => make("span", "try-label"));
    arm.shares = Array.from({ length: ROWS }, () => make("span", "try-share"));
    arm.letters = make("span", "try-letters");
    arm.canvas = make("canvas");
    arm.canvas.height = SCALE * (ROWS + extra.length);
    arm.chart = make("div", "try-chart", arm.letters, make("span", "try-heat", arm.canvas),
      ...arm.labels.flatMap((label, i) => [label, arm.shares[i]]),
      ...extra.map((name) => make("span", "try-label try-extra", name)));
    arm.chart.setAttribute("role", "img");
    arm.chart.style.setProperty("--rows", ROWS + extra.length);
    [...arm.chart.children].slice(2).forEach((cell, i) => {  // below the letters
      cell.style.gridRow = 2 + (i < 2 * ROWS ? i >> 1 : i - ROWS);
    });
    for (const share of arm.shares) share.style.backgroundImage = `linear-gradient(${arm.colour}66 0 100%)`;
    arm.element = make("div", "try-arm", arm.said, arm.chart);
    arm.chart.addEventListener("pointermove", (event) => {
      const { left, width } = arm.letters.getBoundingClientRect();
      const place = Math.floor(((event.clientX - left) / width) * arm.count);
      lookAt(place >= 0 && place < arm.count ? place : null);
    });
    arm.chart.addEventListener("pointerleave", () => lookAt(null));
  }
  function addCard(model) {
    const own = arms.filter((arm) => arm.model === model);
    const dot = make("span", "try-dot");
    dot.style.background = own[0].colour;
    const card = make("article", "try-reader", make("h3", "", dot, own[0].label), ...own.map((arm) => arm.element));
    card.dataset.model = model;
    at("readers").append(card);
  }
  arms.forEach(furnish);
  MODELS.forEach(addCard);

  // Up to four models go in one line, five and six in two lines of three.
  function arrange() {
    const count = state.models.size;
    at("readers").style.setProperty("--columns", count <= 4 ? count : count <= 6 || count === 9 ? 3 : 4);
    const parts = MODELS.map((model) => arms.filter((arm) => arm.model === model && shown(arm)).length);
    at("readers").style.setProperty("--parts", 1 + Math.max(...parts));
  }

  const shown = (arm) => state.models.has(arm.model) && state.trained.has(arm.trained);

  // Rows are the three labels with the highest final probability, and those that led on the way.
  function leaders({ probabilities, after }) {
    const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
    const onTheWay = after.map(best);
    const few = distinct([...order.slice(0, 3), ...onTheWay.reverse(), ...order]).slice(0, ROWS);
    return few.sort((a, b) => probabilities[b] - probabilities[a]);
  }

  function paint(arm, row, colour, shares) {
    const context = arm.canvas.getContext("2d");
    shares.forEach((share, i) => {
      context.fillStyle = Array.isArray(colour) ? colour[share < 0 ? 0 : 1] : colour;
      context.globalAlpha = Math.min(Math.abs(share), 1);
      context.fillRect(i, SCALE * row, 1, SCALE - 1);
    });
  }

  function fill(arm, units) {
    const said = arm.read = reading.read(arm.reader, units.map((unit) => unit.codes));
    arm.count = arm.canvas.width = units.length;  // setting the width empties the canvas
    arm.without = null;
    units.forEach((unit, i) => {
      const letter = arm.letters.children[i] || arm.letters.appendChild(make("span"));
      if (letter.textContent !== unit.text) letter.textContent = unit.text;
      if (letter.className !== unit.className) letter.className = unit.className;
    });
    while (arm.letters.childElementCount > units.length) arm.letters.lastChild.remove();
    arm.leaders = leaders(said);
    arm.leaders.forEach((label, i) => {
      arm.labels[i].textContent = arm.labels[i].title = data.languages[label];
      paint(arm, i, arm.colour, said.after.map((p) => p[label]));
    });
    if (said.attention) {
      const most = Math.max(...said.attention);
      paint(arm, ROWS, arm.colour, said.attention.map((weight) => weight / most));
    }
    const sure = arm.leaders.slice(0, 3).map((l) => `${data.languages[l]} ${percent(said.probabilities[l])}`);
    arm.chart.setAttribute("aria-label", `${arm.label}, ${arm.trained}: ${sure.join(", ")}`);
  }

  // The effect of leaving out a character takes longest to compute, so it follows once the rest is shown.
  function fillLeftOut(arm, units) {
    const { probabilities, attention, without } = arm.read, top = best(probabilities);
    arm.without = units.map((_, i) => without(i));
    const change = arm.without.map((p) => (p ? p[top] - probabilities[top] : 0));
    paint(arm, ROWS + (attention ? 1 : 0), [colours.bad, colours.good], change);
    const letter = change.indexOf(Math.min(...change));
    if (change[letter] < -0.005) {
      const words = `; without “${units[letter].text}” ${percent(arm.without[letter][top])}`;
      arm.chart.setAttribute("aria-label", arm.chart.getAttribute("aria-label") + words);
    }
  }

  let following;
  function follow(waiting) {
    clearTimeout(following);
    if (!waiting.length) return;
    following = setTimeout(() => {
      fillLeftOut(waiting[0], units);
      follow(waiting.slice(1));
    });
  }

  const colours = {};
  function readColours() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["good", "bad"]) colours[name] = style.getPropertyValue("--" + name).trim();
  }

  // The bars and words of an arm, as far as it may read.
  function tell(arm, units, place, looked) {
    const probabilities = arm.read.after[place];
    arm.leaders.forEach((label, i) => {
      arm.shares[i].style.backgroundSize = `${(100 * probabilities[label]).toFixed(1)}% 88%`;
      arm.shares[i].textContent = percent(probabilities[label]);
    });
    const top = best(probabilities), without = looked && arm.without && arm.without[place];
    const other = without && best(without);
    const isRight = truth && truth.includes(data.languages[top]);
    arm.said.replaceChildren(make("span", "try-how", arm.trained),
      make("b", "", data.languages[top]), ` ${percent(probabilities[top])}`,
      ...(truth ? [make("span", isRight ? "try-right" : "try-wrong", isRight ? " ✓" : " ✗")] : []),
      ...(without ? [make("span", "try-how", ` at the end, without “${units[place].text}”: `
        + `${data.languages[other]} ${percent(without[other])}`)] : []));
  }

  // --- From what was typed to what is shown --------------------------------------------------------

  let units = [], truth, speaking, playing;

  function show() {
    const { text, dropped } = normalise(state.name);
    const unit = (isJunk) => (letters) =>
      ({
      text: letters === " " ? "␣" : letters,
      codes: [...letters].map((symbol) => index.get(symbol)),
      className: isJunk ? "try-noise" : "",
    });
    units = [...characters(text).map(unit(false)), ...[...state.junk].map(unit(true))];
    truth = trained.get(text) || heldOut.get(text);
    stop();
    at("count").textContent = state.junk.length;
    at("redraw").disabled = !state.junk;
    at("text").replaceChildren(...units.map((u) =>
      make("span", `try-token ${u.className}`, u.text)));
    at("notes").textContent = [droppedWords(dropped), knownWords(text)].filter(Boolean).join(" ");
    app.classList.toggle("try-empty", !units.length);
    for (const card of at("readers").children) card.hidden = !state.models.has(card.dataset.model);
    const reading = arms.filter(shown);
    for (const arm of arms) arm.element.hidden = !shown(arm);
    arrange();
    at("at").max = at("at").value = Math.max(units.length, 1);
    if (units.length) for (const arm of reading) fill(arm, units);
    look();
    follow(units.length ? reading : []);
  }

  function droppedWords(dropped) {
    if (!dropped.length) return "";
    const shown = distinct(dropped).map((symbol) =>
      (/\p{M}/u.test(symbol) ? `◌${symbol} (a mark)` : `${symbol} (not in the alphabet)`));
    return `Dropped: ${shown.join(", ")}.`;
  }

  function knownWords(text) {
    if (!truth) return "";
    if (trained.has(text)) return `The models were trained on “${text}”: ${truth.join(", ")}.`;
    return `“${text}” was held out of training: ${truth.join(", ")}.`;
  }

  // Show everything up to a place, or at the place that is pointed at.
  function look(pointed = null) {
    if (!units.length) {
      at("summary").textContent = at("upto").textContent = "";
      at("summary").textContent = "Type a name above.";
      return;
    }
    const last = units.length - 1, place = pointed ?? state.at ?? last;
    const reading = arms.filter(shown);
    for (const arm of reading) tell(arm, units, place, pointed !== null);
    const looking = place < last || pointed !== null;
    at("readers").classList.toggle("try-looking", looking);
    if (looking) {  // restyling everything inside takes a while
      at("readers").style.setProperty("--at", place);
      at("readers").style.setProperty("--count", units.length);
    }
    [...at("text").children].forEach((token, i) => token.classList.toggle("try-later", i > place));
    const upto = units.slice(0, place + 1).map((unit) => unit.text).join("");
    if (pointed === null) at("at").value = place + 1;
    at("upto").textContent = place < last ? `“${upto}”` : "the end";
    at("at").setAttribute("aria-valuetext", upto);
    const votes = new Map();
    for (const arm of reading) {
      const label = data.languages[best(arm.read.after[place])];
      votes.set(label, (votes.get(label) || 0) + 1);
    }
    const [[first, count], ...others] = [...votes].sort((a, b) => b[1] - a[1]);
    const agree = 2 * count > reading.length;
    const rest = (agree ? others : [[first, count], ...others]).slice(0, 5).map(([label, n]) => `${n} ${label}`);
    at("summary").replaceChildren(
      make("b", "", agree ? `${count} of ${reading.length} say ${first}` : "They disagree"),
      rest.length ? `: ${rest.join(", ")}` : "");
    if (pointed === null) speak(`${upto}: ${at("summary").textContent}`);
  }

  // Announced when typing pauses, not at every key.
  function speak(words) {
    clearTimeout(speaking);
    speaking = setTimeout(() => { at("live").textContent = words; }, 700);
  }

  function lookAt(place) {
    if (units.length) look(place);
  }

  // Read one character after another, with pauses.
  function watch() {
    state.at = 0;
    look();
    clearInterval(playing);
    playing = setInterval(() => {
      state.at += 1;
      if (state.at >= units.length - 1) stop();
      look();
    }, 450);
  }

  function stop() {
    clearInterval(playing);
    state.at = null;
  }

  // --- Controls ------------------------------------------------------------------------------------

  function change(more) {
    Object.assign(state, more);
    if (more.name !== undefined && at("name").value !== state.name) at("name").value = state.name;
    show();
    remember();
  }

  const draw = (count) => Array.from({ length: count }, () => pick([...data.junk])).join("");

  at("name").addEventListener("input", () => change({ name: at("name").value }));
  at("random").addEventListener("click", () => change({ name: pick(pick(Object.values(data.held_out))) }));
  at("junk").addEventListener("input", () => {
    const count = Number(at("junk").value), kept = [...state.junk].slice(0, count).join("");
    change({ junk: kept + draw(count - [...kept].length) });
  });
  at("redraw").addEventListener("click", () => change({ junk: draw([...state.junk].length) }));
  at("at").addEventListener("input", () => {
    const place = Number(at("at").value) - 1;
    stop();
    state.at = place < units.length - 1 ? place : null;
    look();
  });

  at("watch").addEventListener("click", () => { if (units.length) watch(); });

  for (const [language, name] of Object.entries(data.typical)) {
    const button = make("button", "", language);
    button.type = "button";
    button.title = name;
    button.addEventListener("click", () => change({ name }));
    at("typical").append(button);
  }

  function choices(key, values, added = values, words = (value) => value) {
    for (const value of added) {
      const box = make("input");
      box.type = "checkbox";
      box.setAttribute("aria-label", `Try ${words(value)}`);  // figures have boxes with the same names
      box.checked = state[key].has(value);
      box.addEventListener("change", () => {
        const chosen = values.filter((v) => (v === value ? box.checked : state[key].has(v)));
        box.checked = box.checked || !chosen.length;  // at least one stays checked
        if (chosen.length) change({ [key]: new Set(chosen) });
      });
      at(key).append(make("label", "", box, ` ${words(value)}`));
    }
  }

  // A model that was trained in the page joins the others.
  document.addEventListener("noisynames:trained", ({ detail: { arm, numbers } }) => {
    const own = loaded(arm, numbers);
    arms.push(own);
    MODELS.push(arm.model);
    TRAINED.push(arm.trained);
    state.models.add(arm.model);
    state.trained.add(arm.trained);
    furnish(own);
    addCard(arm.model);
    choices("models", MODELS, [arm.model], () => arm.label);
    choices("trained", TRAINED, [arm.trained]);
    show();
  });

  readColours();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); show(); });
  recall();
  choices("models", MODELS, MODELS, (model) => arms.find((arm) => arm.model === model).label);
  choices("trained", TRAINED);
  at("name").value = state.name;
  at("junk").value = [...state.junk].length;
  show();
})();

// Everything here is optional: the page is complete without it. Hiding never changes a number.
"use strict";
(() => {
  const state = { hide: new Set(), sort: "", filter: "" };
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };

  // --- The view, kept in the address, so that it can be linked -----------------------------------

  function remember() {
    const query = new URLSearchParams(location.search);  // with what other scripts keep there
    for (const key of ["hide", "sort", "filter"]) query.delete(key);
    if (state.hide.size) query.set("hide", [...state.hide].sort().join(","));
    if (state.sort) query.set("sort", state.sort);
    if (state.filter) query.set("filter", state.filter);
    const text = query.toString();
    history.replaceState(null, "", location.pathname + (text ? "?" + text : "") + location.hash);
  }

  function recall() {
    const query = new URLSearchParams(location.search);
    state.hide = new Set((query.get("hide") || "").split(",").filter(Boolean));
    state.sort = query.get("sort") || "";
    state.filter = query.get("filter") || "";
  }

  // --- Show and hide models, noise levels and bands, in step across all figures ------------------

  function showSeries() {
    for (const mark of all(".series")) {
      const { model, noise, part } = mark.dataset;
      const hidden = state.hide.has("model:" + model) || state.hide.has("noise:" + noise)
        || (part === "band" && state.hide.has("bands"));
      mark.style.display = hidden ? "none" : "";
    }
  }

  function addControls() {
    const { models, noise } = JSON.parse(document.getElementById("view-data").textContent);
    const group = (title, entries) => make("fieldset", {}, make("legend", {}, title),
      ...entries.map(([key, text]) => {
        const box = make("input", { type: "checkbox", "data-key": key });
        box.checked = !state.hide.has(key);
        box.addEventListener("change", () => {
          state.hide[box.checked ? "delete" : "add"](key);
          showSeries();
          remember();
        });
        return make("label", {}, box, " " + text);
      }));
    const reset = make("button", { type: "button" }, "Show all");
    reset.addEventListener("click", () => {
      state.hide.clear();
      for (const box of all(".controls input")) box.checked = true;
      showSeries();
      remember();
    });
    const panel = make("details", { class: "controls" }, make("summary", {}, "Show in figures"),
      make("div", {},
        group("Models", Object.entries(models).map(([name, label]) => ["model:" + name, label])),
        group("Noise levels", noise.map((level) => ["noise:" + level, String(level)])),
        group("Intervals", [["bands", "bands and bars"]]),
        reset));
    panel.open = state.hide.size > 0;
    document.querySelector("nav").append(panel);
  }

  // --- The value of a mark, shown when it is pointed at, and with the arrow keys -------------------

  function addTips() {
    const tip = make("div", { class: "tip", role: "status", hidden: "" });
    document.body.append(tip);
    const show = (mark) => {
      const { left, top, bottom, width } = mark.getBoundingClientRect();
      tip.textContent = mark.dataset.tip;
      tip.hidden = false;
      const x = left + width / 2 - tip.offsetWidth / 2;
      tip.style.left = Math.max(4, Math.min(x, innerWidth - tip.offsetWidth - 4)) + "px";
      tip.style.top = (top > 60 ? top - tip.offsetHeight - 6 : bottom + 6) + "px";
    };
    const hide = () => { tip.hidden = true; };
    for (const drawing of all(".drawing")) {
      const marks = () => all("[data-tip]", drawing).filter((mark) => mark.style.display !== "none");
      let at = -1;
      drawing.addEventListener("mouseover", (event) => {
        const mark = event.target.closest("[data-tip]");
        if (mark) show(mark); else hide();
      });
      drawing.addEventListener("mouseleave", hide);
      drawing.addEventListener("blur", hide);
      drawing.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
        const shown = marks();
        if (!step || !shown.length) return;
        event.preventDefault();
        at = (at + step + shown.length) % shown.length;
        show(shown[at]);
      });
    }
  }

  // --- The current section ------------------------------------------------------------------------

  function followSections() {
    const links = new Map(all("nav a").map((link) => [link.hash.slice(1), link]));
    const seen = new IntersectionObserver(() => {
      const sections = [...links.keys()].map((id) => document.getElementById(id));
      const current = sections.filter((s) => s.getBoundingClientRect().top < innerHeight / 3).pop();
      for (const [id, link] of links) {
        if (current && id === current.id) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    }, { threshold: [0, 0.1, 0.25, 0.5, 0.75, 1] });
    for (const id of links.keys()) seen.observe(document.getElementById(id));
  }

  // --- Downloads ----------------------------------------------------------------------------------

  function save(name, type, content) {
    const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
    make("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }

  function button(text, label, action) {
    const element = make("button", { type: "button", "aria-label": label }, text);
    element.addEventListener("click", action);
    return element;
  }

  function svgText(svg) {
    const copy = svg.cloneNode(true);
    copy.style.color = getComputedStyle(svg).color;
    copy.style.background = getComputedStyle(document.body).backgroundColor;
    copy.style.setProperty("--paper", copy.style.background);
    return new XMLSerializer().serializeToString(copy);
  }

  function savePng(svg, name) {
    const { width, height } = svg.viewBox.baseVal;
    const image = new Image();
    image.addEventListener("load", () => {
      const canvas = make("canvas", { width: 3 * width, height: 3 * height });
      const context = canvas.getContext("2d");
      context.fillStyle = getComputedStyle(document.body).backgroundColor;
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => save(name + ".png", "image/png", blob));
    });
    image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(svgText(svg));
  }

  const cells = (row) => all("th, td", row).map((cell) => cell.textContent.trim().replace(/\s+/g, " "));
  const shown = (table) => all("tbody tr", table).filter((row) => !row.hidden);

  function csv(table) {
    const quote = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const rows = [table.tHead.rows[0], ...shown(table)];
    return rows.map((row) => cells(row).map(quote).join(",")).join("\n") + "\n";
  }

  function json(table) {
    const keys = cells(table.tHead.rows[0]);
    const record = (row) => Object.fromEntries(cells(row).map((text, i) => [keys[i], text]));
    return JSON.stringify(shown(table).map(record), null, 1) + "\n";
  }

  function addDownloads() {
    for (const figure of all("figure:has(svg)")) {
      const name = figure.id.replace("figure-", "");
      const svg = figure.querySelector("svg");
      figure.querySelector("figcaption").append(make("span", { class: "tools" },
        button("SVG", `Download figure ${name} as SVG`,
          () => save(name + ".svg", "image/svg+xml", svgText(svg))),
        button("PNG", `Download figure ${name} as PNG`, () => savePng(svg, name))));
    }
    for (const table of all("table")) {
      const name = table.id;
      table.closest(".scroll").after(make("p", { class: "tools" },
        button("CSV", `Download table ${name} as CSV`,
          () => save(name + ".csv", "text/csv", csv(table))),
        button("JSON", `Download table ${name} as JSON`,
          () => save(name + ".json", "application/json", json(table)))));
    }
  }

  // --- Sort any table by a column; filter the table of runs --------------------------------------

  function openAround(element) {
    for (let box = element; box; box = box.parentElement) if (box.tagName === "DETAILS") box.open = true;
  }

  function sortBy(table, column, descending) {
    const value = (row) => {
      const text = cells(row)[column].replace("−", "-").replace(/(?<=\d),(?=\d{3})/g, "");
      const number = parseFloat(text.replace(/^p [=<] /, ""));
      return Number.isNaN(number) ? [1, text] : [0, number];
    };
    const compare = (a, b) => a[0] - b[0]
      || (a[0] ? a[1].localeCompare(b[1], "en") : a[1] - b[1]);
    const rows = all("tbody tr", table).map((row) => [value(row), row]);
    rows.sort((a, b) => (descending ? -1 : 1) * compare(a[0], b[0]));
    table.tBodies[0].append(...rows.map(([, row]) => row));
    all("thead th", table).forEach((head, i) => {
      if (i === column) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
  }

  function addSorting() {
    for (const table of all("table")) {
      all("thead th", table).forEach((head, column) => {
        const sort = make("button", { type: "button" }, ...head.childNodes);
        sort.addEventListener("click", () => {
          const descending = head.getAttribute("aria-sort") === "ascending";
          sortBy(table, column, descending);
          state.sort = [table.id, column, descending ? "down" : "up"].join(":");
          remember();
        });
        head.append(sort);
      });
    }
    const [id, column, direction] = state.sort.split(":");
    const table = id && document.getElementById(id);
    if (!table) return;
    sortBy(table, Number(column), direction === "down");
    openAround(table);
  }

  function addFilter() {
    const table = document.getElementById("table-runs");
    if (!table) return;  // a page that compares two experiments has none
    const input = make("input", { type: "search", id: "run-filter", autocomplete: "off" });
    const count = make("output", { for: "run-filter" });
    const apply = () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of all("tbody tr", table)) {
        const text = cells(row).join(" ").toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
      count.textContent = ` ${shown(table).length} of ${table.tBodies[0].rows.length} runs`;
    };
    input.value = state.filter;
    if (state.filter) openAround(table);
    input.addEventListener("input", () => {
      state.filter = input.value;
      apply();
      remember();
    });
    table.closest(".scroll").before(make("p", { class: "filter" },
      make("label", { for: "run-filter" }, "Filter runs, such as “gru diverged”: "), input, count));
    apply();
  }

  recall();
  followSections();
  addTips();
  addControls();
  addSorting();
  addDownloads();
  addFilter();
  showSeries();
})();

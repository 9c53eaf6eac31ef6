// "Train it again, here": runs are trained in workers, drawn as they train, and compared with the record.
"use strict";
(() => {
  const source = document.getElementById("train-data");
  const template = document.getElementById("train-template");
  if (!source || !globalThis.Worker || !globalThis.WebAssembly || !globalThis.DecompressionStream) return;
  const shown = JSON.parse(document.getElementById("try-data").textContent);
  document.getElementById("train-app").append(template.content.cloneNode(true));
  const at = (id) => document.getElementById("train-" + id);
  const index = new Map([...shown.alphabet].map((symbol, i) => [symbol, i]));
  const encode = (text) => [...text].map((symbol) => index.get(symbol));
  const armOf = (model) => shown.arms.find((arm) => arm.model === model);
  const packed = JSON.parse(source.textContent);

  async function unpack(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(plain).arrayBuffer();
  }

  // A worker trains a run, and tests the model on held-out names.
  const IN_WORKER = `
    onmessage = ({ data: { data, asked, kernel, names, junk, heldOut } }) => {
      const run = training.train(data, asked, kernel, names, junk, (point) => postMessage({ point }));
      if (run.parameters) {
        const { spec } = data.models[asked.model], { ranges } = data.models[asked.model].sizes[asked.hidden_size];
        run.shapes = ranges.map(([name, shape]) => [name, shape]);
        const arrays = run.shapes.map(([name]) => run.parameters.get(name));
        run.numbers = new Float32Array(arrays.reduce((size, array) => size + array.length, 0));
        arrays.reduce((begin, array) => { run.numbers.set(array, begin); return begin + array.length; }, 0);
        run.spec = { ...spec, hidden_size: asked.hidden_size };
        const model = reading.load(run.spec, run.numbers, run.shapes);
        const best = (p) => p.indexOf(Math.max(...p));
        const recalls = heldOut.map((own, label) =>
          own.filter((symbols) => best(reading.final(model, symbols)) === label).length / own.length);
        run.accuracy = recalls.reduce((a, b) => a + b, 0) / recalls.length;
        delete run.parameters;
      }
      postMessage({ run });
    };`;

  const code = ["code-reading", "code-training"].map((id) => document.getElementById(id).textContent);
  const WORKER = URL.createObjectURL(new Blob([...code, IN_WORKER], { type: "text/javascript" }));

  unpack(packed.data).then((buffer) => {
    const data = JSON.parse(new TextDecoder().decode(buffer));
    const records = new Map(data.runs.map(([model, noise, seed, losses, sums]) =>
      [[model, noise, seed].join(" "), { losses, sums }]));
    const MODELS = Object.keys(data.models);

    // --- The run that is requested -----------------------------------------------------------------

    const options = (select, values, words) => {
      for (const value of values) at(select).append(new Option(words(value), value));
    };
    options("model", MODELS, (model) => armOf(model).label);
    options("seed", Object.keys(data.train), (seed) => seed);
    at("noise").max = data.most_noise;
    at("noise").value = Math.min(...data.runs.map(([, noise]) => Number(noise)));

    function sizesOf(model) {
      return Object.keys(data.models[model].sizes).map(Number).sort((a, b) => a - b);
    }

    function asked(model = at("model").value) {
      const { plan, spec } = data.models[model];
      return {
        model,
        seed: Number(at("seed").value),
        noise: Number(at("noise").value),
        rate: plan.learning_rate * 2 ** Number(at("rate").value),
        hidden_size: sizesOf(model)[Number(at("size").value)] || spec.hidden_size,
      };
    }

    function recordOf({ model, noise, seed, rate, hidden_size }) {
      const { plan, spec } = data.models[model];
      const isRecorded = rate === plan.learning_rate && hidden_size === spec.hidden_size;
      return (isRecorded && records.get([model, noise, seed].join(" "))) || null;
    }

    function tell() {
      const now = asked();
      at("noise-is").textContent = now.noise;
      at("rate-is").textContent = Number(now.rate.toPrecision(4));
      at("size-is").textContent = now.hidden_size;
      at("kind").textContent = recordOf(now) ? "This run is recorded: the page compares it bit for bit."
        : "What if: this run was never recorded.";
    }

    function chooseModel() {
      const sizes = sizesOf(at("model").value);
      at("size").max = sizes.length - 1;
      at("size").value = sizes.indexOf(data.models[at("model").value].spec.hidden_size);
      tell();
    }

    // --- Jobs, at most one per core at a time ------------------------------------------------------

    const jobs = [], free = { workers: Math.max(1, Math.min(navigator.hardwareConcurrency || 1, 4)) };

    function add(model) {
      const what = asked(model), arm = armOf(model), record = recordOf(what);
      const job = { what, arm, record, points: [], item: document.createElement("li") };
      const { plan, spec } = data.models[model];
      job.words = [`${arm.label}, noise ${what.noise}, seed ${what.seed}`,
        ...(what.rate !== plan.learning_rate ? [`rate ${Number(what.rate.toPrecision(4))}`] : []),
        ...(what.hidden_size !== spec.hidden_size ? [`${what.hidden_size} units`] : [])].join(", ");
      job.bar = document.createElement("progress");
      job.bar.setAttribute("aria-label", job.words);
      job.bar.max = plan.updates;
      job.bar.value = 0;
      job.item.append(`${job.words} `, job.bar);
      at("jobs").append(job.item);
      jobs.push(job);
      next();
    }

    async function next() {
      const job = jobs.find(({ isStarted }) => !isStarted);
      if (!job || !free.workers) return;
      job.isStarted = true;
      free.workers -= 1;
      const { model, seed, hidden_size } = job.what;
      const kernel = await unpack(packed.kernels[data.models[model].sizes[hidden_size].kernel]);
      const worker = new Worker(WORKER);
      const finish = (words, className) => {
        worker.terminate();
        free.workers += 1;
        job.bar.remove();
        const verdict = document.createElement("strong");
        verdict.className = className;
        verdict.textContent = words;
        job.item.append(verdict);
        next();
      };
      worker.onmessage = ({ data: { point, run } }) => {
        if (point) {
          job.points.push(point);
          job.bar.value = point[0];
          drawSoon();
        } else {
          finish(...verdictOf(job, run));
        }
      };
      worker.onerror = (event) => finish(`stopped: ${event.message}`, "try-wrong");
      worker.postMessage({
        data, asked: job.what, kernel,
        names: data.train[seed].map((own) => own.map(encode)),
        junk: encode(shown.junk),
        heldOut: seed === shown.seed ? shown.languages.map((label) => shown.held_out[label].map(encode)) : [],
      });
    }

    function verdictOf(job, run) {
      const { record, what, arm } = job;
      if (run.diverged) return [`diverged at update ${run.diverged}`, "try-wrong"];
      if (!record) {
        const rate = Number.isFinite(run.accuracy) ? `: ${(100 * run.accuracy).toFixed(1)} % of held-out names right` : "";
        const label = `What if: ${job.words}`;
        const joined = { ...arm, model: `${label} (${jobs.indexOf(job) + 1})`, label, trained: "trained here",
          spec: run.spec, parameters: run.shapes };
        document.dispatchEvent(new CustomEvent("noisynames:trained", { detail: { arm: joined, numbers: run.numbers } }));
        return [`never recorded${rate}`, ""];
      }
      const differs = run.points.findIndex(([, loss], i) => loss !== record.losses[i]);
      if (differs >= 0) {
        const [update, loss] = run.points[differs];
        return [`differs from update ${update} on: ${loss} here, ${record.losses[differs]} recorded`, "try-wrong"];
      }
      const wrong = ["losses", "weights"].filter((_, i) => run.sums[i] !== record.sums[i]);
      if (wrong.length) return [`the checksum of the ${wrong.join(" and the ")} differs`, "try-wrong"];
      return [`identical, all ${run.points.length} points and the weights`, "try-right"];
    }

    // --- The curves --------------------------------------------------------------------------------

    const SVG = "http://www.w3.org/2000/svg", WIDTH = 720, HEIGHT = 240, LEFT = 40, BOTTOM = 28;
    const element = (tag, attributes, words = "") => {
      const made = document.createElementNS(SVG, tag);
      for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
      made.textContent = words;
      return made;
    };
    let waiting = false;

    function drawSoon() {
      if (!waiting) requestAnimationFrame(draw);
      waiting = true;
    }

    function draw() {
      waiting = false;
      const pointsOf = ({ points }) => points.map(([update, loss]) => [update, Number(loss)]);
      const recorded = ({ record, what }) => (record ? record.losses.map((loss, i) => {
        const { record_every: every, updates } = data.models[what.model].plan;
        return [Math.min((i + 1) * every, updates), Number(loss)];
      }) : []);
      const all = jobs.flatMap((job) => [...pointsOf(job), ...recorded(job)]);
      const most = Math.max(...all.map(([update]) => update)), top = Math.max(...all.map(([, loss]) => loss));
      const x = (update) => LEFT + (update / most) * (WIDTH - LEFT - 8);
      const y = (loss) => 8 + (1 - loss / top) * (HEIGHT - BOTTOM - 8);
      const line = (points, attributes) => element("polyline", {
        points: points.map(([u, l]) => `${x(u).toFixed(1)},${y(l).toFixed(1)}`).join(" "), fill: "none", ...attributes });
      const svg = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img",
        "aria-label": "Training loss by update: wide line, as recorded; thin, as trained here; dashed, what if" });
      const text = (at, attributes, words) => element("text", { x: at[0], y: at[1], fill: "currentColor", "font-size": 12, ...attributes }, words);
      for (const loss of [0, top / 2, top]) {
        svg.append(element("line", { x1: LEFT, x2: WIDTH - 8, y1: y(loss), y2: y(loss), stroke: "currentColor", "stroke-opacity": 0.15 }),
          text([LEFT - 6, y(loss) + 4], { "text-anchor": "end" }, loss.toFixed(1)));
      }
      svg.append(text([LEFT, HEIGHT - 8], {}, "training loss, nats"),
        text([WIDTH - 8, HEIGHT - 8], { "text-anchor": "end" }, `${most.toLocaleString("en")} updates`));
      for (const job of jobs) {
        svg.append(line(recorded(job), { stroke: job.arm.colour, "stroke-width": 7, "stroke-opacity": 0.3 }),
          line(pointsOf(job), { stroke: job.arm.colour, "stroke-width": 2, "stroke-dasharray": job.record ? "none" : "6 4" }));
      }
      at("chart").hidden = false;
      at("chart").replaceChildren(svg);
    }

    // --- Controls ----------------------------------------------------------------------------------

    at("model").addEventListener("change", chooseModel);
    for (const id of ["seed", "noise", "rate", "size"]) at(id).addEventListener("input", tell);
    at("start").addEventListener("click", () => add(at("model").value));
    at("all").addEventListener("click", () => MODELS.forEach(add));
    chooseModel();
  });
})();

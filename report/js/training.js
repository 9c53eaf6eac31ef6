// Train a run as `noisynames.training` does, to the bit: with the compiled engine's own kernels, and
// the streams, initial weights and files of a run implemented again. It runs in a worker.
"use strict";
const training = (() => {
  const text = new TextEncoder();

  // --- SHA-256 (FIPS 180-4) ------------------------------------------------------------------------

  const primes = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
  const fraction = (root) => primes.map((p) => Math.floor((p ** root % 1) * 2 ** 32) | 0);
  const ROUNDS = fraction(1 / 3), BEGIN = fraction(1 / 2).slice(0, 8);

  function sha256(bytes) {
    const padded = new Uint8Array(((bytes.length + 72) >> 6) << 6), view = new DataView(padded.buffer);
    padded.set(bytes);
    padded[bytes.length] = 0x80;
    view.setUint32(padded.length - 8, Math.floor(bytes.length / 2 ** 29));
    view.setUint32(padded.length - 4, bytes.length << 3);
    const hash = Int32Array.from(BEGIN), w = new Int32Array(64);
    const turn = (x, n) => (x >>> n) | (x << (32 - n));
    for (let block = 0; block < padded.length; block += 64) {
      for (let i = 0; i < 16; i++) w[i] = view.getInt32(block + 4 * i);
      for (let i = 16; i < 64; i++) {
        const a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3))
          + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
      }
      let [a, b, c, d, e, f, g, h] = hash;
      for (let i = 0; i < 64; i++) {
        const t = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + ROUNDS[i] + w[i]) | 0;
        const u = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        [h, g, f, e, d, c, b, a] = [g, f, e, (d + t) | 0, c, b, a, (t + u) | 0];
      }
      [a, b, c, d, e, f, g, h].forEach((x, i) => { hash[i] += x; });
    }
    const out = new Uint8Array(32), into = new DataView(out.buffer);
    hash.forEach((x, i) => into.setInt32(4 * i, x));
    return out;
  }

  const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  // --- Streams: `noisynames.randomness`, Philox4x64-10 ---------------------------------------------

  const WORD = (1n << 64n) - 1n;
  const M = [0xD2E7470EE14C6C93n, 0xCA5A826395121157n], W = [0x9E3779B97F4A7C15n, 0xBB67AE8584CAA73Bn];

  class Stream {
    constructor(seed, purpose, ...key) {
      const digest = new DataView(sha256(text.encode([purpose, seed, ...key].join("\0"))).buffer);
      this.key = [digest.getBigUint64(0, true), digest.getBigUint64(8, true)];
      this.counter = 0n;
      this.waiting = [];
    }

    // A number in [0, 1): the upper 53 bits of a word, times 2^−53.
    uniform() {
      if (!this.waiting.length) this.waiting = this.block();
      return Number(this.waiting.pop() >> 11n) * 2 ** -53;
    }

    block() {
      this.counter += 1n;
      let [a, b, c, d] = [this.counter, 0n, 0n, 0n], [k0, k1] = this.key;
      for (let round = 0; round < 10; round++) {
        const p = M[0] * a, q = M[1] * c;
        [a, b, c, d] = [(q >> 64n) ^ b ^ k0, q & WORD, (p >> 64n) ^ d ^ k1, p & WORD];
        k0 = (k0 + W[0]) & WORD;
        k1 = (k1 + W[1]) & WORD;
      }
      return [d, c, b, a];
    }
  }

  // --- Examples: `noisynames.names.examples.TrainingStream`, noise after the name -----------------

  class Examples {
    constructor(names, level, junk, seed) {
      [this.names, this.level, this.junk] = [names, level, junk];
      this.choice = new Stream(seed, "training names");
      this.noise = new Stream(seed, "training noise", level);
    }

    take(count) {
      const characters = [], offsets = [0], targets = [];
      for (let i = 0; i < count; i++) {
        const label = Math.floor(this.choice.uniform() * this.names.length), own = this.names[label];
        characters.push(...own[Math.floor(this.choice.uniform() * own.length)]);
        if (this.level) {
          const drawn = Math.floor(this.noise.uniform() * (this.level + 2));
          for (let k = 0; k <= this.level; k++) {
            const symbol = this.junk[Math.floor(this.noise.uniform() * this.junk.length)];
            if (k < drawn) characters.push(symbol);
          }
        }
        offsets.push(characters.length);
        targets.push(label);
      }
      return { characters, offsets, targets };
    }
  }

  // --- Weights: PyTorch's parameters, and their layout in the kernels' memory ----------------------

  function initial(model, seed) {
    const stream = new Stream(seed, "initial weights");
    return new Map(model.ranges.map(([name, shape, low, high]) => {
      const size = shape.reduce((a, b) => a * b);
      return [name, Float32Array.from({ length: size }, () => low + (high - low) * stream.uniform())];
    }));
  }

  const filledUp = (size) => Math.ceil(size / 16) * 16;

  // Call back with the place of each number of a part in PyTorch's parameter and in the kernels' memory.
  function eachPlace(part, width, begin, callback) {
    const [blocks, size] = part.rows, [across, wide] = part.columns, first = part.columns_of[0];
    const high = part.fill_rows ? filledUp(size) : size, row = across * filledUp(wide);
    for (let i = 0; i < blocks * size; i++) {
      for (let j = 0; j < across * wide; j++) {
        const [r, c] = part.transposed ? [j, i] : [i, j];
        const there = (Math.floor(i / size) * high + (i % size)) * row
          + Math.floor(j / wide) * filledUp(wide) + (j % wide);
        callback(r * width + first + c, begin + there);
      }
    }
  }

  function eachPart(model, callback) {
    const shapes = new Map(model.ranges.map(([name, shape]) => [name, shape]));
    model.layout.forEach((part, i) => {
      const shape = shapes.get(part.name);
      callback(part, shape[shape.length - 1], model.parts[i]);
    });
  }

  // --- The files of a run --------------------------------------------------------------------------

  // Python's format "%.9g", with ties to the even digit.
  function nineDigits(x) {
    const [mantissa, power] = x.toExponential(100).split("e"), all = mantissa.replace(".", "");
    const rest = all.slice(9), half = "5".padEnd(rest.length, "0");
    let nine = BigInt(all.slice(0, 9)), exponent = Number(power);
    if (rest > half || (rest === half && nine % 2n)) nine += 1n;
    let digits = String(nine).padStart(9, "0");
    if (digits.length > 9) [digits, exponent] = [digits.slice(0, 9), exponent + 1];
    const plain = (number) => number.replace(/\.?0*$/, "");
    if (exponent < -4 || exponent > 8) {
      const far = String(Math.abs(exponent)).padStart(2, "0");
      return `${plain(`${digits[0]}.${digits.slice(1)}`)}e${exponent < 0 ? "-" : "+"}${far}`;
    }
    if (exponent < 0) return plain(`0.${"0".repeat(-exponent - 1)}${digits}`);
    return plain(`${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`);
  }

  const lossesFile = (points) =>
    text.encode(["update,loss", ...points.map(([update, loss]) => `${update},${loss}`)].join("\n") + "\n");

  function weightsFile(model, parameters) {
    const header = Uint8Array.from(atob(model.header), (letter) => letter.charCodeAt(0));
    const places = JSON.parse(new TextDecoder().decode(header.subarray(8)));
    const size = Math.max(...Object.values(places).map((place) => place.data_offsets?.[1] ?? 0));
    const file = new Uint8Array(header.length + size);
    file.set(header);
    for (const [name, values] of parameters) {
      file.set(new Uint8Array(values.buffer), header.length + places[name].data_offsets[0]);
    }
    return file;
  }

  // The mean of float32 numbers, with a sum as exact as that of Python's `math.fsum`.
  function mean(values) {
    let sum = 0n;
    for (const x of values) sum += BigInt(x * 2 ** 149);
    return (Number(sum) / 2 ** 149) / values.length;
  }

  // --- The engine ----------------------------------------------------------------------------------

  class Engine {
    constructor(data, model, kernel, rate, parameters) {
      this.model = model;
      this.exports = new WebAssembly.Instance(new WebAssembly.Module(kernel)).exports;
      this.top = this.begin = Math.ceil(this.exports.__heap_base.value / 64) * 64;
      this.data = data;
      const { counts, settings, moments } = model, floats = counts.weights;
      settings[0] = rate;
      this.at = {
        weights: this.room(4 * floats), work: this.room(4 * model.work),
        parts: this.put(BigInt64Array.from(model.parts, BigInt)),
        rooms: this.put(BigInt64Array.from(model.rooms, BigInt)),
        settings: this.put(Float64Array.from(settings)),
      };
      for (const name of ["gradients", "first_moment", "second_moment"]) {
        this.at[name] = this.room(moments ? 4 * floats : 0);
      }
      this.kept = this.top;
      const weights = new Float32Array(this.exports.memory.buffer, this.at.weights, floats);
      eachPart(model, (part, width, begin) => {
        const values = parameters.get(part.name);
        eachPlace(part, width, begin, (torch, here) => { weights[here] = values[torch]; });
      });
    }

    // New memory is zero; memory that is given out again is overwritten by its new owner.
    room(bytes) {
      const begin = this.top;
      this.top = begin + Math.ceil((bytes + 64) / 64) * 64;
      const missing = this.top - this.exports.memory.buffer.byteLength;
      if (missing > 0) this.exports.memory.grow(Math.ceil(missing / 65536));
      return begin;
    }

    put(array) {
      const begin = this.room(array.byteLength);
      new Uint8Array(this.exports.memory.buffer).set(new Uint8Array(array.buffer), begin);
      return begin;
    }

    advance({ characters, offsets, targets }) {
      this.top = this.kept;
      const count = targets.length, at = {
        ...this.at,
        characters: this.put(Uint16Array.from(characters)),
        offsets: this.put(BigInt64Array.from(offsets, BigInt)),
        targets: this.put(BigInt64Array.from(targets, BigInt)),
        losses: this.room(4 * count), guesses: this.room(8 * count),
      };
      const counts = { ...this.model.counts, examples: count };
      const addresses = this.put(BigInt64Array.from(this.data.memory, (name) => BigInt(at[name] ?? at.guesses)));
      const numbers = this.put(BigInt64Array.from(this.data.counts, (name) => BigInt(counts[name])));
      const unused = this.room(16);
      this.exports.entry(unused, unused + 8, BigInt(addresses), BigInt(numbers));
      return new Float32Array(this.exports.memory.buffer.slice(at.losses, at.losses + 4 * count));
    }

    parameters() {
      const weights = new Float32Array(this.exports.memory.buffer, this.at.weights, this.model.counts.weights);
      const found = new Map(this.model.ranges.map(([name, shape]) =>
        [name, new Float32Array(shape.reduce((a, b) => a * b))]));
      eachPart(this.model, (part, width, begin) => {
        const values = found.get(part.name);
        eachPlace(part, width, begin, (torch, here) => { values[torch] = weights[here]; });
      });
      return found;
    }
  }

  // --- A run: `noisynames.training.run.train` ------------------------------------------------------

  // `asked` has the model, noise level, seed, rate and hidden size; `names` are indices of symbols, by language.
  function train(data, asked, kernel, names, junk, onPoint) {
    const { plan, sizes } = data.models[asked.model], model = sizes[asked.hidden_size];
    const { updates, record_every: every, batch_size: batch } = plan;
    const examples = new Examples(names, asked.noise, junk, asked.seed);
    const engine = new Engine(data, model, kernel, asked.rate, initial(model, asked.seed));
    const points = [];
    let seen = 0, recorded = 0, waiting = [];
    while (recorded < updates) {
      const point = Math.min(recorded + every, updates);
      if (seen < point) {
        const count = Math.min(Math.ceil((point - seen) / batch) * batch, updates - seen);
        const losses = engine.advance(examples.take(count));
        const wrong = losses.findIndex((loss) => !Number.isFinite(loss));
        if (wrong >= 0) return { points, diverged: seen + wrong + 1 };
        seen += count;
        waiting.push(...losses);
      }
      points.push([point, nineDigits(mean(waiting.splice(0, point - recorded)))]);
      recorded = point;
      onPoint(points[points.length - 1]);
    }
    const parameters = engine.parameters();
    return {
      points,
      parameters,
      sums: [lossesFile(points), weightsFile(model, parameters)].map((file) => hex(sha256(file))),
    };
  }

  return { train, Stream, sha256, hex, nineDigits };
})();

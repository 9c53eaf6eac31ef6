// Predictions of trained models for a text: the forward pass of every model that a config can name,
// except custom ones, from weights with PyTorch's names and layouts. `noisynames.models.reference` is the
// definition; a test compares this with the report's own predictions. It works without a page.
"use strict";
const reading = (() => {
  const sigmoid = (x) => 1 / (1 + Math.exp(-x));
  const zeros = (size) => new Float64Array(size);

  // --- Cells: the new state of H units, from the input part and recurrent part of each gate --------

  const CELLS = {
    rnn: {
      oneMap: true,
      states: 1,
      step(a, u) {
        return [a.map((x, k) => Math.tanh(x + u[k]))];
      },
    },
    gru: {
      states: 1,
      step(a, u, [h]) {
        const H = h.length, next = zeros(H);
        for (let k = 0; k < H; k++) {
          const r = sigmoid(a[k] + u[k]);
          const z = sigmoid(a[H + k] + u[H + k]);
          const n = Math.tanh(a[2 * H + k] + r * u[2 * H + k]);
          next[k] = n + z * (h[k] - n);
        }
        return [next];
      },
    },
    lstm: {
      states: 2,
      step(a, u, [h, c]) {
        const H = h.length, nextH = zeros(H), nextC = zeros(H);
        for (let k = 0; k < H; k++) {
          const i = sigmoid(a[k] + u[k]);
          const f = sigmoid(a[H + k] + u[H + k]);
          const g = Math.tanh(a[2 * H + k] + u[2 * H + k]);
          const o = sigmoid(a[3 * H + k] + u[3 * H + k]);
          nextC[k] = f * c[k] + i * g;
          nextH[k] = o * Math.tanh(nextC[k]);
        }
        return [nextH, nextC];
      },
    },
  };

  // --- Readouts: what the output layer sees of the states h_1 … h_t --------------------------------

  const READOUTS = {
    last(states, { ends, hidden_size: H }) {
      const last = states[states.length - 1];
      return { context: ends === 1 ? last : joined(last.subarray(0, H), states[0].subarray(H)) };
    },
    mean(states) {
      const attention = states.map(() => 1 / states.length);
      return { context: weighted(states, attention) };
    },
    max(states) {
      return { context: states[0].map((_, k) => Math.max(...states.map((h) => h[k]))) };
    },
    attention(states, model) {
      const attention = softmax(states.map((h) => model.score(h)[0]));
      return { context: weighted(states, attention), attention };
    },
  };

  // --- Arithmetic ----------------------------------------------------------------------------------

  // Four sums at a time, so that none waits for the one before it.
  function linear(weight, bias, x) {
    const out = bias.slice(), width = x.length, even = width - (width % 4);
    for (let row = 0, w = 0; row < out.length; row++) {
      let s0 = out[row], s1 = 0, s2 = 0, s3 = 0, j = 0;
      for (; j < even; j += 4, w += 4) {
        s0 += weight[w] * x[j];
        s1 += weight[w + 1] * x[j + 1];
        s2 += weight[w + 2] * x[j + 2];
        s3 += weight[w + 3] * x[j + 3];
      }
      for (; j < width; j++, w++) s0 += weight[w] * x[j];
      out[row] = (s0 + s1) + (s2 + s3);
    }
    return out;
  }

  function softmax(values) {
    const shares = zeros(values.length);
    let most = -Infinity, total = 0;
    for (const x of values) most = Math.max(most, x);
    for (let i = 0; i < shares.length; i++) total += shares[i] = Math.exp(values[i] - most);
    for (let i = 0; i < shares.length; i++) shares[i] /= total;
    return shares;
  }

  function weighted(vectors, weights) {
    const sum = zeros(vectors[0].length);
    for (let i = 0; i < vectors.length; i++) {
      for (let k = 0; k < sum.length; k++) sum[k] += weights[i] * vectors[i][k];
    }
    return sum;
  }

  function joined(first, second) {
    const both = zeros(first.length + second.length);
    both.set(first);
    both.set(second, first.length);
    return both;
  }

  const plus = (a, b) => a.map((x, k) => x + b[k]);

  function columns(matrix, width, from, to) {
    const rows = matrix.length / width, part = zeros(rows * (to - from));
    for (let row = 0; row < rows; row++) {
      part.set(matrix.subarray(row * width + from, row * width + to), row * (to - from));
    }
    return part;
  }

  // --- What turns symbols into states --------------------------------------------------------------

  // One layer in one direction. In the first layer, the input part of the gates is looked up by symbol.
  function scanner(spec, of, shape, place, isFirst) {
    const cell = CELLS[spec.cell], H = spec.hidden_size;
    let wx, bx, wh, bh;
    if (cell.oneMap) {
      const width = shape(`cell.weight_${place}`)[1], both = of(`cell.weight_${place}`);
      wx = columns(both, width, 0, width - H);
      wh = columns(both, width, width - H, width);
      bx = of(`cell.bias_${place}`);
      bh = zeros(bx.length);
    } else {
      [wx, wh] = ["ih", "hh"].map((side) => of(`cell.weight_${side}_${place}`));
      [bx, bh] = ["ih", "hh"].map((side) => of(`cell.bias_${side}_${place}`));
    }
    const width = wx.length / bx.length;
    const ofSymbol = (symbol) => bx.map((b, row) => b + wx[row * width + symbol]);
    const rows = isFirst ? Array.from({ length: width }, (_, symbol) => ofSymbol(symbol)) : null;
    return {
      begin: Array.from({ length: cell.states }, () => zeros(H)),
      step: (x, state) => cell.step(rows ? rows[x] : linear(wx, bx, x), linear(wh, bh, state[0]), state),
    };
  }

  function recurrent(spec, of, shape) {
    const ends = spec.bidirectional ? ["", "_reverse"] : [""];
    const layers = Array.from({ length: spec.num_layers }, (_, layer) =>
      ends.map((end) => scanner(spec, of, shape, `l${layer}${end}`, layer === 0)));
    if (!spec.bidirectional) {
      // The states before a symbol do not depend on it, so they are computed only once.
      return {
        begin: layers.map(([{ begin }]) => begin),
        step: (before, symbol) => {
          let x = symbol;
          return layers.map(([scan], layer) => {
            const state = scan.step(x, before[layer]);
            x = state[0];
            return state;
          });
        },
        top: (state) => state[state.length - 1][0],
      };
    }
    const along = ({ begin, step }, inputs) => {
      let state = begin;
      return inputs.map((x) => { state = step(x, state); return state[0]; });
    };
    return {
      states: (symbols) => layers.reduce((inputs, [ahead, back]) => {
        const backward = along(back, [...inputs].reverse()).reverse();
        return along(ahead, inputs).map((h, i) => joined(h, backward[i]));
      }, symbols),
    };
  }

  function transformer(spec, of) {
    const H = spec.hidden_size, heads = spec.num_heads, D = H / heads;
    const embedding = of("cell.embedding.weight");
    const layers = Array.from({ length: spec.num_layers }, (_, i) => (name) => of(`cell.layers.${i}.${name}`));
    const position = (place) => Float64Array.from({ length: H }, (_, k) => {
      const angle = place / 10_000 ** ((k - (k % 2)) / H);
      return k % 2 ? Math.cos(angle) : Math.sin(angle);
    });
    const norm = (x, scale, shift) => {
      const mean = x.reduce((a, b) => a + b) / H;
      const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / H;
      return x.map((value, k) => ((value - mean) / Math.sqrt(variance + 1e-5)) * scale[k] + shift[k]);
    };
    const attend = (all) => all.map((own) => {
      const out = zeros(H);
      for (let head = 0; head < H; head += D) {
        const weights = softmax(all.map((other) => {
          let product = 0;
          for (let k = head; k < head + D; k++) product += own[k] * other[H + k];
          return product / Math.sqrt(D);
        }));
        all.forEach((other, j) => {
          for (let k = head; k < head + D; k++) out[k] += weights[j] * other[2 * H + k];
        });
      }
      return out;
    });
    const encode = (states, layer) => {
      const norms = (n) => states.map((x) => norm(x, layer(`norm${n}.weight`), layer(`norm${n}.bias`)));
      const through = (name, x) => linear(layer(`${name}weight`), layer(`${name}bias`), x);
      const seen = attend(norms(1).map((x) => through("self_attn.in_proj_", x)));
      states = states.map((x, i) => plus(x, through("self_attn.out_proj.", seen[i])));
      return norms(2).map((x, i) => {
        const inner = through("linear1.", x).map((value) => Math.max(value, 0));
        return plus(states[i], through("linear2.", inner));
      });
    };
    return {
      states: (symbols) => layers.reduce(encode, symbols.map((symbol, i) =>
        plus(embedding.subarray(symbol * H, (symbol + 1) * H), position(i)))),
    };
  }

  // --- A model -------------------------------------------------------------------------------------

  // Takes a spec, the weights end to end, and [name, shape] of each parameter in that order.
  function load(spec, numbers, parameters) {
    const found = new Map();
    let begin = 0;
    for (const [name, shape] of parameters) {
      const end = begin + shape.reduce((a, b) => a * b);
      found.set(name, { shape, values: Float64Array.from(numbers.subarray(begin, end)) });
      begin = end;
    }
    const of = (name) => found.get(name).values;
    const through = (name) => (x) => linear(of(`${name}.weight`), of(`${name}.bias`), x);
    const shape = (name) => found.get(name).shape;
    return {
      ...spec,
      ends: spec.bidirectional ? 2 : 1,
      ...(spec.cell === "transformer" ? transformer(spec, of) : recurrent(spec, of, shape)),
      score: through("score"),
      output: through("output"),
    };
  }

  function says(model, states) {
    const { context, attention } = READOUTS[model.readout](states, model);
    return { probabilities: softmax(model.output(context)), attention };
  }

  function onwards(model, before, symbols) {
    const states = [];
    for (const symbol of symbols) {
      before = model.step(before, symbol);
      states.push(before);
    }
    return states;
  }

  // The prediction of a model for some symbols.
  const final = (model, symbols) => says(model, model.step
    ? onwards(model, model.begin, symbols).map(model.top) : model.states(symbols)).probabilities;

  // The prediction of a model for some symbols, after each unit and (on request) without one of the units.
  // A unit is a character as a reader sees it: usually one symbol, or a letter with its marks.
  function read(model, units) {
    const symbols = units.flat();
    const ends = units.map(((end) => (unit) => (end += unit.length))(0));
    const starts = ends.map((end, i) => end - units[i].length);
    let beginning, without;
    if (model.step) {
      const states = onwards(model, model.begin, symbols), tops = states.map(model.top);
      beginning = (end) => tops.slice(0, end);
      without = (start, end) => [...tops.slice(0, start),
        ...onwards(model, start ? states[start - 1] : model.begin, symbols.slice(end)).map(model.top)];
    } else {
      beginning = (end) => model.states(symbols.slice(0, end));
      without = (start, end) => model.states([...symbols.slice(0, start), ...symbols.slice(end)]);
    }
    const after = ends.map((end) => says(model, beginning(end)));
    const { probabilities, attention } = after[after.length - 1];
    const onUnit = (_, i) => attention.slice(starts[i], ends[i]).reduce((a, b) => a + b);
    return {
      probabilities,
      after: after.map((said) => said.probabilities),
      attention: attention && units.map(onUnit),
      without: (i) =>
        (units.length > 1 ? says(model, without(starts[i], ends[i])).probabilities : null),
    };
  }

  return { CELLS: [...Object.keys(CELLS), "transformer"], READOUTS: Object.keys(READOUTS), load, read, final };
})();

"""The same updates in JAX, for `speed.py --jax`: as most would write them, and as an expert would.

It is a process of its own, which is asked on its standard input and answers in seconds an example.
Ten runs train side by side (`vmap`), each with its seed's names and weights, on one core.

Plain is a loss over a scan of time steps, padded to the longest name, with JAX's own gradient. An
expert gives the recurrence a backward of its own, so that a weight's derivative is one product over
all steps, unrolls it, and pads to the nearest of a few lengths.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from noisynames.models.spec import ModelSpec
from noisynames.models.weights import initial_parameters
from noisynames.names import dataset as datasets
from noisynames.names import splits
from noisynames.names.alphabet import WORKSHEET
from noisynames.names.examples import Examples, TrainingStream
from noisynames.names.noise import Noise

RUNS = 10
RATE = 0.005
LENGTHS = (6, 7, 8, 9, 10, 12, 14, 16)
Array = Any
Weights = dict[str, Array]

# --- Cells: new states of a batch, from the input and the recurrent part of each gate -------------


def rnn(a: Array, u: Array, states: tuple[Array, ...]) -> tuple[Array, ...]:
    """One tanh."""
    return (jnp.tanh(a + u),)


def gru(a: Array, u: Array, states: tuple[Array, ...]) -> tuple[Array, ...]:
    """Reset, update and new gate, as PyTorch has them."""
    (h,) = states
    (ar, az, an), (ur, uz, un) = jnp.split(a, 3, -1), jnp.split(u, 3, -1)
    n = jnp.tanh(an + jax.nn.sigmoid(ar + ur) * un)
    return (n + jax.nn.sigmoid(az + uz) * (h - n),)


def lstm(a: Array, u: Array, states: tuple[Array, ...]) -> tuple[Array, ...]:
    """Input, forget, cell and output gate; states h and c."""
    i, f, g, o = jnp.split(a + u, 4, -1)
    c = jax.nn.sigmoid(f) * states[1] + jax.nn.sigmoid(i) * jnp.tanh(g)
    return (jax.nn.sigmoid(o) * jnp.tanh(c), c)


CELLS = {"rnn": (rnn, 1), "gru": (gru, 1), "lstm": (lstm, 2)}


def kept(here: Array, new: tuple[Array, ...], old: tuple[Array, ...]) -> tuple[Array, ...]:
    """New states where a name has a letter, old ones behind its end."""
    return tuple(jnp.where(here[:, None], n, o) for n, o in zip(new, old, strict=True))


def beginning(cell: str, a: Array, W: Array) -> tuple[Array, ...]:
    """States of zeros."""
    return tuple(jnp.zeros((a.shape[1], W.shape[0])) for _ in range(CELLS[cell][1]))


def plain_layer(cell: str, a: Array, W: Array, b: Array, mask: Array) -> Array:
    """States (T, batch, H) of a layer, from the input parts (T, batch, gates)."""

    def step(states: Any, x: Any) -> Any:
        a, here = x
        states = kept(here, CELLS[cell][0](a, states[0] @ W + b, states), states)
        return states, states[0]

    return lax.scan(step, beginning(cell, a, W), (a, mask))[1]


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def expert_layer(cell: str, a: Array, W: Array, b: Array, mask: Array) -> Array:
    """The same as `plain_layer`, with a backward pass of its own."""
    return _forward(cell, a, W, b, mask)[0]


def _forward(cell: str, a: Array, W: Array, b: Array, mask: Array) -> tuple[Array, Any]:
    def step(states: Any, x: Any) -> Any:
        a, here = x
        u = states[0] @ W + b
        new = kept(here, CELLS[cell][0](a, u, states), states)
        return new, (new[0], u, states)

    begin = beginning(cell, a, W)
    _, (out, us, before) = lax.scan(step, begin, (a, mask), unroll=len(a))
    return out, (a, us, before, W, mask)


def _backward(cell: str, saved: Any, d_out: Array) -> tuple[Array, ...]:
    a, us, before, W, mask = saved

    def step(d_states: Any, x: Any) -> Any:
        a, u, states, here, d_h = x
        d_states = (d_states[0] + d_h, *d_states[1:])
        da, du, d_before = jax.vjp(CELLS[cell][0], a, u, states)[1](d_states)
        da, du = jnp.where(here[:, None], da, 0), jnp.where(here[:, None], du, 0)
        d_before = (d_before[0] + du @ W.T, *d_before[1:])
        return kept(here, d_before, d_states), (da, du)

    begin = tuple(jnp.zeros_like(states[0]) for states in before)
    steps = (a, us, before, mask, d_out)
    _, (da, du) = lax.scan(step, begin, steps, reverse=True, unroll=len(a))
    flat = du.reshape(-1, du.shape[-1])
    return da, before[0].reshape(len(flat), -1).T @ flat, flat.sum(0), None


expert_layer.defvjp(_forward, _backward)

# --- Models ---------------------------------------------------------------------------------------


def turned(x: Array, lengths: Array) -> Array:
    """Reverse each sequence (T, batch, …)."""
    t = jnp.arange(len(x))[:, None]
    there = jnp.where(t < lengths, lengths - 1 - t, t)
    return jnp.take_along_axis(x, there.reshape(there.shape + (1,) * (x.ndim - 2)), 0)


def recurrent(spec: ModelSpec, w: Weights, letters: Array, lengths: Array, layer: Any) -> Array:
    """States (T, batch, width) of the top layer; `layer` is plain or an expert's."""
    mask = jnp.arange(len(letters))[:, None] < lengths
    below = None
    for i in range(spec.num_layers):
        outs = []
        for end in ("", "_reverse")[: 1 + spec.bidirectional]:
            if spec.cell == "rnn":
                both, bias = w[f"cell.weight_l{i}{end}"], w[f"cell.bias_l{i}{end}"]
                W_in, W = both[:, : -spec.hidden_size], both[:, -spec.hidden_size :]
                b_in, b = bias, jnp.zeros_like(bias)
            else:
                W_in, W = (w[f"cell.weight_{side}_l{i}{end}"] for side in ("ih", "hh"))
                b_in, b = (w[f"cell.bias_{side}_l{i}{end}"] for side in ("ih", "hh"))
            x = letters if below is None else below
            x = turned(x, lengths) if end else x
            a = (W_in.T[x] if below is None else x @ W_in.T) + b_in
            out = layer(spec.cell, a, W.T, b, mask)
            outs.append(turned(out, lengths) if end else out)
        below = jnp.concatenate(outs, -1)
    return below


def transformer(spec: ModelSpec, w: Weights, letters: Array, lengths: Array) -> Array:
    """States (T, batch, H) of a transformer's layers."""
    H, heads = spec.hidden_size, spec.num_heads
    T, B = letters.shape
    angles = jnp.arange(T)[:, None] * 10_000.0 ** (-jnp.arange(0, H, 2) / H)
    waves = jnp.stack([jnp.sin(angles), jnp.cos(angles)], -1).reshape(T, 1, H)
    x = w["cell.embedding.weight"][letters] + waves
    there = jnp.arange(T) < lengths[:, None, None, None]

    def norm(x: Array, name: str) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        scale = lax.rsqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        return centred * scale * w[f"{name}.weight"] + w[f"{name}.bias"]

    for i in range(spec.num_layers):
        of = f"cell.layers.{i}."
        each = norm(x, of + "norm1") @ w[of + "self_attn.in_proj_weight"].T
        each = (each + w[of + "self_attn.in_proj_bias"]).reshape(T, B, 3, heads, H // heads)
        q, k, v = each.transpose(2, 1, 3, 0, 4)
        scores = q @ k.swapaxes(-1, -2) / np.sqrt(H // heads)
        seen = jax.nn.softmax(jnp.where(there, scores, -jnp.inf), -1) @ v
        seen = seen.transpose(2, 0, 1, 3).reshape(T, B, H)
        x = x + seen @ w[of + "self_attn.out_proj.weight"].T + w[of + "self_attn.out_proj.bias"]
        inner = norm(x, of + "norm2") @ w[of + "linear1.weight"].T + w[of + "linear1.bias"]
        x = x + jax.nn.relu(inner) @ w[of + "linear2.weight"].T + w[of + "linear2.bias"]
    return x


def losses(spec: ModelSpec, layer: Any, w: Weights, names: Any) -> tuple[Array, Array]:
    """Mean loss of a batch, and each name's."""
    letters, lengths, targets = names
    if spec.cell == "transformer":
        states = transformer(spec, w, letters, lengths)
    else:
        states = recurrent(spec, w, letters, lengths, layer)
    there = jnp.arange(len(states))[:, None] < lengths
    if spec.readout == "last":
        context = states[-1]  # padding keeps a name's last state
    elif spec.readout == "mean":
        context = jnp.where(there[..., None], states, 0).sum(0) / lengths[:, None]
    else:
        score = (states @ w["score.weight"].T)[..., 0] + w["score.bias"]
        alpha = jax.nn.softmax(jnp.where(there, score, -jnp.inf), 0)
        context = (alpha[..., None] * states).sum(0)
    logits = context @ w["output.weight"].T + w["output.bias"]
    each = -jnp.take_along_axis(jax.nn.log_softmax(logits), targets[:, None], 1)[:, 0]
    return each.mean(), each


# --- Training -------------------------------------------------------------------------------------


def training(spec: ModelSpec, is_expert: bool, longest: int) -> Callable[..., Any]:
    """Return the function (weights, names) that trains RUNS runs at once, one update per batch."""
    layer = expert_layer if is_expert else plain_layer
    lengths = [*(n for n in LENGTHS if n < longest), longest] if is_expert else [longest]

    def update(T: int) -> Any:
        def of_one(w: Weights, names: Any) -> tuple[Weights, Array]:
            names = (names[0][:T], *names[1:])
            (_, each), slope = jax.value_and_grad(
                partial(losses, spec, layer), has_aux=True
            )(w, names)  # fmt: skip
            return jax.tree.map(lambda x, d: x - RATE * d, w, slope), each

        return jax.vmap(of_one)

    updates = [update(T) for T in lengths]

    def step(w: Weights, names: Any) -> Any:
        which = jnp.searchsorted(jnp.array(lengths), names[1].max())
        return lax.switch(which, updates, w, names)

    run: Callable[..., Any] = jax.jit(partial(lax.scan, step))
    return run


def batches(names: Examples, noise: int, count: int, batch: int) -> tuple[Any, int]:
    """Return what RUNS runs see (updates, runs, …), and the longest name of a long training."""
    streams = [TrainingStream(names, Noise(noise), seed) for seed in range(RUNS)]
    longest = int(streams[0].take(80_000).lengths.max()) + noise
    letters = np.zeros((count // batch, RUNS, longest, batch), np.int32)
    lengths = np.zeros((count // batch, RUNS, batch), np.int32)
    targets = np.zeros_like(lengths)
    for run in range(RUNS):
        taken = TrainingStream(names, Noise(noise), run).take(count)
        for i in range(count):
            own = taken[i][:longest]
            letters[i // batch, run, : len(own), i % batch] = own
            lengths[i // batch, run, i % batch] = len(own)
        targets[:, run] = taken.targets.reshape(-1, batch)
    return (letters, lengths, targets), longest


@cache
def prepared(asked: str) -> tuple[Callable[[], float], list[float]]:
    """Return a function that trains once and times an example, and the first losses of seed 0."""
    how = json.loads(asked)
    spec, count = ModelSpec(**how["spec"]), how["count"]
    split = splits.split_names(datasets.load("surnames").rows, 0)
    names, languages = Examples.of_names(split.train, split.languages), len(split.languages)
    content, longest = batches(names, how["noise"], count, how["batch"])
    weights = [initial_parameters(spec, len(WORKSHEET), languages, seed) for seed in range(RUNS)]
    stacked = {name: jnp.array(np.stack([w[name] for w in weights])) for name in weights[0]}
    train = training(spec, how["expert"], longest)
    _, first = jax.block_until_ready(train(stacked, content))  # compiled before the clock starts

    def work() -> float:
        start = time.perf_counter()
        jax.block_until_ready(train(stacked, content))
        return (time.perf_counter() - start) / float(count * RUNS)

    return work, np.asarray(first[:, 0]).ravel()[:50].tolist()


def main() -> None:
    """Answer requests, one JSON object per line."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    jax.config.update("jax_platforms", "cpu")
    for line in sys.stdin:
        work, first = prepared(line)
        print(json.dumps({"seconds": work(), "losses": first}), flush=True)


if __name__ == "__main__":
    main()

"""A transformer's encoder layers, compiled: those of `models.reference.TransformerEncoder`.

Where weights are both read and learnt, all positions are read before any weight changes, as
`kernels` requires.
"""

from typing import Any

from noisynames.models.spec import FEEDFORWARD
from noisynames.training.compiled.layout import LANES
from noisynames.training.compiled.primitives import inlined, jit, leaf, matrix, square_root, vector
from noisynames.training.compiled.products import (
    best,
    combination,
    dot,
    outer,
    products,
    row_sum,
    softmax,
    total,
)
from noisynames.training.compiled.rooms import (
    CENTRED,
    CENTRED_2,
    D_QKV,
    D_ROWS,
    D_WIDE,
    LAYER,
    MIDDLE,
    NORMED,
    NORMED_2,
    POSITIONS,
    QKV,
    ROOMS,
    ROW,
    SCALES,
    SEEN,
    TURNED,
    WEIGHTS,
    WIDE,
    X,
)
from noisynames.training.compiled.vectors import add, clear, set_sum

EPSILON = 1e-5
"""PyTorch's constant in the denominator of a normalisation."""
PARTS = 12
IN, OUT, WIDEN, NARROW, NORM, NORM_2 = 0, 2, 4, 6, 8, 10
"""The weights of a layer in the layout, each followed by its bias."""


@leaf
def _normalise(x, weight, bias, units, normed, centred):
    """Fill in x with mean 0 and deviation 1, both without and with weight and bias."""
    real = type(x[0])
    mean = total(x) / real(units)
    for i in range(units):
        centred[i] = x[i] - mean
    scale = real(1) / square_root(dot(centred, centred) / real(units) + real(EPSILON))
    for i in range(x.size):
        centred[i] *= scale
        normed[i] = weight[i] * centred[i] + bias[i]
    return scale


@leaf
def _unnormalise(d_normed, weight, centred, scale, units, d, d_x):
    """Add the derivative with respect to x to d_x; `d` is working memory."""
    real = type(scale)
    for i in range(d.size):
        d[i] = d_normed[i] * weight[i]
    mean, along = total(d) / real(units), dot(d, centred) / real(units)
    for i in range(units):
        d_x[i] += scale * ((d[i] - mean) - centred[i] * along)


@leaf
def _multiply(x, y):
    for i in range(x.size):
        x[i] *= y[i]


@leaf
def _keep_positive(x):
    for i in range(x.size):
        x[i] = x[i] if x[i] > 0 else type(x[i])(0)


@leaf
def _where_positive(d, x):
    for i in range(d.size):
        d[i] = d[i] if x[i] > 0 else type(d[i])(0)


@leaf
def _turn(rows, first, T, turned):
    for t in range(T):
        for i in range(turned.shape[0]):
            turned[i, t] = rows[t, first + i]


@leaf
def _set_products(row, x, first, turned, begin, end, scale):
    """Row = scale Σ_i x[first + i] turned[i] over the units of a head."""
    for t in range(row.size):
        row[t] = 0
    for i in range(begin, end):
        factor = scale * x[first + i]
        for t in range(row.size):
            row[t] += factor * turned[i, t]


@leaf
def _set_mean(y, row, rows, first, begin, end, T):
    """Y = Σ_t row[t] rows[t, first + …] over the units of a head."""
    for i in range(begin, end):
        y[i] = 0
    for t in range(T):
        for i in range(begin, end):
            y[i] += row[t] * rows[t, first + i]


@leaf
def _add_to_all(rows, first, row, x, x_first, begin, end, T):
    """rows[t, first + …] += row[t] x[x_first + …] over the units of a head."""
    for t in range(T):
        for i in range(begin, end):
            rows[t, first + i] += row[t] * x[x_first + i]


@leaf
def _softmax_back(d, weights, scale):
    """Replace the derivatives with respect to a softmax by those with respect to its arguments."""
    mean = dot(weights, d)
    for t in range(d.size):
        d[t] = scale * (weights[t] * (d[t] - mean))


@inlined
def rows(plan, layer, room, T, width):
    """Return an array of a layer, one row per position."""
    return matrix(plan.work, plan.rooms[LAYER + ROOMS * layer + room], T, width)


@inlined
def states_of(plan, T, H, derivative):
    """Return the states (T, H), or the derivatives with respect to them."""
    return rows(plan, plan.layers, derivative, T, H)


@inlined
def weight(plan, memory, layer, part, n, width):
    """Return a matrix of a layer, in the weights or the gradients."""
    return matrix(memory, plan.parts[1 + PARTS * layer + part], n, width)


@inlined
def bias(plan, memory, layer, part, width):
    """Return the bias that follows a weight."""
    return vector(memory, plan.parts[1 + PARTS * layer + part + 1], width)


@inlined
def head_weights(plan, layer, T):
    """Return the attention of each head, end to end, padded to a multiple of LANES."""
    return rows(plan, layer, WEIGHTS, plan.heads * T, (T + LANES - 1) // LANES * LANES)


@inlined
def turned_of(plan, T, H):
    """Return the transposed keys or values, one row per unit."""
    return matrix(plan.work, plan.rooms[TURNED], H, (T + LANES - 1) // LANES * LANES)


def network(_: str, H: int) -> tuple[Any, Any, Any, Any]:
    """Return compiled functions: forward, states, backward, squared norm of an input's derivative.

    Args:
        _: The cell; there is only one.
        H: Hidden size, a multiple of LANES.
    """
    normalise, unnormalise = _norms(H)
    attend, unattend = _attention(H)

    @inlined
    def states(plan, T, derivative):
        return states_of(plan, T, H, derivative)

    @jit
    def input_norm(plan, T, t):
        """Return ‖∂loss/∂x_t‖² of the embedding at a position, after `backward`."""
        d_x = states_of(plan, T, H, 1)[t]
        return dot(d_x, d_x)

    forward, backward = _forward(H, normalise, attend), _backward(H, unnormalise, unattend)
    return forward, states, backward, input_norm


def _norms(H: int) -> tuple[Any, Any]:
    add_rows = row_sum(H)

    @jit
    def normalise(plan, layer, source, part, second, T):
        x = rows(plan, layer, source, T, H)
        normed = rows(plan, layer, NORMED_2 if second else NORMED, T, H)
        centred = rows(plan, layer, CENTRED_2 if second else CENTRED, T, H)
        w = vector(plan.weights, plan.parts[1 + PARTS * layer + part], H)
        b = bias(plan, plan.weights, layer, part, H)
        scales = vector(plan.work, plan.rooms[SCALES] + (2 * layer + second) * T, T)
        for t in range(T):
            scales[t] = _normalise(x[t], w, b, plan.units, normed[t], centred[t])

    @jit
    def unnormalise(plan, layer, part, second, T):
        """Given derivatives of normalised values, D_ROWS, add those of the values and weights."""
        d_normed = matrix(plan.work, plan.rooms[D_ROWS], T, H)
        centred = rows(plan, layer, CENTRED_2 if second else CENTRED, T, H)
        w = vector(plan.weights, plan.parts[1 + PARTS * layer + part], H)
        scales = vector(plan.work, plan.rooms[SCALES] + (2 * layer + second) * T, T)
        d_x = states_of(plan, T, H, 1)
        d = vector(plan.work, plan.rooms[D_WIDE], H)  # what was there has been used
        for t in range(T):
            _unnormalise(d_normed[t], w, centred[t], scales[t], plan.units, d, d_x[t])
        d_weight = vector(plan.gradients, plan.parts[1 + PARTS * layer + part], H)
        d_bias = bias(plan, plan.gradients, layer, part, H)
        add_rows(d_bias, d_normed, T)
        for t in range(T):
            _multiply(d_normed[t], centred[t])
        add_rows(d_weight, d_normed, T)

    return normalise, unnormalise


def _attention(H: int) -> tuple[Any, Any]:
    THREE = 3 * H

    @jit
    def attend(plan, layer, T):
        qkv, seen = rows(plan, layer, QKV, T, THREE), rows(plan, layer, SEEN, T, H)
        weights, turned = head_weights(plan, layer, T), turned_of(plan, T, H)
        size = plan.units // plan.heads
        scale = type(seen[0, 0])(1) / square_root(type(seen[0, 0])(size))
        _turn(qkv, H, T, turned)
        for head in range(plan.heads):
            begin, end = head * size, (head + 1) * size
            for t in range(T):
                row = weights[head * T + t]
                _set_products(row, qkv[t], 0, turned, begin, end, scale)
                softmax(row, T, best(row, T))
                _set_mean(seen[t], row, qkv, 2 * H, begin, end, T)

    @jit
    def unattend(plan, layer, T):
        """Turn D_ROWS, the derivatives of what is seen, into those of queries, keys and values."""
        d_seen = matrix(plan.work, plan.rooms[D_ROWS], T, H)
        qkv, d_qkv = (
            rows(plan, layer, QKV, T, THREE),
            matrix(plan.work, plan.rooms[D_QKV], T, THREE),
        )
        weights, turned = head_weights(plan, layer, T), turned_of(plan, T, H)
        d = vector(plan.work, plan.rooms[ROW], (T + LANES - 1) // LANES * LANES)
        size = plan.units // plan.heads
        real = type(d_seen[0, 0])
        scale = real(1) / square_root(real(size))
        for t in range(T):
            clear(d_qkv[t])
        _turn(qkv, 2 * H, T, turned)
        for head in range(plan.heads):
            begin, end = head * size, (head + 1) * size
            for t in range(T):
                row = weights[head * T + t]
                _add_to_all(d_qkv, 2 * H, row, d_seen[t], 0, begin, end, T)
                _set_products(d, d_seen[t], 0, turned, begin, end, real(1))
                _softmax_back(d, row, scale)
                _set_mean(d_qkv[t], d, qkv, H, begin, end, T)
                _add_to_all(d_qkv, H, d, qkv[t], 0, begin, end, T)

    return attend, unattend


def _forward(H: int, normalise: Any, attend: Any) -> Any:
    F, THREE = FEEDFORWARD * H, 3 * H
    combine, combine_three, combine_wide = combination(H), combination(THREE), combination(F)

    @jit
    def forward(plan, characters, T):
        """Read a sequence."""
        embedding = matrix(plan.weights, plan.parts[0], plan.symbols, H)
        positions = matrix(plan.work, plan.rooms[POSITIONS], T, H)
        x = rows(plan, 0, X, T, H)
        for t in range(T):
            set_sum(x[t], embedding[characters[t]], positions[t])
        for layer in range(plan.layers):
            x, above = rows(plan, layer, X, T, H), rows(plan, layer + 1, X, T, H)
            normed, normed_2 = rows(plan, layer, NORMED, T, H), rows(plan, layer, NORMED_2, T, H)
            qkv, seen = rows(plan, layer, QKV, T, THREE), rows(plan, layer, SEEN, T, H)
            middle, wide = rows(plan, layer, MIDDLE, T, H), rows(plan, layer, WIDE, T, F)
            w = plan.weights
            normalise(plan, layer, X, NORM, 0, T)
            W, b = weight(plan, w, layer, IN, H, THREE), bias(plan, w, layer, IN, THREE)
            for t in range(T):
                combine_three(qkv[t], b, normed[t], W)
            attend(plan, layer, T)
            W, b = weight(plan, w, layer, OUT, H, H), bias(plan, w, layer, OUT, H)
            for t in range(T):
                combine(middle[t], b, seen[t], W)
                add(middle[t], x[t])
            normalise(plan, layer, MIDDLE, NORM_2, 1, T)
            W, b = weight(plan, w, layer, WIDEN, H, F), bias(plan, w, layer, WIDEN, F)
            for t in range(T):
                combine_wide(wide[t], b, normed_2[t], W)
                _keep_positive(wide[t])
            W, b = weight(plan, w, layer, NARROW, F, H), bias(plan, w, layer, NARROW, H)
            for t in range(T):
                combine(above[t], b, wide[t], W)
                add(above[t], middle[t])

    return forward


def _backward(H: int, unnormalise: Any, unattend: Any) -> Any:
    F, THREE = FEEDFORWARD * H, 3 * H
    multiply, multiply_three, multiply_wide = products(H), products(THREE), products(F)
    add_outer, add_outer_three, add_outer_wide = outer(H), outer(THREE), outer(F)
    add_rows, add_rows_three, add_rows_wide = row_sum(H), row_sum(THREE), row_sum(F)

    @jit
    def backward(plan, characters, T):
        """Add the loss's derivatives with respect to all weights, given those of the states."""
        d_x = states_of(plan, T, H, 1)
        d_rows = matrix(plan.work, plan.rooms[D_ROWS], T, H)
        d_wide = matrix(plan.work, plan.rooms[D_WIDE], T, F)
        d_qkv = matrix(plan.work, plan.rooms[D_QKV], T, THREE)
        w, g = plan.weights, plan.gradients
        for layer in range(plan.layers - 1, -1, -1):
            normed, normed_2 = rows(plan, layer, NORMED, T, H), rows(plan, layer, NORMED_2, T, H)
            seen, wide = rows(plan, layer, SEEN, T, H), rows(plan, layer, WIDE, T, F)
            narrow = weight(plan, w, layer, NARROW, F, H)
            widen = weight(plan, w, layer, WIDEN, H, F)
            for t in range(T):
                clear(d_wide[t])
                multiply(d_wide[t], narrow, d_x[t])
                _where_positive(d_wide[t], wide[t])
                clear(d_rows[t])
                multiply_wide(d_rows[t], widen, d_wide[t])
            add_outer(weight(plan, g, layer, NARROW, F, H), wide, d_x, T)
            add_rows(bias(plan, g, layer, NARROW, H), d_x, T)
            add_outer_wide(weight(plan, g, layer, WIDEN, H, F), normed_2, d_wide, T)
            add_rows_wide(bias(plan, g, layer, WIDEN, F), d_wide, T)
            unnormalise(plan, layer, NORM_2, 1, T)

            out, into = weight(plan, w, layer, OUT, H, H), weight(plan, w, layer, IN, H, THREE)
            for t in range(T):
                clear(d_rows[t])
                multiply(d_rows[t], out, d_x[t])
            add_outer(weight(plan, g, layer, OUT, H, H), seen, d_x, T)
            add_rows(bias(plan, g, layer, OUT, H), d_x, T)
            unattend(plan, layer, T)
            for t in range(T):
                clear(d_rows[t])
                multiply_three(d_rows[t], into, d_qkv[t])
            add_outer_three(weight(plan, g, layer, IN, H, THREE), normed, d_qkv, T)
            add_rows_three(bias(plan, g, layer, IN, THREE), d_qkv, T)
            unnormalise(plan, layer, NORM, 0, T)
        d_embedding = matrix(g, plan.parts[0], plan.symbols, H)
        for t in range(T):
            add(d_embedding[characters[t]], d_x[t])

    return backward

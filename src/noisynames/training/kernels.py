"""The worksheet's SGD, one example an update, compiled: a whole recording interval in one call.

Read from the bottom: `train_interval` is the training loop, and the only one. It works on any cell
and readout, which Numba picks by the type of the weights it is given: `GRU` weights run
`_gru_forward` and `_gru_backward`. So a new cell is one NamedTuple, a forward and a backward
function; a readout likewise.

Every cell sees, at each position, an input part `a` (one row of the embedding, since characters are
one-hot, plus a bias) and a recurrent part `u` (the previous hidden state times a matrix, plus a
bias), both of all gates laid end to end, and works unit by unit. What is costly is common to all
cells: the products with the recurrent matrix. Matrices are stored so that the inner loops run along
contiguous memory and vectorise; loops over rows are blocked by four, so that the accumulated vector
is loaded and stored once for four multiply-adds.

Nothing here allocates or raises, so that the machine code needs nothing of Numba when it runs:
`noisynames.training.compiled` keeps it on disk and loads it without importing Numba.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.cpu import CPUTargetOptions
from numba.extending import intrinsic, overload
from numba.np.arrayobj import make_array, populate_array
from numpy.typing import NDArray

from noisynames.models import GATES

Vector = NDArray[np.floating]
Matrix = NDArray[np.floating]

# Sums may be reordered and multiply-adds contracted, as any BLAS does. Not in the list: the
# assumption that no value is infinite or NaN, since a diverging run must be seen to diverge.
_FAST = {"reassoc", "contract", "arcp", "nsz"}

# Without this every short loop first compares the addresses of all its arrays, which costs the
# backward steps more than their arithmetic (127 ns against 27 ns for a GRU of 32 units). Numba has
# the flag, for which its CPU target has no option; arguments of these functions never overlap.
CPUTargetOptions.noalias = CPUTargetOptions.Mapping("noalias")
_OPTIONS = {
    "fastmath": _FAST,
    "error_model": "numpy",
    "noalias": True,
    "_nrt": False,  # no allocation, so no reference counts
    "no_cpython_wrapper": True,  # only the entry is called from Python, and that by address
    "no_cfunc_wrapper": True,
}
_jit = njit(**_OPTIONS)

# --- Scalars -------------------------------------------------------------------------------------


@intrinsic
def _power_of_two(typing: Any, n: Any) -> Any:
    """Return 2^n as float32 for an int32 n in −126 … 127, by writing the exponent bits."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        bits = builder.shl(builder.add(args[0], ir.IntType(32)(127)), ir.IntType(32)(23))
        return builder.bitcast(bits, ir.FloatType())

    return types.float32(types.int32), generate


def _exp(x: float) -> float:
    """Return e^x; see the overload for float32."""
    return math.exp(x)


@overload(_exp, jit_options=_OPTIONS, strict=False)
def _overload_exp(x: Any) -> Callable[[float], float]:
    if x != types.float32:
        return lambda x: math.exp(x)  # noqa: PLW0108 - Numba inlines a Python function only

    def exp32(x: float) -> float:
        """e^x = 2^n e^r with |r| ≤ ln 2 / 2, e^r by its Taylor polynomial of degree 7.

        The remainder r^8 / 8! is below 6e-9, under float32's rounding. Unlike a call of the
        mathematics library, this vectorises. Beyond ± 87 the result is that of the bound.
        """
        x = np.float32(87.0) if x > np.float32(87.0) else x
        x = np.float32(-87.0) if x < np.float32(-87.0) else x
        n = np.floor(x * np.float32(1.44269504) + np.float32(0.5))
        # ln 2 in two parts, the first with few bits so that n times it is exact.
        r = (x - n * np.float32(0.693359375)) + n * np.float32(2.12194440e-4)
        p = np.float32(1 / 5040)
        p = p * r + np.float32(1 / 720)
        p = p * r + np.float32(1 / 120)
        p = p * r + np.float32(1 / 24)
        p = p * r + np.float32(1 / 6)
        p = p * r + np.float32(0.5)
        p = p * r + np.float32(1)
        p = p * r + np.float32(1)
        return p * _power_of_two(np.int32(n))

    return exp32


@_jit
def _sigmoid(x):
    one = type(x)(1)
    return one / (one + _exp(-x))


@_jit
def _tanh(x):
    one, two = type(x)(1), type(x)(2)
    return one - two / (_exp(two * x) + one)


# --- Linear algebra ------------------------------------------------------------------------------


@_jit
def _clear(y):
    """Set y to zero."""
    for i in range(y.size):
        y[i] = 0


@_jit
def _copy(y, x):
    """Let y begin with x."""
    for i in range(x.size):
        y[i] = x[i]


@_jit
def _add_into(total, x, y):
    """Total = x + y."""
    for i in range(total.size):
        total[i] = x[i] + y[i]


@_jit
def _add_scaled(y, scale, x):
    """Y += scale x."""
    for i in range(y.size):
        y[i] += scale * x[i]


@_jit
def _add_row_combination(y, x, W):
    """Y += x W: a combination of the rows of W, shapes (m,), (n,), (n, m)."""
    n, m = W.shape
    blocked = n - n % 4
    for j in range(0, blocked, 4):
        x0, x1, x2, x3 = x[j], x[j + 1], x[j + 2], x[j + 3]
        w0, w1, w2, w3 = W[j], W[j + 1], W[j + 2], W[j + 3]
        for i in range(m):
            y[i] += x0 * w0[i] + x1 * w1[i] + x2 * w2[i] + x3 * w3[i]
    for j in range(blocked, n):
        xj, w = x[j], W[j]
        for i in range(m):
            y[i] += xj * w[i]


@_jit
def _add_row_products(y, W, x):
    """Y += W x: a dot product with each row of W, shapes (n,), (n, m), (m,)."""
    n, m = W.shape
    blocked = n - n % 4
    zero = type(x[0])(0)
    for j in range(0, blocked, 4):
        w0, w1, w2, w3 = W[j], W[j + 1], W[j + 2], W[j + 3]
        s0 = s1 = s2 = s3 = zero
        for i in range(m):
            s0 += w0[i] * x[i]
            s1 += w1[i] * x[i]
            s2 += w2[i] * x[i]
            s3 += w3[i] * x[i]
        y[j] += s0
        y[j + 1] += s1
        y[j + 2] += s2
        y[j + 3] += s3
    for j in range(blocked, n):
        w = W[j]
        s = zero
        for i in range(m):
            s += w[i] * x[i]
        y[j] += s


@_jit
def _add_outer_products(W, scale, X, Y, count):
    """W += scale Σ_t X_t ⊗ Y_t over `count` rows of X (·, n) and Y (·, m); W is (n, m)."""
    n, m = W.shape
    blocked = count - count % 4
    for j in range(n):
        w = W[j]
        for t in range(0, blocked, 4):
            x0, x1 = scale * X[t, j], scale * X[t + 1, j]
            x2, x3 = scale * X[t + 2, j], scale * X[t + 3, j]
            y0, y1, y2, y3 = Y[t], Y[t + 1], Y[t + 2], Y[t + 3]
            for i in range(m):
                w[i] += x0 * y0[i] + x1 * y1[i] + x2 * y2[i] + x3 * y3[i]
        for t in range(blocked, count):
            xt, y = scale * X[t, j], Y[t]
            for i in range(m):
                w[i] += xt * y[i]


# --- Cells ---------------------------------------------------------------------------------------
#
# forward(cell, H, a, u, s_prev, s, gates): from the input part a and the recurrent part u to the
#     state s (of which the first H numbers are the hidden state h) and whatever of the activations
#     the backward step needs, in `gates`.
# backward(cell, H, gates, u, s_prev, s, ds, da, du, ds_prev): from the loss's derivative by s to
#     those by a and u, and by s_prev on the paths that do not go through u.


class RNN(NamedTuple):
    """h = tanh(a + u), with one bias, which is in a."""

    embedding: Matrix
    input_bias: Vector
    recurrent: Matrix
    recurrent_bias: Vector


class GRU(NamedTuple):
    """PyTorch's gated recurrent unit; gates r, z, n."""

    embedding: Matrix
    input_bias: Vector
    recurrent: Matrix
    recurrent_bias: Vector


class LSTM(NamedTuple):
    """PyTorch's long short-term memory; gates i, f, g, o; state h, c."""

    embedding: Matrix
    input_bias: Vector
    recurrent: Matrix
    recurrent_bias: Vector


def _rnn_forward(cell, H, a, u, s_prev, s, gates):
    for i in range(H):
        s[0, i] = _tanh(a[0, i] + u[0, i])


def _rnn_backward(cell, H, gates, u, s_prev, s, ds, da, du, ds_prev):
    one = s.dtype.type(1)
    for i in range(H):
        d = ds[0, i] * (one - s[0, i] * s[0, i])
        da[0, i] = d
        du[0, i] = d
        ds_prev[0, i] = 0


def _gru_forward(cell, H, a, u, s_prev, s, gates):
    for i in range(H):
        r = _sigmoid(a[0, i] + u[0, i])
        z = _sigmoid(a[1, i] + u[1, i])
        n = _tanh(a[2, i] + r * u[2, i])
        s[0, i] = n + z * (s_prev[0, i] - n)
        gates[0, i] = r
        gates[1, i] = z
        gates[2, i] = n


def _gru_backward(cell, H, gates, u, s_prev, s, ds, da, du, ds_prev):
    one = s.dtype.type(1)
    for i in range(H):
        r, z, n = gates[0, i], gates[1, i], gates[2, i]
        dn = ds[0, i] * (one - z) * (one - n * n)
        dr = dn * u[2, i] * r * (one - r)
        dz = ds[0, i] * (s_prev[0, i] - n) * z * (one - z)
        da[0, i] = dr
        da[1, i] = dz
        da[2, i] = dn
        du[0, i] = dr
        du[1, i] = dz
        du[2, i] = dn * r
        ds_prev[0, i] = ds[0, i] * z


def _lstm_forward(cell, H, a, u, s_prev, s, gates):
    for j in range(H):
        i = _sigmoid(a[0, j] + u[0, j])
        f = _sigmoid(a[1, j] + u[1, j])
        g = _tanh(a[2, j] + u[2, j])
        o = _sigmoid(a[3, j] + u[3, j])
        c = f * s_prev[1, j] + i * g
        tanh_c = _tanh(c)
        s[0, j] = o * tanh_c
        s[1, j] = c
        gates[0, j] = i
        gates[1, j] = f
        gates[2, j] = g
        gates[3, j] = o
        gates[4, j] = tanh_c


def _lstm_backward(cell, H, gates, u, s_prev, s, ds, da, du, ds_prev):
    one = s.dtype.type(1)
    for j in range(H):
        i, f, g, o = gates[0, j], gates[1, j], gates[2, j], gates[3, j]
        tanh_c = gates[4, j]
        dc = ds[1, j] + ds[0, j] * o * (one - tanh_c * tanh_c)
        di = dc * g * i * (one - i)
        df = dc * s_prev[1, j] * f * (one - f)
        dg = dc * i * (one - g * g)
        do = ds[0, j] * tanh_c * o * (one - o)
        da[0, j] = di
        da[1, j] = df
        da[2, j] = dg
        da[3, j] = do
        du[0, j] = di
        du[1, j] = df
        du[2, j] = dg
        du[3, j] = do
        ds_prev[0, j] = 0
        ds_prev[1, j] = dc * f


# --- Readouts ------------------------------------------------------------------------------------
#
# read(readout, h, T, context, alpha): the context vector from the states h_1 … h_T (rows 1 … T).
# unread(readout, h, T, alpha, dalpha, dcontext, dh, step): the loss's derivative by each h_t, added
#     into dh, and the readout's own SGD update with `step` = −learning rate.


class Last(NamedTuple):
    """The last hidden state; both arrays are empty."""

    weight: Vector
    bias: Vector


class Attention(NamedTuple):
    """Σ α_t h_t with α = softmax(w·h_t + b)."""

    weight: Vector
    bias: Vector


def _last_read(readout, h, T, context, alpha):
    _copy(context, h[T])


def _last_unread(readout, h, T, alpha, dalpha, dcontext, dh, step):
    for i in range(dcontext.size):
        dh[T, i] += dcontext[i]


def _attention_read(readout, h, T, context, alpha):
    for t in range(T):
        alpha[t] = _dot(readout.weight, h[t + 1]) + readout.bias[0]
    _softmax(alpha[:T])
    _clear(context)
    for t in range(T):
        for i in range(context.size):
            context[i] += alpha[t] * h[t + 1, i]


def _attention_unread(readout, h, T, alpha, dalpha, dcontext, dh, step):
    weight, H = readout.weight, dcontext.size
    for t in range(T):
        dalpha[t] = _dot(dcontext, h[t + 1])
    mean = _dot(alpha[:T], dalpha)
    for t in range(T):
        de = alpha[t] * (dalpha[t] - mean)
        for i in range(H):
            dh[t + 1, i] += alpha[t] * dcontext[i] + de * weight[i]
        dalpha[t] = de
    for t in range(T):
        for i in range(H):
            weight[i] += step * dalpha[t] * h[t + 1, i]
        readout.bias[0] += step * dalpha[t]


@_jit
def _dot(x, y):
    total = type(x[0])(0)
    for i in range(x.size):
        total += x[i] * y[i]
    return total


@_jit
def _softmax(x):
    """Replace x by its softmax; return the logarithm of the normaliser, Σ e^x."""
    top = x[0]
    for i in range(1, x.size):
        top = max(top, x[i])
    total = type(top)(0)
    for i in range(x.size):
        x[i] = _exp(x[i] - top)
        total += x[i]
    for i in range(x.size):
        x[i] /= total
    return top + math.log(total)


# --- Which function belongs to which weights -----------------------------------------------------

_METHODS: dict[str, dict[type, Callable[..., None]]] = {
    "forward": {RNN: _rnn_forward, GRU: _gru_forward, LSTM: _lstm_forward},
    "backward": {RNN: _rnn_backward, GRU: _gru_backward, LSTM: _lstm_backward},
    "read": {Last: _last_read, Attention: _attention_read},
    "unread": {Last: _last_unread, Attention: _attention_unread},
}


def _dispatched(name: str) -> Callable[..., Any]:
    """Return a function that Numba resolves by the NamedTuple type of its first argument."""

    def stub(weights: Any, *arguments: Any) -> None:
        _METHODS[name][type(weights)](weights, *arguments)

    @overload(stub, jit_options=_OPTIONS, strict=False)
    def resolve(weights: Any, *arguments: Any) -> Callable[..., None]:
        return _METHODS[name][weights.instance_class]

    return stub


_forward = _dispatched("forward")
_backward = _dispatched("backward")
_read = _dispatched("read")
_unread = _dispatched("unread")


# --- Training ------------------------------------------------------------------------------------


class Scratch(NamedTuple):
    """Memory for one example of at most `longest` characters.

    Attributes:
        a, a_row: Input part, shape (gates, H), and the same memory as a vector.
        u, da, du: Recurrent part and derivatives by both, shape (longest, gates, H).
        u_rows, da_rows, du_rows: The same memory, shape (longest, gates · H).
        kept: What the cell keeps for its backward step, shape (longest, kept, H).
        s, ds: States, s[0] = 0, and derivatives by them, shape (longest + 1, states, H).
        ds_prev: Shape (states, H).
        alpha, dalpha: Attention weights and derivatives, shape (longest,).
        context, dcontext: Shape (H,).
        logits: Shape (classes,).
    """

    a: Matrix
    a_row: Vector
    u: Matrix
    u_rows: Matrix
    da: Matrix
    da_rows: Matrix
    du: Matrix
    du_rows: Matrix
    kept: Matrix
    s: Matrix
    ds: Matrix
    ds_prev: Matrix
    alpha: Vector
    dalpha: Vector
    context: Vector
    dcontext: Vector
    logits: Vector


@_jit
def train_interval(
    cell, readout, output, output_bias, scratch, characters, offsets, targets, rate, losses, guesses
):
    """Do one SGD update an example, in order, on the weights in place.

    Args:
        cell: RNN, GRU or LSTM: embedding (symbols, gates · H), recurrent matrix (H, gates · H),
            both transposed against PyTorch's, and their biases (empty where a cell has none).
        readout: Last or Attention.
        output: The output layer's weights, shape (classes, H).
        output_bias: Shape (classes,).
        scratch: Memory for the longest of the examples.
        characters: All sequences end to end; see `noisynames.sampling.Examples`.
        offsets: Where each begins and ends, shape (count + 1,).
        targets: Class indices, shape (count,).
        rate: Learning rate, of the weights' type.
        losses: Filled with each example's loss (nats) before its update, shape (count,).
        guesses: Filled with the class of the largest logit, shape (count,).
    """
    a, a_row, u, u_rows, da, da_rows, du, du_rows = scratch[:8]
    kept, s, ds, ds_prev, alpha, dalpha, context, dcontext, logits = scratch[8:]
    H, S = context.size, ds_prev.shape[0]
    h, dh = s[:, 0], ds[:, 0]
    step, one = -rate, type(rate)(1)

    for e in range(targets.size):
        start = offsets[e]
        T = offsets[e + 1] - start
        target = targets[e]

        for t in range(T):
            _add_into(a_row, cell.embedding[characters[start + t]], cell.input_bias)
            u_row = u_rows[t]
            _clear(u_row)
            _copy(u_row, cell.recurrent_bias)
            if t > 0:  # the first state follows a state of zeros
                _add_row_combination(u_row, h[t], cell.recurrent)
            _forward(cell, H, a, u[t], s[t], s[t + 1], kept[t])
        _read(readout, h, T, context, alpha)
        _copy(logits, output_bias)
        _add_row_products(logits, output, context)

        guess = 0
        for c in range(1, logits.size):
            if logits[c] > logits[guess]:
                guess = c
        guesses[e] = guess
        true_logit = logits[target]
        losses[e] = _softmax(logits) - true_logit
        logits[target] -= one  # now the loss's derivative by the logits

        _clear(dcontext)
        _add_row_combination(dcontext, logits, output)
        for c in range(logits.size):
            _add_scaled(output[c], step * logits[c], context)
        _add_scaled(output_bias, step, logits)

        for t in range(1, T + 1):
            for j in range(S):
                _clear(ds[t, j])
        _unread(readout, h, T, alpha, dalpha, dcontext, dh, step)
        for t in range(T - 1, -1, -1):
            _backward(cell, H, kept[t], u[t], s[t], s[t + 1], ds[t + 1], da[t], du[t], ds_prev)
            if t > 0:
                _add_row_products(ds_prev[0], cell.recurrent, du_rows[t])
                # ds[t] holds what the readout asks of h_t
                for j in range(S):
                    _add_scaled(ds[t, j], one, ds_prev[j])

        _add_outer_products(cell.recurrent, step, h[1:], du_rows[1:], T - 1)
        for t in range(T):
            _add_scaled(cell.embedding[characters[start + t]], step, da_rows[t])
            _add_scaled(cell.input_bias, step, da_rows[t])
            _add_scaled(cell.recurrent_bias, step, du_rows[t])


# --- Entry from outside --------------------------------------------------------------------------

CELLS: dict[str, Any] = {"rnn": RNN, "gru": GRU, "lstm": LSTM}
READOUTS: dict[str, Any] = {"last": Last, "attention": Attention}


@intrinsic
def _array(typing: Any, address: Any, shape: Any, element: Any) -> Any:
    """Return the C-contiguous array of a shape and element type that lies at an address."""
    array_type = types.Array(element.instance_type, len(shape), "C")

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = make_array(array_type)(context, builder)
        itemsize = context.get_constant(
            types.intp, context.get_abi_sizeof(context.get_data_type(array_type.dtype))
        )
        shape = cgutils.unpack_tuple(builder, args[1])
        strides = [itemsize]
        for size in shape[:0:-1]:
            strides.insert(0, builder.mul(strides[0], size))
        data = builder.inttoptr(args[0], context.get_data_type(array_type.dtype).as_pointer())
        populate_array(array, data, shape, strides, itemsize, meminfo=None)
        return array._getvalue()

    return array_type(address, shape, element), generate


def compile_entry(cell: str, readout: str, real: Any) -> Any:
    """Compile `train_interval` for a cell and a readout, to be called from outside of Python.

    The compiled function takes the address of a vector of addresses (those of the cell's four
    arrays, the readout's two, the output layer's two, the fields of `Scratch`, then characters,
    offsets, targets, losses and guesses), the address of a vector of sizes (symbols, H, classes,
    longest, count) and the learning rate.

    Args:
        cell: A key of CELLS.
        readout: A key of READOUTS.
        real: Numba's float32 or float64.

    Returns:
        Numba's dispatcher of the one compiled signature.
    """
    cell_type, readout_type = CELLS[cell], READOUTS[readout]
    G, S, K = GATES[cell]
    recurrent_biases = 0 if cell_type is RNN else G
    scores = 1 if readout_type is Attention else 0

    def entry(addresses, sizes, rate):
        p = _array(addresses, (26,), types.int64)
        sizes = _array(sizes, (5,), types.int64)
        V, H, L, longest, count = sizes[0], sizes[1], sizes[2], sizes[3], sizes[4]
        offsets = _array(p[22], (count + 1,), types.int64)
        train_interval(
            cell_type(
                _array(p[0], (V, G * H), real),
                _array(p[1], (G * H,), real),
                _array(p[2], (H, G * H), real),
                _array(p[3], (recurrent_biases * H,), real),
            ),
            readout_type(_array(p[4], (scores * H,), real), _array(p[5], (scores,), real)),
            _array(p[6], (L, H), real),
            _array(p[7], (L,), real),
            Scratch(
                _array(p[8], (G, H), real),
                _array(p[8], (G * H,), real),
                _array(p[9], (longest, G, H), real),
                _array(p[9], (longest, G * H), real),
                _array(p[10], (longest, G, H), real),
                _array(p[10], (longest, G * H), real),
                _array(p[11], (longest, G, H), real),
                _array(p[11], (longest, G * H), real),
                _array(p[12], (longest, K, H), real),
                _array(p[13], (longest + 1, S, H), real),
                _array(p[14], (longest + 1, S, H), real),
                _array(p[15], (S, H), real),
                _array(p[16], (longest,), real),
                _array(p[17], (longest,), real),
                _array(p[18], (H,), real),
                _array(p[19], (H,), real),
                _array(p[20], (L,), real),
            ),
            _array(p[21], (offsets[count],), types.uint8),
            offsets,
            _array(p[23], (count,), types.int64),
            rate,
            _array(p[24], (count,), real),
            _array(p[25], (count,), types.int64),
        )

    signature = types.void(types.int64, types.int64, real)
    return njit(signature, **_OPTIONS)(entry)

"""The worksheet's SGD, one example per update, compiled: a whole recording interval in one call.

`training_loop` holds the training loop, the only one, around any cell (`cells/`) and readout
(`readouts/`): a forward and a backward function each. A new cell is one file there; a readout is
one, and a line in `read` and `unread` here.

Every cell sees, at each position, an input part `a` (one row of the embedding, since characters are
one-hot, plus a bias) and a recurrent part `u` (the previous hidden state times a matrix, plus a
bias), both of all gates laid end to end, and works unit by unit. What is costly is common to all
cells: the products with the recurrent matrix.

Nothing here allocates or raises, so that the machine code needs nothing of Numba when it runs:
`noisynames.training.compiled.cache` keeps it on disk and loads it without importing Numba.
"""

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array
from numpy.typing import NDArray

from noisynames.models.spec import GATES, READOUTS
from noisynames.training.compiled.primitives import (
    OPTIONS,
    add_into,
    add_outer_products,
    add_row_combination,
    add_row_products,
    add_scaled,
    clear,
    copy,
    jit,
    softmax,
)
from noisynames.training.compiled.readouts import attention, last, max, mean

Vector = NDArray[np.floating]
Matrix = NDArray[np.floating]


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


LAST, ATTENTION, MEAN, MAX = (READOUTS.index(r) for r in ("last", "attention", "mean", "max"))


@jit
def read(readout, weight, bias, h, T, context, alpha):
    """Read the states out; see `noisynames.training.compiled.readouts`."""
    if readout == LAST:
        last.read(weight, bias, h, T, context, alpha)
    elif readout == ATTENTION:
        attention.read(weight, bias, h, T, context, alpha)
    elif readout == MEAN:
        mean.read(weight, bias, h, T, context, alpha)
    elif readout == MAX:
        max.read(weight, bias, h, T, context, alpha)


@jit
def unread(readout, weight, bias, h, T, alpha, dalpha, dcontext, dh, step):
    """Go back through the readout; see `noisynames.training.compiled.readouts`."""
    if readout == LAST:
        last.unread(weight, bias, h, T, alpha, dalpha, dcontext, dh, step)
    elif readout == ATTENTION:
        attention.unread(weight, bias, h, T, alpha, dalpha, dcontext, dh, step)
    elif readout == MEAN:
        mean.unread(weight, bias, h, T, alpha, dalpha, dcontext, dh, step)
    elif readout == MAX:
        max.unread(weight, bias, h, T, alpha, dalpha, dcontext, dh, step)


def training_loop(cell: ModuleType) -> Callable[..., None]:
    """Return the compiled training loop around a cell."""
    forward, backward = cell.forward, cell.backward

    @jit
    def train_interval(
        embedding, input_bias, recurrent, recurrent_bias, readout, score, score_bias, output,
        output_bias, scratch, characters, offsets, targets, rate, losses, guesses,
    ):  # fmt: skip
        """Do one SGD update per example, in order, on the weights in place.

        Args:
            embedding: Shape (symbols, gates · H), transposed against PyTorch's.
            input_bias: Shape (gates · H,).
            recurrent: Shape (H, gates · H), transposed against PyTorch's.
            recurrent_bias: Shape (gates · H,); empty for a cell without.
            readout: A position in `noisynames.models.spec.READOUTS`.
            score: The readout's own weights, shape (H,); empty for one without.
            score_bias: Shape (1,), or empty.
            output: The output layer's weights, shape (classes, H).
            output_bias: Shape (classes,).
            scratch: Memory for the longest of the examples.
            characters: All sequences end to end; see `noisynames.names.examples.Examples`.
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
                add_into(a_row, embedding[characters[start + t]], input_bias)
                u_row = u_rows[t]
                clear(u_row)
                copy(u_row, recurrent_bias)
                if t > 0:  # the first state follows a state of zeros
                    add_row_combination(u_row, h[t], recurrent)
                forward(H, a, u[t], s[t], s[t + 1], kept[t])
            read(readout, score, score_bias, h, T, context, alpha)
            copy(logits, output_bias)
            add_row_products(logits, output, context)

            guess = 0
            for c in range(1, logits.size):
                if logits[c] > logits[guess]:
                    guess = c
            guesses[e] = guess
            true_logit = logits[target]
            losses[e] = softmax(logits) - true_logit
            logits[target] -= one  # now the loss's derivative by the logits

            clear(dcontext)
            add_row_combination(dcontext, logits, output)
            for c in range(logits.size):
                add_scaled(output[c], step * logits[c], context)
            add_scaled(output_bias, step, logits)

            for t in range(1, T + 1):
                for j in range(S):
                    clear(ds[t, j])
            unread(readout, score, score_bias, h, T, alpha, dalpha, dcontext, dh, step)
            for t in range(T - 1, -1, -1):
                backward(H, kept[t], u[t], s[t], s[t + 1], ds[t + 1], da[t], du[t], ds_prev)
                if t > 0:
                    add_row_products(ds_prev[0], recurrent, du_rows[t])
                    # ds[t] holds what the readout asks of h_t
                    for j in range(S):
                        add_scaled(ds[t, j], one, ds_prev[j])

            add_outer_products(recurrent, step, h[1:], du_rows[1:], T - 1)
            for t in range(T):
                add_scaled(embedding[characters[start + t]], step, da_rows[t])
                add_scaled(input_bias, step, da_rows[t])
                add_scaled(recurrent_bias, step, du_rows[t])

    return train_interval


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


def compile_entry(cell: str, real: Any) -> Any:
    """Compile the training loop for a cell, to be called from outside of Python.

    The compiled function takes the address of a vector of addresses (those of the eight weight
    arrays, the fields of `Scratch`, then characters, offsets, targets, losses and guesses, as
    `train_interval` takes them), the address of a vector of sizes (symbols, H, classes, longest,
    count, readout, scores) and the learning rate.

    Args:
        cell: A module of `noisynames.training.compiled.cells`.
        real: Numba's float32 or float64.

    Returns:
        Numba's dispatcher of the one compiled signature.
    """
    train_interval = training_loop(import_module(f"noisynames.training.compiled.cells.{cell}"))
    G, S, K = GATES[cell]
    recurrent_biases = 0 if cell == "rnn" else G

    def entry(addresses, sizes, rate):
        p = _array(addresses, (26,), types.int64)
        sizes = _array(sizes, (7,), types.int64)
        V, H, L, longest, count = sizes[0], sizes[1], sizes[2], sizes[3], sizes[4]
        readout, scores = sizes[5], sizes[6]
        offsets = _array(p[22], (count + 1,), types.int64)
        train_interval(
            _array(p[0], (V, G * H), real),
            _array(p[1], (G * H,), real),
            _array(p[2], (H, G * H), real),
            _array(p[3], (recurrent_biases * H,), real),
            readout,
            _array(p[4], (scores * H,), real),
            _array(p[5], (scores,), real),
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
            _array(p[21], (offsets[count],), types.uint16),
            offsets,
            _array(p[23], (count,), types.int64),
            rate,
            _array(p[24], (count,), real),
            _array(p[25], (count,), types.int64),
        )

    signature = types.void(types.int64, types.int64, real)
    return njit(signature, **OPTIONS)(entry)

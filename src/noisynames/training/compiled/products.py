"""Sums and products of vectors and matrices, in an order that does not depend on the processor.

A sum is taken in 16 lanes side by side, which are added up as a tree: lane l and l + 8, then l + 4,
l + 2, l + 1. How many rows and columns are in registers at a time depends on the processor, but
does not change the order.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from noisynames.training.compiled.layout import LANES
from noisynames.training.compiled.primitives import exp, leaf, log, near
from noisynames.training.compiled.vectors import I32, I64, Memory, steps


def _registers(context: Any) -> int:
    """Return how many vectors of 16 a loop may keep in registers; see `emission.Context`."""
    return 24 if context.wide else 6


def _zeros(builder: Any, memory: Memory, count: int) -> list[Any]:
    """Return variables for vectors of LANES, each set to zeros here."""
    slots = [cgutils.alloca_once(builder, memory.lanes) for _ in range(count)]
    for slot in slots:
        builder.store(ir.Constant(memory.lanes, [0.0] * LANES), slot)
    return slots


def _whole_steps(builder: Any, count: Any, step: int) -> Any:
    """Return the largest multiple of step, a power of two, up to count."""
    return builder.and_(count, I64(-step))


def _tiles(builder: Any, vectors: int, most: int) -> Iterator[tuple[Any, int]]:
    """Yield (first element, vectors) of parts of a row, each at most `most` vectors wide."""
    whole = vectors - vectors % most
    if whole > 4 * most:
        with steps(builder, 0, I64(whole * LANES), most * LANES) as first:
            yield first, most
    else:
        for first in range(0, whole, most):
            yield I64(first * LANES), most
    if vectors > whole:
        yield I64(whole * LANES), vectors - whole


@cache
def _halvings(count: int) -> tuple[list[list[int]], list[int]]:
    """Return how the lanes of several vectors are added up side by side, in ever shorter halves.

    Returns:
        shuffles: For each step, which lanes of two consecutive vectors (or of the only one) are the
            lower halves. Shorter ones stay in their quarter of a register, which costs less.
        places: The vector to which each lane of the result belongs.
    """
    owners = [[vector] * LANES for vector in range(count)]
    shuffles, parts = [], LANES
    while parts > 1:
        half, width = parts // 2, len(owners[0])
        vectors = range(0, min(len(owners), 2) * width, width)
        if half >= 4:
            starts = [v + s for v in vectors for s in range(0, width, parts)]
        else:
            quarters = range(0, width, 4)
            starts = [
                q + v + s for q in quarters for v in vectors for s in range(0, min(width, 4), parts)
            ]
        lanes = [start + i for start in starts for i in range(half)]
        pairs = [owners[k] + owners[min(k + 1, len(owners) - 1)] for k in range(0, len(owners), 2)]
        owners = [[pair[lane] for lane in lanes] for pair in pairs]
        shuffles.append(lanes)
        parts = half
    return shuffles, owners[0]


def _tree(builder: Any, vectors: list[Any]) -> Any:
    """Return the sums over the lanes of 1, 4 or 16 vectors, side by side in one.

    Lane l is added to l + 8, then to l + 4, l + 2, l + 1. Two vectors side by side share an
    addition, which does not change the order.
    """
    shuffles, places = _halvings(len(vectors))
    vectors = [vectors[places.index(k)] for k in range(len(vectors))]
    for step, low in enumerate(shuffles):
        high = [lane + (LANES >> (step + 1)) for lane in low]
        pairs = [vectors[k : k + 2] for k in range(0, len(vectors), 2)]
        vectors = [
            builder.fadd(_shuffled(builder, pair, low), _shuffled(builder, pair, high))
            for pair in pairs
        ]
    (total,) = vectors
    return total


def _shuffled(builder: Any, pair: list[Any], lanes: list[int]) -> Any:
    mask = ir.Constant(ir.VectorType(I32, len(lanes)), lanes)
    return builder.shuffle_vector(pair[0], pair[-1], mask)


@cache
def products(width: int) -> Any:
    """Return the function (y, W, x) that does y += W x, a dot product for each row of W.

    Shapes (n,), (n, width), (width,); x and the rows of W may be longer.
    """
    vectors = width // LANES

    def block(builder: Any, y: Memory, W: Memory, x: Memory, j: Any, count: int) -> None:
        sums: list[Any] = [None] * count
        at = [W.row(builder.add(j, I64(r))) for r in range(count)]

        def accumulate(place: Any) -> Any:
            xs = x.load(place)
            return [builder.fmul(W.load(builder.add(row, place)), xs) for row in at]

        if vectors <= 8:
            for v in range(vectors):
                terms = accumulate(I64(v * LANES))
                sums = terms if v == 0 else [*map(builder.fadd, sums, terms)]
        else:
            slots = [cgutils.alloca_once(builder, x.lanes) for _ in at]
            for slot, term in zip(slots, accumulate(I64(0)), strict=True):
                builder.store(term, slot)
            with steps(builder, LANES, I64(width), LANES) as place:
                for slot, term in zip(slots, accumulate(place), strict=True):
                    builder.store(builder.fadd(builder.load(slot), term), slot)
            sums = [builder.load(slot) for slot in slots]
        y.store(builder.fadd(y.load(j, count), _tree(builder, sums)), j)

    @intrinsic
    def multiply(typing: Any, y: Any, W: Any, x: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            parts = [Memory(context, builder, *pair) for pair in zip((y, W, x), args, strict=True)]
            start = I64(0)
            for count in (16, 4, 1) if context.wide else (4, 1):
                stop = _whole_steps(builder, parts[0].rows, count)
                with steps(builder, start, stop, count) as j:
                    block(builder, *parts, j, count)
                start = stop
            return context.get_dummy_value()

        return types.none(y, W, x), generate

    return near(lambda y, W, x: multiply(y, W, x))


@cache
def combination(width: int) -> Any:
    """Return the function (y, start, x, W) that does y = start + x W, combining the rows of W.

    Shapes (width,), (width,), (n,), (n, width), none overlapping another. Row j is added in chain
    j mod 4 (for widths up to 32), j mod 2 (up to 64) or a single chain; the first chain starts from
    `start`.
    """
    vectors = width // LANES
    chains = 4 if vectors <= 2 else 2 if vectors <= 4 else 1

    def tile(
        builder: Any, y: Memory, start: Memory, x: Memory, W: Memory, first: Any, size: int
    ) -> None:
        zero = ir.Constant(y.lanes, [0.0] * LANES)
        slots = [
            [cgutils.alloca_once(builder, y.lanes) for _ in range(size)] for _ in range(chains)
        ]
        places = [builder.add(first, I64(b * LANES)) for b in range(size)]
        for chain, row in enumerate(slots):
            for slot, place in zip(row, places, strict=True):
                builder.store(zero if chain else start.load(place), slot)

        def add_row(j: Any, chain: int) -> None:
            scale = x.spread(j)
            for slot, place in zip(slots[chain], places, strict=True):
                term = builder.fmul(scale, W.load(W.row(j, place)))
                builder.store(builder.fadd(builder.load(slot), term), slot)

        whole = _whole_steps(builder, x.rows, 4)
        with steps(builder, 0, whole, 4) as j:
            for k in range(4):
                add_row(builder.add(j, I64(k)), k % chains)
        with steps(builder, whole, x.rows, 1) as j:
            add_row(j, 0)
        for b, place in enumerate(places):
            parts = [builder.load(row[b]) for row in slots]
            while len(parts) > 1:
                parts = [builder.fadd(*parts[k : k + 2]) for k in range(0, len(parts), 2)]
            y.store(parts[0], place)

    @intrinsic
    def combine(typing: Any, y: Any, start: Any, x: Any, W: Any) -> Any:
        kinds = (y, start, x, W)

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            parts = [Memory(context, builder, *pair) for pair in zip(kinds, args, strict=True)]
            most = max(1, min(12, _registers(context) // chains))
            for first, size in _tiles(builder, vectors, most):
                tile(builder, *parts, first, size)
            return context.get_dummy_value()

        return types.none(*kinds), generate

    return near(lambda y, start, x, W: combine(y, start, x, W))


@cache
def outer(width: int) -> Any:
    """Return the function (W, X, Y, count) that does W += Σ_t X_t ⊗ Y_t over the first rows.

    Shapes (n, width), (·, n), (·, width). The sum is taken first: W is often much larger than its
    terms, and adding each to W would round each to W's precision.
    """
    vectors = width // LANES

    def tile(
        builder: Any, W: Memory, X: Memory, Y: Memory, count: Any,
        j: Any, rows: int, first: Any, size: int,
    ) -> None:  # fmt: skip
        places = [
            [W.row(builder.add(j, I64(r)), builder.add(first, I64(b * LANES))) for b in range(size)]
            for r in range(rows)
        ]
        slots = [_zeros(builder, W, size) for _ in range(rows)]
        with steps(builder, 0, count, 1) as t:
            ys = [Y.load(Y.row(t, builder.add(first, I64(b * LANES)))) for b in range(size)]
            for r in range(rows):
                scale = X.spread(X.row(t, builder.add(j, I64(r))))
                for b in range(size):
                    total = builder.fadd(builder.load(slots[r][b]), builder.fmul(scale, ys[b]))
                    builder.store(total, slots[r][b])
        for r in range(rows):
            for b in range(size):
                total = builder.fadd(W.load(places[r][b]), builder.load(slots[r][b]))
                W.store(total, places[r][b])

    @intrinsic
    def add_products(typing: Any, W: Any, X: Any, Y: Any, count: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            parts = [
                Memory(context, builder, *pair) for pair in zip((W, X, Y), args[:3], strict=True)
            ]
            # About as many columns as rows: then each number that is loaded serves most products.
            most = 3 if not context.wide else 4 if vectors % 4 == 0 else 6
            columns = min(vectors, most)
            at_once = next(n for n in (8, 4, 2, 1) if n * columns <= _registers(context))
            for first, size in _tiles(builder, vectors, columns):
                whole = _whole_steps(builder, parts[0].rows, at_once)
                for start, stop, rows in ((0, whole, at_once), (whole, parts[0].rows, 1)):
                    with steps(builder, start, stop, rows) as j:
                        tile(builder, *parts, args[3], j, rows, first, size)
            return context.get_dummy_value()

        return types.none(W, X, Y, types.int64), generate

    return near(lambda W, X, Y, count: add_products(W, X, Y, count))


@cache
def row_sum(width: int) -> Any:
    """Return the function (y, X, count) that does y += Σ_t X_t over the first rows, summed first.

    Shapes (width,), (·, width).
    """

    @intrinsic
    def add_rows(typing: Any, y: Any, X: Any, count: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            total, rows = (
                Memory(context, builder, y, args[0]),
                Memory(context, builder, X, args[1]),
            )
            for first, size in _tiles(builder, width // LANES, _registers(context) // 2):
                places = [builder.add(first, I64(b * LANES)) for b in range(size)]
                slots = _zeros(builder, total, size)
                with steps(builder, 0, args[2], 1) as t:
                    for slot, place in zip(slots, places, strict=True):
                        term = rows.load(rows.row(t, place))
                        builder.store(builder.fadd(builder.load(slot), term), slot)
                for slot, place in zip(slots, places, strict=True):
                    total.store(builder.fadd(total.load(place), builder.load(slot)), place)
            return context.get_dummy_value()

        return types.none(y, X, types.int64), generate

    return near(lambda y, X, count: add_rows(y, X, count))


@intrinsic
def _sum(typing: Any, x: Any, y: Any) -> Any:
    """Return Σ x y over the length of x, or Σ x if y is None."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        xs = Memory(context, builder, x, args[0])
        ys = None if y is types.none else Memory(context, builder, y, args[1])
        (slot,) = _zeros(builder, xs, 1)
        with steps(builder, 0, xs.rows, LANES) as i:
            term = builder.fmul(xs.load(i), ys.load(i)) if ys else xs.load(i)
            builder.store(builder.fadd(builder.load(slot), term), slot)
        return builder.extract_element(_tree(builder, [builder.load(slot)]), I32(0))

    return x.dtype(x, y), generate


@leaf
def dot(x, y):
    """Σ x y, over the length of x."""
    return _sum(x, y)


@leaf
def total(x):
    """Σ x."""
    return _sum(x, None)


@leaf
def best(x, count):
    """Return the place of the largest of the first elements of x; of equal ones, the first."""
    place, top = 0, x[0]
    for i in range(1, count):
        if x[i] > top:
            place, top = i, x[i]
    return place


@leaf
def softmax(x, count, place):
    """Replace the first elements of x by their softmax; return the logarithm of Σ e^x.

    The largest of them is at `place`, found by `best`.
    """
    top = x[place]
    for i in range(x.size):
        x[i] = exp(x[i] - top)
    for i in range(count, x.size):
        x[i] = 0
    normaliser = _sum(x, None)
    for i in range(x.size):
        x[i] /= normaliser
    return type(top)(np.float64(top) + log(np.float64(normaliser)))

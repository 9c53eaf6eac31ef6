"""Layers of a recurrent cell, in one direction or both, around the formula of a unit.

At each position, a cell sees an input part `a` and a recurrent part `u` of each gate, laid end to
end, and works unit by unit. The costly part is common to all cells: the products with the matrices.
"""

from typing import Any

from noisynames.models.spec import description
from noisynames.training.compiled.primitives import (
    column,
    formula,
    inlined,
    jit,
    leaf,
    matrix,
    put_column,
    vector,
)
from noisynames.training.compiled.products import combination, dot, outer, products, row_sum
from noisynames.training.compiled.rooms import KEPT, OWN, ZEROS, A, S, U
from noisynames.training.compiled.vectors import add, clear, copy, set_sum


def network(cell: str, H: int) -> tuple[Any, Any, Any, Any]:
    """Return compiled functions: forward, states, backward, squared norm of an input's derivative.

    Args:
        cell: A module of `models.cells`.
        H: Hidden size, a multiple of LANES.
    """
    c = description(cell)
    memory = _memory(c, H)
    step, step_back = _units(c, H)
    states, backward = _backward(c, H, memory, step_back)
    return _forward(c, H, memory, step), states, backward, _input_norm(memory)


def _units(c: Any, H: int) -> tuple[Any, Any]:
    """Return the loops over hidden units at one position, forward and backward."""
    unit_forward, unit_backward = formula(c.forward), formula(c.backward)
    gates, state, kept_of = column(c.GATES, H), column(c.STATES, H), column(c.KEPT, H)
    put = put_column(H)

    @leaf
    def step(a, u, before, s, kept):
        for i in range(H):
            new, keep = unit_forward(gates(a, i), gates(u, i), state(before, i))
            put(s, i, new)
            put(kept, i, keep)

    @leaf
    def step_back(a, u, before, s, kept, carry):
        """Replace a, u and carry, the derivative of s, by the derivatives of a, u and `before`."""
        for i in range(H):
            da, du, d_before = unit_backward(
                kept_of(kept, i), gates(u, i), state(before, i), state(s, i), state(carry, i)
            )
            put(a, i, da)
            put(u, i, du)
            put(carry, i, d_before)

    return step, step_back


def _memory(c: Any, H: int) -> tuple[Any, Any, Any, Any]:
    """Return functions that find a layer's arrays: input matrix, direction, outputs, biases."""
    G, PARTS = c.GATES * H, 3 if c.ONE_MAP else 4
    S_WIDTH, K_WIDTH = c.STATES * H, c.KEPT * H
    has_recurrent_bias = not c.ONE_MAP

    @inlined
    def input_matrix(plan, memory, layer, end):
        rows = plan.symbols if layer == 0 else plan.ends * H
        return matrix(memory, plan.parts[PARTS * (layer * plan.ends + end)], rows, G)

    @inlined
    def of_direction(plan, memory, layer, end, T):
        """Return the recurrent matrix (weights or gradients), a, u, s and kept; see `rooms`."""
        place = layer * plan.ends + end
        part, room = PARTS * place, OWN + 4 * place
        return (
            matrix(memory, plan.parts[part + 2], H, G),
            matrix(plan.work, plan.rooms[room + A], T, G),
            matrix(plan.work, plan.rooms[room + U], T, G),
            matrix(plan.work, plan.rooms[room + S], T, S_WIDTH),
            matrix(plan.work, plan.rooms[room + KEPT], T, K_WIDTH),
        )

    @inlined
    def output(plan, layer, T, derivative):
        """Return a layer's outputs (T, width), or the derivatives with respect to them."""
        room = OWN + 4 * plan.layers * plan.ends + 2 * layer + derivative
        return matrix(plan.work, plan.rooms[room], T, plan.ends * H)

    @inlined
    def biases(plan, memory, layer, end):
        """Return the input bias and the recurrent bias, which is 0 for a cell with one map."""
        part = PARTS * (layer * plan.ends + end)
        recurrent = vector(plan.work, plan.rooms[ZEROS], G)
        if has_recurrent_bias:
            recurrent = vector(memory, plan.parts[part + 3], G)
        return vector(memory, plan.parts[part + 1], G), recurrent

    return input_matrix, of_direction, output, biases


def _forward(c: Any, H: int, memory: tuple[Any, ...], step: Any) -> Any:
    input_matrix, of_direction, output, biases = memory
    combine, S_WIDTH = combination(c.GATES * H), c.STATES * H

    @jit
    def read_layer(plan, layer, end, characters, T):
        recurrent, a, u, s, kept = of_direction(plan, plan.weights, layer, end, T)
        W = input_matrix(plan, plan.weights, layer, end)
        bias, recurrent_bias = biases(plan, plan.weights, layer, end)
        out = output(plan, layer, T, 0)
        before = vector(plan.work, plan.rooms[ZEROS], S_WIDTH)
        if layer > 0:
            lower = output(plan, layer - 1, T, 0)
            for t in range(T):
                combine(a[t], bias, lower[t], W)
        for k in range(T):
            t = k if end == 0 else T - 1 - k
            if layer == 0:
                set_sum(a[t], W[characters[t]], bias)
            # The first state follows a state of zeros.
            if k == 0:
                copy(u[t], recurrent_bias)
            else:
                combine(u[t], recurrent_bias, before[:H], recurrent)
            step(a[t], u[t], before, s[t], kept[t])
            before = s[t]
            copy(out[t, end * H :], before[:H])

    @jit
    def forward(plan, characters, T):
        """Read a sequence."""
        for layer in range(plan.layers):
            for end in range(plan.ends):
                read_layer(plan, layer, end, characters, T)

    return forward


def _backward(c: Any, H: int, memory: tuple[Any, ...], step_back: Any) -> tuple[Any, Any]:
    input_matrix, of_direction, output, biases = memory
    G, S_WIDTH, has_recurrent_bias = c.GATES * H, c.STATES * H, not c.ONE_MAP
    multiply, add_outer, add_rows = products(G), outer(G), row_sum(G)

    @inlined
    def states(plan, T, derivative):
        """Return the top layer's outputs (T, width), or the derivatives with respect to them."""
        return output(plan, plan.layers - 1, T, derivative)

    @jit
    def unread_layer(plan, layer, end, characters, T):
        recurrent, a, u, s, kept = of_direction(plan, plan.weights, layer, end, T)
        out, d_out = output(plan, layer, T, 0), output(plan, layer, T, 1)
        zeros = vector(plan.work, plan.rooms[ZEROS], S_WIDTH)
        last = OWN + 4 * plan.layers * plan.ends + 2 * plan.layers
        carry = vector(plan.work, plan.rooms[last], S_WIDTH)
        clear(carry)
        for k in range(T - 1, -1, -1):
            t = k if end == 0 else T - 1 - k
            add(carry, d_out[t, end * H : (end + 1) * H])
            if k > 0:
                step_back(a[t], u[t], s[t - 1 if end == 0 else t + 1], s[t], kept[t], carry)
                multiply(carry[:H], recurrent, u[t])
            else:
                step_back(a[t], u[t], zeros, s[t], kept[t], carry)
        # Each state is paired with the gates that it led to, at the next or the previous position.
        earlier, later = (0, 1) if end == 0 else (1, 0)
        h = out[earlier:, end * H : (end + 1) * H]
        d_recurrent, _, _, _, _ = of_direction(plan, plan.gradients, layer, end, T)
        add_outer(d_recurrent, h, u[later:], T - 1)
        d_bias, d_recurrent_bias = biases(plan, plan.gradients, layer, end)
        add_rows(d_bias, a, T)
        if has_recurrent_bias:
            add_rows(d_recurrent_bias, u, T)
        dW = input_matrix(plan, plan.gradients, layer, end)
        if layer > 0:
            W = input_matrix(plan, plan.weights, layer, end)
            d_lower = output(plan, layer - 1, T, 1)
            for t in range(T):
                multiply(d_lower[t], W, a[t])
            add_outer(dW, output(plan, layer - 1, T, 0), a, T)
        else:
            for t in range(T):
                add(dW[characters[t]], a[t])

    @jit
    def backward(plan, characters, T):
        """Add the loss's derivatives with respect to all weights, given those of the outputs."""
        for layer in range(plan.layers - 1, -1, -1):
            if layer > 0:
                d_lower = output(plan, layer - 1, T, 1)
                for t in range(T):
                    clear(d_lower[t])
            for end in range(plan.ends):
                unread_layer(plan, layer, end, characters, T)

    return states, backward


def _input_norm(memory: tuple[Any, ...]) -> Any:
    input_matrix, of_direction, _, _ = memory

    @jit
    def input_norm(plan, T, t):
        """Return ‖∂loss/∂x_t‖² of the one-hot input at a position, after `backward`."""
        total = 0.0
        for symbol in range(plan.symbols):
            d = 0.0
            for end in range(plan.ends):
                W = input_matrix(plan, plan.weights, 0, end)
                _, da, _, _, _ = of_direction(plan, plan.weights, 0, end, T)
                d += dot(W[symbol], da[t])
            total += d * d
        return total

    return input_norm

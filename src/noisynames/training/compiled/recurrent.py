"""Layers of a recurrent cell, in one direction or both, around the formula of a unit.

A cell sees, at each position, an input part `a` and a recurrent part `u` of each gate, laid end to
end, and works unit by unit. What is costly is common to all cells: the products with the matrices.
"""

from typing import Any

from noisynames.models.spec import description
from noisynames.training.compiled.primitives import (
    add,
    add_rows,
    clear,
    column,
    copy,
    formula,
    inlined,
    jit,
    leaf,
    matrix,
    put_column,
    set_sum,
    vector,
)
from noisynames.training.compiled.products import combination, outer, products
from noisynames.training.compiled.rooms import KEPT, OWN, ZEROS, A, S, U


def network(cell: str, H: int) -> tuple[Any, Any, Any, Any]:
    """Return compiled functions: forward, states, backward, squared norm of an input's derivative.

    Args:
        cell: A module of `models.cells`.
        H: Hidden size, a multiple of LANES.
    """
    c = description(cell)
    G, PARTS = c.GATES * H, 3 if c.ONE_MAP else 4
    has_recurrent_bias = not c.ONE_MAP
    unit_forward, unit_backward = formula(c.forward), formula(c.backward)
    gates, state, kept_of = column(c.GATES, H), column(c.STATES, H), column(c.KEPT, H)
    put = put_column(H)
    combine, multiply, add_outer = combination(G), products(G), outer(G)
    S_WIDTH, K_WIDTH = c.STATES * H, c.KEPT * H

    @leaf
    def step(a, u, before, s, kept):
        for i in range(H):
            new, keep = unit_forward(gates(a, i), gates(u, i), state(before, i))
            put(s, i, new)
            put(kept, i, keep)

    @leaf
    def step_back(a, u, before, s, kept, carry):
        """Replace a, u and carry, the derivative by s, by those by a, by u and by `before`."""
        for i in range(H):
            da, du, d_before = unit_backward(
                kept_of(kept, i), gates(u, i), state(before, i), state(s, i), state(carry, i)
            )
            put(a, i, da)
            put(u, i, du)
            put(carry, i, d_before)

    @inlined
    def output(plan, layer, T, derivative):
        """Return a layer's outputs (T, width), or the derivatives by them."""
        room = OWN + 4 * plan.layers * plan.ends + 2 * layer + derivative
        return matrix(plan.work, plan.rooms[room], T, plan.ends * H)

    @inlined
    def input_matrix(plan, memory, layer, end):
        rows = plan.symbols if layer == 0 else plan.ends * H
        return matrix(memory, plan.parts[PARTS * (layer * plan.ends + end)], rows, G)

    @jit
    def read_layer(plan, layer, end, characters, T):
        place = layer * plan.ends + end
        part, room = PARTS * place, OWN + 4 * place
        a = matrix(plan.work, plan.rooms[room + A], T, G)
        u = matrix(plan.work, plan.rooms[room + U], T, G)
        s = matrix(plan.work, plan.rooms[room + S], T, S_WIDTH)
        kept = matrix(plan.work, plan.rooms[room + KEPT], T, K_WIDTH)
        W = input_matrix(plan, plan.weights, layer, end)
        bias = vector(plan.weights, plan.parts[part + 1], G)
        recurrent = matrix(plan.weights, plan.parts[part + 2], H, G)
        # A cell of one map has its bias in the input part; here it has zeros.
        recurrent_bias = vector(plan.work, plan.rooms[ZEROS], G)
        if has_recurrent_bias:
            recurrent_bias = vector(plan.weights, plan.parts[part + 3], G)
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

    @inlined
    def states(plan, T, derivative):
        """Return the top layer's outputs, shape (T, width), or the derivatives by them."""
        return output(plan, plan.layers - 1, T, derivative)

    @jit
    def unread_layer(plan, layer, end, characters, T):
        place = layer * plan.ends + end
        part, room = PARTS * place, OWN + 4 * place
        a = matrix(plan.work, plan.rooms[room + A], T, G)
        u = matrix(plan.work, plan.rooms[room + U], T, G)
        s = matrix(plan.work, plan.rooms[room + S], T, S_WIDTH)
        kept = matrix(plan.work, plan.rooms[room + KEPT], T, K_WIDTH)
        recurrent = matrix(plan.weights, plan.parts[part + 2], H, G)
        out, d_out = output(plan, layer, T, 0), output(plan, layer, T, 1)
        shared = OWN + 4 * plan.layers * plan.ends + 2 * plan.layers
        zeros = vector(plan.work, plan.rooms[ZEROS], S_WIDTH)
        carry = vector(plan.work, plan.rooms[shared], S_WIDTH)
        clear(carry)
        for k in range(T - 1, -1, -1):
            t = k if end == 0 else T - 1 - k
            add(carry, d_out[t, end * H : (end + 1) * H])
            if k > 0:
                step_back(a[t], u[t], s[t - 1 if end == 0 else t + 1], s[t], kept[t], carry)
                multiply(carry[:H], recurrent, u[t])
            else:
                step_back(a[t], u[t], zeros, s[t], kept[t], carry)
        # Each state meets what came of it: that of the position behind it, or in front of it.
        earlier, later = (0, 1) if end == 0 else (1, 0)
        h = out[earlier:, end * H : (end + 1) * H]
        add_outer(matrix(plan.gradients, plan.parts[part + 2], H, G), h, u[later:], T - 1)
        add_rows(vector(plan.gradients, plan.parts[part + 1], G), a, T)
        if has_recurrent_bias:
            add_rows(vector(plan.gradients, plan.parts[part + 3], G), u, T)
        if layer > 0:
            W = input_matrix(plan, plan.weights, layer, end)
            d_lower = output(plan, layer - 1, T, 1)
            for t in range(T):
                multiply(d_lower[t], W, a[t])
            dW = input_matrix(plan, plan.gradients, layer, end)
            add_outer(dW, output(plan, layer - 1, T, 0), a, T)
        else:
            dW = input_matrix(plan, plan.gradients, 0, end)
            for t in range(T):
                add(dW[characters[t]], a[t])

    @jit
    def backward(plan, characters, T):
        """Add the loss's derivatives by all weights, from those by the top layer's outputs."""
        for layer in range(plan.layers - 1, -1, -1):
            if layer > 0:
                d_lower = output(plan, layer - 1, T, 1)
                for t in range(T):
                    clear(d_lower[t])
            for end in range(plan.ends):
                unread_layer(plan, layer, end, characters, T)

    @jit
    def input_norm(plan, T, t):
        """Return ‖∂loss/∂x_t‖² of the one-hot input at a position, after `backward`."""
        total = 0.0
        for symbol in range(plan.symbols):
            d = 0.0
            for end in range(plan.ends):
                W = input_matrix(plan, plan.weights, 0, end)
                da = vector(plan.work, plan.rooms[OWN + 4 * end + A] + t * G, G)
                for i in range(G):
                    d += W[symbol, i] * da[i]
            total += d * d
        return total

    return forward, states, backward, input_norm

"""Training, prediction and input gradients of a whole interval of examples, compiled.

`compile_entry` puts the only training loop around a network (`recurrent`, `encoder`) and the
readouts (`readouts/`): there is no kernel for a particular model. Only the cell and the hidden
size, padded to a multiple of LANES, are compiled in; layers, directions, readout, batch, classes
and symbols are numbers.

The loss's derivative is multiplied by `scale` where it begins, and all that follows is linear in
it. With plain SGD on one example, `scale` is −rate and the derivatives are added directly to the
weights: gradients need no memory of their own. That requires an order: a weight must be read before
it is changed.
"""

from importlib import import_module
from typing import Any, NamedTuple

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from noisynames.models.spec import READOUTS
from noisynames.training.compiled.interface import (
    COUNTS,
    GRADIENTS,
    IN_PLACE,
    MEMORY,
    PREDICT,
    SETTINGS,
    TRAIN,
)
from noisynames.training.compiled.layout import LANES
from noisynames.training.compiled.optimisers import optimise
from noisynames.training.compiled.primitives import (
    array_at,
    column,
    entry_jit,
    inlined,
    jit,
    matrix,
    pointer_to,
    square_root,
    vector,
)
from noisynames.training.compiled.products import best, combination, outer, products, softmax
from noisynames.training.compiled.rooms import ALPHA, CONTEXT, LOGITS, ZEROS, network_of
from noisynames.training.compiled.vectors import add, clear, copy

(
    _WEIGHTS, _GRADIENTS, _WORK, _FIRST, _SECOND, _PARTS, _ROOMS, _CHARACTERS, _OFFSETS, _TARGETS,
    _LOSSES, _GUESSES, _LOG_PROBABILITIES, _PER_CHARACTER, _SETTINGS,
) = range(len(MEMORY))  # fmt: skip
(
    _TASK, _EXAMPLES, _BATCH, _OPTIMISER, _SYMBOLS, _LAYERS, _ENDS, _UNITS, _HEADS, _CLASSES,
    _READOUT, _SCORES, _SIZE, _PARTS_SIZE,
) = range(len(COUNTS))  # fmt: skip

Pointer = Any
"""Numba's pointer, which is indexed like an array but has no length."""


class Plan(NamedTuple):
    """A model and its memory.

    Attributes:
        weights, gradients: Pointers to numbers laid out as in `layout`; the same memory if each
            update is of one example.
        work: A pointer to memory for one example.
        parts: A pointer to where each weight begins.
        rooms: A pointer to where each array in `work` begins.
        output: The part of the output layer's weights.
        symbols, layers, ends, units, heads, classes, readout, scores: Sizes, and the readout's
            number; `ends` is 2 if bidirectional, `units` the hidden size without padding, `scores`
            1 if the readout has weights.
    """

    weights: Pointer
    gradients: Pointer
    work: Pointer
    parts: Pointer
    rooms: Pointer
    output: int
    symbols: int
    layers: int
    ends: int
    units: int
    heads: int
    classes: int
    readout: int
    scores: int


def _by_number(functions: list[Any]) -> Any:
    """Return a function (number, arguments) that calls the function with that number."""

    @intrinsic
    def call(typing: Any, number: Any, arguments: Any) -> Any:
        kinds = [typing.resolve_value_type(function) for function in functions]
        signatures = [kind.get_call_type(typing, tuple(arguments), {}) for kind in kinds]

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            values = cgutils.unpack_tuple(builder, args[1])
            done = builder.append_basic_block("done")
            choice = builder.switch(args[0], done)
            for n, (kind, of_call) in enumerate(zip(kinds, signatures, strict=True)):
                block = builder.append_basic_block("chosen")
                choice.add_case(args[0].type(n), block)
                with builder.goto_block(block):
                    context.get_function(kind, of_call)(builder, values)
                    builder.branch(done)
            builder.position_at_end(done)
            return context.get_dummy_value()

        return types.none(number, arguments), generate

    return call


_READOUTS = [import_module(f"noisynames.training.compiled.readouts.{name}") for name in READOUTS]
_read = _by_number([module.read for module in _READOUTS])
_unread = _by_number([module.unread for module in _READOUTS])


@inlined
def per_position(plan, T, derivative):
    """Return what the readout keeps for each position, or the derivatives with respect to it."""
    return vector(plan.work, plan.rooms[ALPHA + derivative], (T + LANES - 1) // LANES * LANES)


@inlined
def logits_of(plan):
    """Return the logits, padded to a multiple of LANES."""
    return vector(plan.work, plan.rooms[LOGITS], (plan.classes + LANES - 1) // LANES * LANES)


@inlined
def context_of(plan, H, derivative):
    """Return what the output layer sees, or the derivatives with respect to it."""
    return vector(plan.work, plan.rooms[CONTEXT + derivative], plan.ends * H)


@inlined
def output_layer(plan, memory, H):
    """Return the output layer's weights (classes, width) and biases."""
    W = matrix(memory, plan.parts[plan.output], plan.classes, plan.ends * H)
    size = (plan.classes + LANES - 1) // LANES * LANES
    return W, vector(memory, plan.parts[plan.output + 1], size)


@inlined
def scoring(plan, memory, H):
    """Return the readout's own weights and bias; empty if it has none."""
    part = plan.output + 2
    weight = vector(memory, plan.parts[part], plan.scores * plan.ends * H)
    return weight, vector(memory, plan.parts[part + 1], plan.scores)


def example_functions(cell: str, H: int) -> tuple[Any, Any, Any]:
    """Return the functions for a single example.

    Returns:
        forward, backward, and the squared norm of an input's derivative.
    """
    kind = import_module(f"noisynames.training.compiled.{network_of(cell)}")
    network_forward, states_of, network_backward, input_norm = kind.network(cell, H)
    multiply, combine, add_outer = products(H), combination(H), outer(H)

    @jit
    def forward(plan, characters, T):
        """Fill in the logits of a sequence; intermediate results stay in `plan.work`."""
        network_forward(plan, characters, T)
        score, score_bias = scoring(plan, plan.weights, H)
        context = context_of(plan, H, 0)
        states = states_of(plan, T, 0)
        _read(plan.readout, (score, score_bias, states, T, H, context, per_position(plan, T, 0)))
        W, bias = output_layer(plan, plan.weights, H)
        logits = logits_of(plan)
        copy(logits, bias)
        for end in range(plan.ends):
            multiply(logits[: plan.classes], W[:, end * H :], context[end * H :])

    @jit
    def backward(plan, characters, T):
        """Add the loss's derivatives with respect to all weights, given those of the logits.

        These are where the logits were.
        """
        W, _ = output_layer(plan, plan.weights, H)
        dW, d_bias = output_layer(plan, plan.gradients, H)
        context, d_context = context_of(plan, H, 0), context_of(plan, H, 1)
        zeros = vector(plan.work, plan.rooms[ZEROS], H)
        d_logits = logits_of(plan)
        each = d_logits[: plan.classes]
        logit_row = matrix(plan.work, plan.rooms[LOGITS], 1, d_logits.size)
        for end in range(plan.ends):
            combine(d_context[end * H :], zeros, each, W[:, end * H :])
            context_row = matrix(plan.work, plan.rooms[CONTEXT] + end * H, 1, H)
            add_outer(dW[:, end * H :], logit_row, context_row, 1)
        add(d_bias, d_logits)

        states, d_states = states_of(plan, T, 0), states_of(plan, T, 1)
        for t in range(T):
            clear(d_states[t])
        score, _ = scoring(plan, plan.weights, H)
        d_score, d_score_bias = scoring(plan, plan.gradients, H)
        alpha, d_alpha = per_position(plan, T, 0), per_position(plan, T, 1)
        seen = (score, states, T, H, context, alpha)
        _unread(plan.readout, (*seen, d_context, d_alpha, d_states, d_score, d_score_bias))
        network_backward(plan, characters, T)

    return forward, backward, input_norm


def training(forward: Any, backward: Any) -> Any:
    """Return the training loop."""

    @jit
    def train(
        plan, characters, offsets, targets, batch, optimiser, moments, settings, losses, guesses
    ):
        """Do one update per batch, in order; fill in each example's loss before its update."""
        real = type(losses[0])
        count = targets.size
        for first in range(0, count, batch):
            last = min(first + batch, count)
            scale = real(-settings[0]) if optimiser == IN_PLACE else real(1) / real(last - first)
            for e in range(first, last):
                T = offsets[e + 1] - offsets[e]
                letters = characters[offsets[e] : offsets[e + 1]]
                forward(plan, letters, T)
                logits = logits_of(plan)
                guesses[e] = best(logits, plan.classes)
                true_logit = logits[targets[e]]
                losses[e] = softmax(logits, plan.classes, guesses[e]) - true_logit
                logits[targets[e]] -= real(1)
                for c in range(logits.size):
                    logits[c] *= scale
                backward(plan, letters, T)
            if optimiser != IN_PLACE:
                weights = vector(plan.weights, 0, moments[0].size)
                gradients = vector(plan.gradients, 0, moments[0].size)
                optimise(optimiser, weights, gradients, moments[0], moments[1], settings)
                clear(gradients)

    return train


def other_tasks(forward: Any, backward: Any, input_norm: Any) -> tuple[Any, Any]:
    """Return the functions for predictions, and for gradients of the inputs."""

    @jit
    def predict(plan, characters, offsets, log_probabilities, per_character):
        """Fill in log-probabilities (examples, classes), and the readout's numbers if any."""
        for e in range(offsets.size - 1):
            T = offsets[e + 1] - offsets[e]
            forward(plan, characters[offsets[e] : offsets[e + 1]], T)
            logits = logits_of(plan)
            row = log_probabilities[e]
            for c in range(row.size):
                row[c] = logits[c]
            normaliser = softmax(logits, plan.classes, best(logits, plan.classes))
            for c in range(row.size):
                row[c] -= normaliser
            if plan.scores:
                alpha = vector(plan.work, plan.rooms[ALPHA], T)
                for t in range(T):
                    per_character[offsets[e] + t] = alpha[t]

    @jit
    def gradients(plan, characters, offsets, targets, per_character):
        """Fill in ‖∂loss/∂x_t‖ at every position of every example."""
        real = type(per_character[0])
        for e in range(targets.size):
            T = offsets[e + 1] - offsets[e]
            letters = characters[offsets[e] : offsets[e + 1]]
            forward(plan, letters, T)
            logits = logits_of(plan)
            softmax(logits, plan.classes, best(logits, plan.classes))
            logits[targets[e]] -= real(1)
            backward(plan, letters, T)
            for t in range(T):
                per_character[offsets[e] + t] = square_root(input_norm(plan, T, t))

    return predict, gradients


def compile_entry(cell: str, H: int, real: Any) -> Any:
    """Compile the tasks around a cell, to be called from outside Python.

    The compiled function takes two addresses: of a vector of the addresses of `interface.MEMORY`,
    and of one of the numbers of `interface.COUNTS`.

    Args:
        cell: A module of `models.cells`, or `transformer`.
        H: Hidden size, a multiple of LANES.
        real: Numba's float32 or float64.

    Returns:
        Numba's dispatcher of the one compiled signature.
    """
    forward, backward, input_norm = example_functions(cell, H)
    train = training(forward, backward)
    predict, gradients = other_tasks(forward, backward, input_norm)
    addresses, numbers = column(len(MEMORY), 1), column(len(COUNTS), 1)

    def entry(memory, counts):
        at = addresses(array_at(memory, len(MEMORY), types.int64), 0)
        n = numbers(array_at(counts, len(COUNTS), types.int64), 0)
        examples = n[_EXAMPLES]
        in_place = n[_TASK] == TRAIN and n[_OPTIMISER] == IN_PLACE
        plan = Plan(
            pointer_to(at[_WEIGHTS], real),
            pointer_to(at[_WEIGHTS] if in_place else at[_GRADIENTS], real),
            pointer_to(at[_WORK], real),
            pointer_to(at[_PARTS], types.int64),
            pointer_to(at[_ROOMS], types.int64),
            n[_PARTS_SIZE] - 4 - 2 * n[_SCORES],
            n[_SYMBOLS],
            n[_LAYERS],
            n[_ENDS],
            n[_UNITS],
            n[_HEADS],
            n[_CLASSES],
            n[_READOUT],
            n[_SCORES],
        )
        offsets = array_at(at[_OFFSETS], examples + 1, types.int64)
        characters = array_at(at[_CHARACTERS], offsets[examples], types.uint16)
        targets = array_at(at[_TARGETS], examples, types.int64)
        per_character = array_at(at[_PER_CHARACTER], offsets[examples], real)
        if n[_TASK] == TRAIN:
            first = array_at(at[_FIRST], n[_SIZE], real)
            second = array_at(at[_SECOND], n[_SIZE], real)
            settings = array_at(at[_SETTINGS], len(SETTINGS), types.float64)
            losses = array_at(at[_LOSSES], examples, real)
            guesses = array_at(at[_GUESSES], examples, types.int64)
            sequences = (characters, offsets, targets)
            how = (n[_BATCH], n[_OPTIMISER], (first, second), settings)
            train(plan, *sequences, *how, losses, guesses)
        elif n[_TASK] == PREDICT:
            table = matrix(pointer_to(at[_LOG_PROBABILITIES], real), 0, examples, n[_CLASSES])
            predict(plan, characters, offsets, table, per_character)
        elif n[_TASK] == GRADIENTS:
            gradients(plan, characters, offsets, targets, per_character)

    return entry_jit(types.void(types.int64, types.int64))(entry)

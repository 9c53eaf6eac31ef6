"""The compiled engine changes only the speed."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from noisynames.evaluation.inference import gradient_norms, predict
from noisynames.models.reference import load_classifier, padded
from noisynames.models.spec import READOUTS, RECURRENT, ModelSpec, Parameters, TrainedModel
from noisynames.models.weights import initial_parameters
from noisynames.names import dataset as datasets
from noisynames.names import splits
from noisynames.names.alphabet import Alphabet
from noisynames.names.examples import Examples, TrainingStream
from noisynames.names.noise import Noise
from noisynames.training.autograd import AutogradEngine
from noisynames.training.compiled.engine import CompiledEngine
from noisynames.training.hyperparameters import Hyperparameters

SPLIT = splits.split_names(datasets.load("surnames").rows, 0)
NAMES = Examples.of_names(SPLIT.train, SPLIT.languages)
PLAIN = [ModelSpec(cell, readout, 8) for cell in RECURRENT for readout in READOUTS]
MODELS = [
    *PLAIN,
    *(ModelSpec(cell, "last", 20, num_layers=2) for cell in RECURRENT),
    *(
        ModelSpec(cell, readout, 8, bidirectional=True)
        for cell in RECURRENT
        for readout in READOUTS
    ),
    *(ModelSpec(cell, "attention", 8, 2, True) for cell in RECURRENT),
    *(ModelSpec("transformer", readout, 8) for readout in READOUTS),
    ModelSpec("transformer", "mean", 32, num_layers=2, num_heads=2),
    ModelSpec("transformer", "last", 20, num_heads=5),
]

# Both engines round to float32 after every operation, in another order. One update's difference
# is about 1e-7 of a weight; over 2,000 updates of steps 0.005 such differences add up to less than
# 1e-6 where this was written. PyTorch rounds otherwise on other processors, so there is room for
# more. A wrong term would show at 1e-3 and more.
SEED = 3
LOSS_TOLERANCE = 1e-6
WEIGHT_TOLERANCE = 5e-6


def named(spec: ModelSpec) -> str:
    layers, both = f"{spec.num_layers}x" if spec.num_layers > 1 else "", "bi" * spec.bidirectional
    return f"{layers}{both}{spec.cell}-{spec.readout}-{spec.hidden_size}"


def sgd(rate: float, batch_size: int = 1) -> Hyperparameters:
    return Hyperparameters(learning_rate=rate, batch_size=batch_size, record_every=batch_size)


def doubles(parameters: Parameters) -> dict[str, np.ndarray]:
    return {name: values.astype(np.float64) for name, values in parameters.items()}


def both_engines(
    spec: ModelSpec, initial: Parameters, plan: Hyperparameters, inputs: int = 57
) -> tuple[CompiledEngine, AutogradEngine]:
    return CompiledEngine(spec, initial, plan), AutogradEngine(spec, initial, plan, inputs=inputs)


def assert_they_agree(
    spec: ModelSpec, plan: Hyperparameters, noise: int, updates: int = 2_000, room: int = 1
) -> None:
    # Under some seeds a unit has its largest value at two places but for rounding, and `max` takes
    # one with one engine and the other with the other.
    initial = initial_parameters(spec, 57, 18, SEED)
    examples = TrainingStream(NAMES, Noise(noise), SEED).take(updates)
    compiled, autograd = both_engines(spec, initial, plan)
    losses, guesses = compiled.advance(examples)
    expected_losses, expected_guesses = autograd.advance(examples)
    np.testing.assert_allclose(losses, expected_losses, atol=room * LOSS_TOLERANCE)
    assert (guesses == expected_guesses).mean() > 0.999
    weights, expected = compiled.parameters(), autograd.parameters()
    assert weights.keys() == expected.keys()
    for name in expected:
        if name == "score.bias" or "in_proj_bias" in name:
            continue  # a bias does not change a softmax, so its derivative is only rounding
        np.testing.assert_allclose(weights[name], expected[name], atol=room * WEIGHT_TOLERANCE)
        difference = np.abs(weights[name] - expected[name]).max()
        moved = np.abs(expected[name] - initial[name]).max()
        assert difference < 0.01 * moved


@pytest.mark.parametrize("spec", [replace(s, hidden_size=32) for s in PLAIN], ids=named)
def test_losses_and_weights_agree_after_2000_updates(spec: ModelSpec) -> None:
    assert_they_agree(spec, sgd(0.005), 0 if spec.readout == "last" else 5)


@pytest.mark.parametrize("batch", [1, 8])
@pytest.mark.parametrize("spec", [s for s in MODELS if s not in PLAIN], ids=named)
def test_every_other_model_agrees_on_single_names_and_in_batches(
    spec: ModelSpec, batch: int
) -> None:
    # A transformer's rectifiers amplify rounding: one at 0 may open with only one engine.
    updates = 200 if spec.cell == "transformer" or batch > 1 else 600
    assert_they_agree(spec, sgd(0.005 if batch == 1 else 0.02, batch), 5, updates * batch)


@pytest.mark.parametrize("batch", [1, 8])
@pytest.mark.parametrize(
    "settings",
    [
        {"momentum": 0.9},
        {"weight_decay": 0.01},
        {"clip_norm": 0.5},
        {"optimizer": "adam", "learning_rate": 0.001},
        {"optimizer": "adam", "learning_rate": 0.001, "weight_decay": 0.01, "clip_norm": 1.0},
    ],
)
def test_optimizers_agree(settings: dict[str, float | str], batch: int) -> None:
    plan = replace(sgd(0.005, batch), **settings)  # type: ignore[arg-type]
    # Adam divides by the root of squares that begin at the size of rounding errors.
    room = 10 if plan.optimizer == "adam" else 1
    for spec in (ModelSpec("gru", "attention", 8), ModelSpec("transformer", "mean", 8)):
        assert_they_agree(spec, plan, 2, 100 * batch, room=room)


def test_clipping_keeps_a_high_rate_from_diverging() -> None:
    spec, initial = ModelSpec("rnn"), initial_parameters(ModelSpec("rnn"), 57, 18, 0)
    examples = TrainingStream(NAMES, Noise(5), 0).take(2_000)
    wild = CompiledEngine(spec, initial, sgd(2.0)).advance(examples)[0]
    tame = CompiledEngine(spec, initial, replace(sgd(2.0), clip_norm=0.05)).advance(examples)[0]
    assert tame.mean() < 3 < np.nan_to_num(wild, nan=np.inf).mean()


def assert_gradients_agree(spec: ModelSpec, names: list[list[int]], classes: int) -> None:
    """One update at rate 1 moves every weight by its gradient, averaged over the batch."""
    initial = doubles(initial_parameters(spec, 57, classes, 3))
    characters = np.array([letter for name in names for letter in name], np.uint16)
    offsets = np.cumsum([0, *map(len, names)])
    targets = np.arange(len(names)) % classes
    examples = Examples(characters, offsets, targets, np.zeros(len(characters), bool))
    compiled = CompiledEngine(spec, initial, sgd(1.0, len(names)))
    losses, _ = compiled.advance(examples)
    moved = compiled.parameters()
    module = load_classifier(spec, 57, classes, initial)
    output, _ = module(*padded(examples))
    each = F.nll_loss(output, torch.from_numpy(targets), reduction="none")
    each.mean().backward()  # type: ignore[no-untyped-call]
    np.testing.assert_allclose(losses, each.detach().numpy(), atol=1e-9)
    for key, parameter in module.named_parameters():
        assert parameter.grad is not None
        np.testing.assert_allclose(
            initial[key] - moved[key], parameter.grad.numpy(), atol=1e-9, err_msg=key
        )


@pytest.mark.parametrize("length", [1, 2, 7, 40])
@pytest.mark.parametrize("spec", MODELS, ids=named)
def test_gradients_agree_in_double_precision(spec: ModelSpec, length: int) -> None:
    name = np.random.default_rng(length).integers(0, 57, length)
    assert_gradients_agree(spec, [name.tolist()], 18)


# The hidden size is padded to 16 or 32: any other size would be one more kernel to compile.
RECURRENT_SPECS = st.builds(
    ModelSpec,
    cell=st.sampled_from(RECURRENT),
    readout=st.sampled_from(READOUTS),
    hidden_size=st.integers(1, 32),
    num_layers=st.integers(1, 3),
    bidirectional=st.booleans(),
)
TRANSFORMERS = st.builds(
    lambda size, heads, layers, readout: ModelSpec(
        "transformer", readout, size * heads, layers, num_heads=heads
    ),
    size=st.integers(1, 8),
    heads=st.integers(1, 4),
    layers=st.integers(1, 3),
    readout=st.sampled_from(READOUTS),
)


@settings(max_examples=60)
@given(
    spec=RECURRENT_SPECS | TRANSFORMERS,
    names=st.lists(st.lists(st.integers(0, 56), min_size=1, max_size=60), min_size=1, max_size=5),
    classes=st.integers(2, 40),
)
def test_gradients_agree_at_any_size(spec: ModelSpec, names: list[list[int]], classes: int) -> None:
    assert_gradients_agree(spec, names, classes)


@pytest.mark.parametrize("spec", MODELS, ids=named)
def test_names_of_length_1_and_200_train_together(spec: ModelSpec) -> None:
    names = Examples.of_names([("a", "x"), ("b", "y" * 200), ("a", "z" * 3)], ["a", "b"])
    initial = initial_parameters(spec, 57, 2, 0)
    compiled, autograd = both_engines(spec, initial, sgd(0.1))
    for order in ([0, 0], [1, 0, 2], [2, 1, 1, 0]):
        examples = names.select(np.array(order))
        np.testing.assert_allclose(
            compiled.advance(examples)[0], autograd.advance(examples)[0], atol=1e-5
        )


@pytest.mark.parametrize("spec", MODELS, ids=named)
def test_predictions_attention_and_input_gradients_equal_pytorchs(spec: ModelSpec) -> None:
    parameters = initial_parameters(spec, 57, 18, 1)
    model, examples = TrainedModel(spec, parameters, 18), NAMES.select(np.arange(60))
    module = load_classifier(spec, 57, 18, parameters)
    characters, lengths = padded(examples)
    inputs = module.inputs(characters).detach().requires_grad_(True)
    expected, attention = module.classify(inputs, lengths)
    outputs, weights = predict(model, examples)
    np.testing.assert_allclose(outputs, expected.detach().numpy(), atol=1e-5)
    assert (weights is None) == (attention is None)
    for i, found in enumerate(weights or []):
        assert attention is not None
        own = attention[i, : lengths[i]].detach().numpy()
        np.testing.assert_allclose(found, own, atol=1e-6)
    F.nll_loss(expected, torch.from_numpy(examples.targets), reduction="sum").backward()  # type: ignore[no-untyped-call]
    assert inputs.grad is not None
    norms = inputs.grad.norm(dim=2)
    last = norms[torch.arange(60), lengths - 1].mean().item()
    assert gradient_norms(model, examples)[0] == pytest.approx(last, rel=1e-4)


def test_intervals_can_be_joined_without_a_difference() -> None:
    for plan in (sgd(0.005), replace(sgd(0.001), optimizer="adam")):
        spec = ModelSpec("lstm", "attention", 8)
        initial = initial_parameters(spec, 57, 18, 0)
        whole, parts = CompiledEngine(spec, initial, plan), CompiledEngine(spec, initial, plan)
        whole.advance(TrainingStream(NAMES, Noise(5), 0).take(300))
        stream = TrainingStream(NAMES, Noise(5), 0)
        for count in (1, 99, 200):
            parts.advance(stream.take(count))
        for name, values in whole.parameters().items():
            np.testing.assert_array_equal(values, parts.parameters()[name])


def test_padding_stays_zero() -> None:
    """Units beyond the hidden size, and classes beyond the last, learn nothing."""
    for spec in MODELS:
        plan = replace(sgd(0.05, 4), optimizer="adam", weight_decay=0.1)
        engine = CompiledEngine(spec, initial_parameters(spec, 57, 18, 0), plan)
        engine.advance(TrainingStream(NAMES, Noise(5), 0).take(40))
        there = CompiledEngine(spec, engine.parameters(), plan)
        np.testing.assert_array_equal(engine.memory["weights"], there.memory["weights"])


def test_nan_has_the_same_bits_everywhere() -> None:
    """Processors make different NaNs; a run that diverged is recorded with one kind."""
    spec = ModelSpec("rnn", hidden_size=8)
    engine = CompiledEngine(spec, initial_parameters(spec, 57, 18, 0), sgd(1e30))
    engine.advance(TrainingStream(NAMES, Noise(5), 0).take(50))
    engine.memory["weights"][::2] = -np.float32(np.nan)  # as x86-64 makes them
    values = np.concatenate([v.ravel() for v in engine.parameters().values()])
    bits = values[np.isnan(values)].view(np.uint32)
    assert set(bits.tolist()) == {0x7FC00000}


def test_an_engine_does_not_change_the_weights_it_is_given() -> None:
    spec = ModelSpec("rnn", hidden_size=8)
    initial = initial_parameters(spec, 57, 18, 0)
    before = {name: values.copy() for name, values in initial.items()}
    CompiledEngine(spec, initial, sgd(0.5)).advance(TrainingStream(NAMES, Noise(0), 0).take(10))
    for name, values in before.items():
        np.testing.assert_array_equal(values, initial[name])


@pytest.mark.parametrize("spec", [*PLAIN, ModelSpec("transformer", "mean", 8)], ids=named)
def test_engines_agree_on_an_alphabet_of_more_than_256_symbols(spec: ModelSpec) -> None:
    """Symbols 256 apart would be the same with 8 bits."""
    symbols = "".join(chr(0x4E00 + i) for i in range(700))
    rows = [("ab"[i % 2], symbols[i] + symbols[i + 256] + symbols[699 - i]) for i in range(200)]
    names = Examples.of_names(rows, ["a", "b"], Alphabet(symbols))
    examples = TrainingStream(names, Noise(2, "suffix", symbols[600:604]), 0).take(400)
    initial = initial_parameters(spec, 700, 2, 0)
    compiled, autograd = both_engines(spec, initial, sgd(0.05), 700)
    losses, expected = compiled.advance(examples)[0], autograd.advance(examples)[0]
    np.testing.assert_allclose(losses, expected, atol=LOSS_TOLERANCE)
    for name, values in autograd.parameters().items():
        np.testing.assert_allclose(compiled.parameters()[name], values, atol=WEIGHT_TOLERANCE)
    model = TrainedModel(spec, compiled.parameters(), 2)
    module = load_classifier(spec, 700, 2, compiled.parameters())
    with torch.inference_mode():
        output, _ = module(*padded(names))
    np.testing.assert_allclose(predict(model, names)[0], output.numpy(), rtol=1e-4, atol=1e-5)

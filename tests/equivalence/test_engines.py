"""The compiled engine changes the speed and nothing else."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from noisynames.models.predict import predict
from noisynames.models.reference import load_classifier, padded
from noisynames.models.spec import READOUTS, RECURRENT, ModelSpec, Parameters, TrainedModel
from noisynames.models.weights import initial_parameters
from noisynames.names import dataset as datasets
from noisynames.names import splits
from noisynames.names.alphabet import Alphabet
from noisynames.names.examples import Examples, TrainingStream
from noisynames.names.noise import Noise
from noisynames.training.autograd import AutogradEngine
from noisynames.training.compiled.engine import FusedEngine

SPLIT = splits.split_names(datasets.load("surnames").rows, 0)
NAMES = Examples.of_names(SPLIT.train, SPLIT.languages)
MODELS = [(cell, readout) for cell in RECURRENT for readout in READOUTS]

# Both engines round to float32 after every operation, in another order. One update's difference
# is about 1e-7 of a weight; over 2,000 updates of steps 0.005 such differences add up to a few
# 1e-6 (measured: 7e-7 in a loss, 5e-6 in a weight). A wrong term would show at 1e-3 and more.
LOSS_TOLERANCE = 1e-5
WEIGHT_TOLERANCE = 3e-5


def doubles(parameters: Parameters) -> dict[str, np.ndarray]:
    return {name: values.astype(np.float64) for name, values in parameters.items()}


@pytest.mark.parametrize(
    ("cell", "readout", "noise", "hidden_size"),
    [
        (cell, readout, noise, hidden_size)
        for cell, readout in MODELS
        for noise in (0, 5)
        for hidden_size in (8, 32, 50)
        if readout in ("last", "attention") or (noise, hidden_size) == (5, 32)
    ],
)
def test_losses_and_weights_agree_after_2000_updates(
    cell: str, readout: str, noise: int, hidden_size: int
) -> None:
    spec = ModelSpec(cell, readout, hidden_size)  # type: ignore[arg-type]
    initial = initial_parameters(spec, 57, 18, 0)
    examples = TrainingStream(NAMES, Noise(noise), 0).take(2_000)
    fused, autograd = FusedEngine(spec, initial, 0.005), AutogradEngine(spec, initial, 0.005)
    losses, guesses = fused.advance(examples)
    expected_losses, expected_guesses = autograd.advance(examples)
    np.testing.assert_allclose(losses, expected_losses, atol=LOSS_TOLERANCE)
    assert (guesses == expected_guesses).mean() > 0.999
    weights, expected = fused.parameters(), autograd.parameters()
    assert weights.keys() == expected.keys()
    for name in expected:
        np.testing.assert_allclose(weights[name], expected[name], atol=WEIGHT_TOLERANCE)
        difference = np.abs(weights[name] - expected[name]).max()
        moved = np.abs(expected[name] - initial[name]).max()
        # The softmax does not change with its bias, whose true derivative is 0.
        assert difference < 0.01 * moved or name == "score.bias"


def assert_gradients_agree(spec: ModelSpec, name: np.ndarray, target: int, classes: int) -> None:
    """One update at rate 1 moves every weight by its gradient."""
    initial = doubles(initial_parameters(spec, 57, classes, 3))
    nothing = np.zeros(len(name), bool)
    examples = Examples(name, np.array([0, len(name)]), np.array([target]), nothing)
    fused = FusedEngine(spec, initial, 1.0)
    losses, _ = fused.advance(examples)
    moved = fused.parameters()
    module = load_classifier(spec, 57, classes, initial)
    output, _ = module(torch.from_numpy(name.astype(np.int64))[None], torch.tensor([len(name)]))
    loss = F.nll_loss(output, torch.tensor([target]))
    loss.backward()  # type: ignore[no-untyped-call]
    assert losses[0] == pytest.approx(loss.item(), abs=1e-9)
    for key, parameter in module.named_parameters():
        assert parameter.grad is not None
        np.testing.assert_allclose(
            initial[key] - moved[key], parameter.grad.numpy(), atol=1e-9, err_msg=key
        )


@pytest.mark.parametrize("length", [1, 2, 7, 40])
@pytest.mark.parametrize(("cell", "readout"), MODELS)
def test_gradients_agree_in_double_precision(cell: str, readout: str, length: int) -> None:
    name = np.random.default_rng(length).integers(0, 57, length).astype(np.uint16)
    assert_gradients_agree(ModelSpec(cell, readout), name, 4, 18)  # type: ignore[arg-type]


@settings(max_examples=40)
@given(
    model=st.sampled_from(MODELS),
    hidden_size=st.integers(1, 70),
    name=st.lists(st.integers(0, 56), min_size=1, max_size=60),
    classes=st.integers(2, 40),
    data=st.data(),
)
def test_gradients_agree_at_any_size(
    model: tuple[str, str], hidden_size: int, name: list[int], classes: int, data: st.DataObject
) -> None:
    spec = ModelSpec(model[0], model[1], hidden_size)  # type: ignore[arg-type]
    target = data.draw(st.integers(0, classes - 1))
    assert_gradients_agree(spec, np.array(name, np.uint16), target, classes)


@pytest.mark.parametrize(("cell", "readout"), MODELS)
def test_names_of_length_1_and_200_train_together(cell: str, readout: str) -> None:
    spec = ModelSpec(cell, readout, 8)  # type: ignore[arg-type]
    names = Examples.of_names([("a", "x"), ("b", "y" * 200), ("a", "z" * 3)], ["a", "b"])
    initial = initial_parameters(spec, 57, 2, 0)
    fused, autograd = FusedEngine(spec, initial, 0.1), AutogradEngine(spec, initial, 0.1)
    for order in ([0, 0], [1, 0, 2], [2, 1, 1, 0]):
        examples = names.select(np.array(order))
        np.testing.assert_allclose(
            fused.advance(examples)[0], autograd.advance(examples)[0], atol=1e-5
        )


def test_intervals_join_without_a_seam() -> None:
    spec = ModelSpec("lstm", "attention", 8)
    initial = initial_parameters(spec, 57, 18, 0)
    whole, parts = FusedEngine(spec, initial, 0.005), FusedEngine(spec, initial, 0.005)
    whole.advance(TrainingStream(NAMES, Noise(5), 0).take(300))
    stream = TrainingStream(NAMES, Noise(5), 0)
    for count in (1, 99, 200):
        parts.advance(stream.take(count))
    for name, values in whole.parameters().items():
        np.testing.assert_array_equal(values, parts.parameters()[name])


def test_an_engine_leaves_the_weights_it_was_given_alone() -> None:
    spec = ModelSpec("rnn", hidden_size=8)
    initial = initial_parameters(spec, 57, 18, 0)
    before = {name: values.copy() for name, values in initial.items()}
    FusedEngine(spec, initial, 0.5).advance(TrainingStream(NAMES, Noise(0), 0).take(10))
    for name, values in before.items():
        np.testing.assert_array_equal(values, initial[name])


@pytest.mark.parametrize(("cell", "readout"), MODELS)
def test_they_agree_on_an_alphabet_of_more_symbols_than_8_bits_number(
    cell: str, readout: str
) -> None:
    """Symbols 256 apart are those that 8 bits would take for one."""
    spec = ModelSpec(cell, readout, 8)  # type: ignore[arg-type]
    symbols = "".join(chr(0x4E00 + i) for i in range(700))
    rows = [("ab"[i % 2], symbols[i] + symbols[i + 256] + symbols[699 - i]) for i in range(200)]
    names = Examples.of_names(rows, ["a", "b"], Alphabet(symbols))
    examples = TrainingStream(names, Noise(2, "suffix", symbols[600:604]), 0).take(400)
    initial = initial_parameters(spec, 700, 2, 0)
    fused = FusedEngine(spec, initial, 0.05)
    autograd = AutogradEngine(spec, initial, 0.05, inputs=700)
    losses, expected = fused.advance(examples)[0], autograd.advance(examples)[0]
    np.testing.assert_allclose(losses, expected, atol=LOSS_TOLERANCE)
    for name, values in autograd.parameters().items():
        np.testing.assert_allclose(fused.parameters()[name], values, atol=WEIGHT_TOLERANCE)
    model = TrainedModel(spec, fused.parameters(), 2)
    module = load_classifier(spec, 700, 2, fused.parameters())
    with torch.inference_mode():
        output, _ = module(*padded(names))
    np.testing.assert_allclose(predict(model, names)[0], output.numpy(), rtol=1e-4, atol=1e-5)

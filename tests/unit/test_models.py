import math

import numpy as np
import pytest
import torch
from torch import nn

from noisynames.alphabet import ALPHABET
from noisynames.errors import UserError
from noisynames.models import (
    CELLS,
    READOUTS,
    WORKSHEET_MODELS,
    ModelSpec,
    initial_parameters,
    parameter_bounds,
    parameter_count,
)
from noisynames.modules import Classifier, load_classifier, padded, predict
from noisynames.sampling import Examples

SPECS = [ModelSpec(c, r, 8, n) for c in CELLS for r in READOUTS for n in (1, 2)]  # type: ignore[arg-type]
NAMES = ["Li", "O", "Nguyen", "Adams", "Abcdefghijklmnop"]
EXAMPLES = Examples.of_names([("a", name) for name in NAMES], ["a", "b", "c"])


def build(spec: ModelSpec, seed: int = 0) -> Classifier:
    return load_classifier(spec, 57, 3, initial_parameters(spec, 57, 3, seed))


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_a_padded_batch_equals_one_name_at_a_time(spec: ModelSpec) -> None:
    module = build(spec)
    batch, weights = predict(module, EXAMPLES)
    for i, name in enumerate(NAMES):
        alone, own = predict(module, EXAMPLES.select(np.array([i])))
        np.testing.assert_allclose(batch[i], alone[0], atol=1e-6)
        if weights is not None and own is not None:
            np.testing.assert_allclose(weights[i], own[0], atol=1e-6)
            assert len(weights[i]) == len(name)
            assert weights[i].sum() == pytest.approx(1, abs=1e-5)


def test_padding_gets_no_attention_and_no_say() -> None:
    module = build(ModelSpec("gru", "attention", 8))
    characters, lengths = padded(EXAMPLES)
    poisoned = torch.where(torch.arange(characters.shape[1]) < lengths[:, None], characters, 13)
    for a, b in zip(module(characters, lengths), module(poisoned, lengths), strict=True):
        torch.testing.assert_close(a, b)
    assert module(characters, lengths)[1][0, 2:].sum() == 0


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_initial_weights_follow_pytorchs_default_distributions(spec: ModelSpec) -> None:
    reference = Classifier(spec, 57, 3).state_dict()
    drawn = initial_parameters(spec, 57, 3, 0)
    assert {name: tuple(v.shape) for name, v in reference.items()} == {
        name: values.shape for name, values in drawn.items()
    }
    assert parameter_count(spec, 57, 3) == sum(
        p.numel() for p in Classifier(spec, 57, 3).parameters()
    )
    for name, (_, bound) in parameter_bounds(spec, 57, 3).items():
        assert np.abs(drawn[name]).max() <= bound


def test_the_bounds_are_those_that_pytorch_uses() -> None:
    """Against the extremes of many weights that PyTorch itself drew."""
    linear = nn.Linear(57 + 32, 5_000).weight.detach()
    assert parameter_bounds(WORKSHEET_MODELS["rnn"], 57, 18)["cell.weight_l0"][1] == pytest.approx(
        float(linear.abs().max()), rel=1e-3
    )
    gru = nn.GRU(500, 32).get_parameter("weight_ih_l0").detach()
    assert parameter_bounds(WORKSHEET_MODELS["gru"], 57, 18)["cell.weight_ih_l0"][
        1
    ] == pytest.approx(float(gru.abs().max()), rel=1e-3)


def test_the_rnn_has_one_bias_and_the_worksheets_size() -> None:
    H, V, L = 32, len(ALPHABET), 18
    assert parameter_count(WORKSHEET_MODELS["rnn"], V, L) == H * (V + H) + H + L * H + L


def test_attention_starts_from_the_same_cell_and_output_weights() -> None:
    plain = initial_parameters(WORKSHEET_MODELS["gru"], 57, 18, 7)
    attention = initial_parameters(WORKSHEET_MODELS["gru_attention"], 57, 18, 7)
    for name, values in plain.items():
        np.testing.assert_array_equal(values, attention[name])


def test_the_rnns_gradient_matches_a_hand_written_one() -> None:
    """Backpropagation through time, written out for h = tanh(W [x; h] + b)."""
    spec = ModelSpec("rnn", "last", 4)
    p = {n: v.astype(np.float64) for n, v in initial_parameters(spec, 57, 3, 1).items()}
    module = load_classifier(spec, 57, 3, p)
    name, target = EXAMPLES[2], 1
    log_probabilities, _ = module(
        torch.from_numpy(name.astype(np.int64))[None], torch.tensor([len(name)])
    )
    nn.functional.nll_loss(log_probabilities, torch.tensor([target])).backward()  # type: ignore[no-untyped-call]

    W, b, V = p["cell.weight_l0"], p["cell.bias_l0"], p["output.weight"]
    joints, states = [], [np.zeros(4)]
    for character in name:
        joints.append(np.concatenate([np.eye(57)[character], states[-1]]))
        states.append(np.tanh(W @ joints[-1] + b))
    logits = V @ states[-1] + p["output.bias"]
    error = np.exp(logits) / np.exp(logits).sum() - np.eye(3)[target]
    dh, dW, db = V.T @ error, np.zeros_like(W), np.zeros_like(b)
    for joint, h in zip(joints[::-1], states[:0:-1], strict=True):
        inner = dh * (1 - h**2)
        dW, db = dW + np.outer(inner, joint), db + inner
        dh = W[:, 57:].T @ inner

    gradients = {n: q.grad for n, q in module.named_parameters()}
    for parameter, expected in (
        ("cell.weight_l0", dW),
        ("cell.bias_l0", db),
        ("output.weight", np.outer(error, states[-1])),
        ("output.bias", error),
    ):
        gradient = gradients[parameter]
        assert gradient is not None
        np.testing.assert_allclose(gradient.numpy(), expected, atol=1e-12)


def test_attention_is_the_worksheets_formula() -> None:
    module = build(ModelSpec("gru", "attention", 8))
    assert isinstance(module.cell, nn.GRU)
    characters = torch.from_numpy(EXAMPLES[3].astype(np.int64))[None]
    states = module.cell(torch.eye(57)[characters])[0][0]
    scores = states @ module.score.weight[0] + module.score.bias
    alpha = scores.exp() / scores.exp().sum()
    expected = module.output(alpha @ states).log_softmax(0)
    actual, weights = module(characters, torch.tensor([characters.shape[1]]))
    torch.testing.assert_close(actual[0], expected)
    torch.testing.assert_close(weights[0], alpha)


@pytest.mark.parametrize(
    "wrong", [{"cell": "grru"}, {"readout": "first"}, {"hidden_size": 0}, {"num_layers": 0}]
)
def test_an_impossible_model_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UserError, match=next(iter(wrong))):
        ModelSpec(**wrong)  # type: ignore[arg-type]


def test_weights_are_bounded_away_from_zero_variance() -> None:
    weights = initial_parameters(WORKSHEET_MODELS["lstm"], 57, 18, 0)["cell.weight_hh_l0"]
    assert weights.std() == pytest.approx(1 / math.sqrt(32) / math.sqrt(3), rel=0.05)

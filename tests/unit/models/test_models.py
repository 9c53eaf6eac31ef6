import math
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from noisynames.errors import UserError
from noisynames.evaluation.inference import predict
from noisynames.models.reference import Classifier, load_classifier, padded
from noisynames.models.spec import READOUTS, RECURRENT, WORKSHEET_MODELS, ModelSpec, TrainedModel
from noisynames.models.weights import initial_parameters, parameter_count, parameter_ranges
from noisynames.names.alphabet import WORKSHEET
from noisynames.names.examples import Examples
from noisynames.training.engines import engine_of
from noisynames.training.hyperparameters import Hyperparameters

SPECS = [
    ModelSpec(cell, readout, 8, layers, bidirectional)
    for cell in (*RECURRENT, "transformer")
    for readout in READOUTS
    for layers in (1, 2)
    for bidirectional in ((False, True) if cell in RECURRENT else (False,))
]
NAMES = ["Li", "O", "Nguyen", "Adams", "Abcdefghijklmnop"]
EXAMPLES = Examples.of_names([("a", name) for name in NAMES], ["a", "b", "c"])


def build(spec: ModelSpec, seed: int = 0) -> Classifier:
    return load_classifier(spec, 57, 3, initial_parameters(spec, 57, 3, seed))


def untrained(spec: ModelSpec, seed: int = 0) -> TrainedModel:
    return TrainedModel(spec, initial_parameters(spec, 57, 3, seed), 3)


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_a_padded_batch_equals_one_name_at_a_time(spec: ModelSpec) -> None:
    model = untrained(spec)
    batch, weights = predict(model, EXAMPLES)
    for i, name in enumerate(NAMES):
        alone, own = predict(model, EXAMPLES.select(np.array([i])))
        np.testing.assert_allclose(batch[i], alone[0], atol=1e-6)
        if weights is not None and own is not None:
            np.testing.assert_allclose(weights[i], own[0], atol=1e-6)
            assert len(weights[i]) == len(name)
            assert weights[i].sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_predictions_equal_those_of_the_torch_module(spec: ModelSpec) -> None:
    rng = np.random.default_rng(0)
    # Weights so large that gates and attention are far from uniform, like trained ones.
    parameters = {
        name: rng.standard_normal(values.shape).astype(np.float32)
        for name, values in initial_parameters(spec, 57, 3, 0).items()
    }
    with torch.inference_mode():
        expected, attended = load_classifier(spec, 57, 3, parameters)(*padded(EXAMPLES))
    found, weights = predict(TrainedModel(spec, parameters, 3), EXAMPLES)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-4, atol=1e-5)
    assert (weights is None) == (attended is None)
    if weights is not None:
        for row, weight in zip(attended.numpy(), weights, strict=True):
            np.testing.assert_allclose(row[: len(weight)], weight, atol=1e-5)


def test_padding_gets_no_attention_and_has_no_influence() -> None:
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
    assert parameter_count(drawn) == sum(p.numel() for p in Classifier(spec, 57, 3).parameters())
    for name, (_, low, high) in parameter_ranges(spec, 57, 3).items():
        assert low <= drawn[name].min() <= drawn[name].max() <= high
        if low == high:  # parameters that PyTorch sets to a constant
            np.testing.assert_array_equal(drawn[name], reference[name].numpy())


def test_the_bounds_equal_those_of_pytorch() -> None:
    """Compared with the extremes of many weights drawn by PyTorch itself."""
    linear = nn.Linear(57 + 32, 5_000).weight.detach()
    assert parameter_ranges(WORKSHEET_MODELS["rnn"], 57, 18)["cell.weight_l0"][2] == pytest.approx(
        float(linear.abs().max()), rel=1e-3
    )
    gru = nn.GRU(500, 32).get_parameter("weight_ih_l0").detach()
    assert parameter_ranges(WORKSHEET_MODELS["gru"], 57, 18)["cell.weight_ih_l0"][
        2
    ] == pytest.approx(float(gru.abs().max()), rel=1e-3)
    layer = nn.TransformerEncoderLayer(128, 4, 512)
    ranges = parameter_ranges(ModelSpec("transformer", hidden_size=128), 57, 18)
    for part in ("self_attn.in_proj_weight", "self_attn.out_proj.weight", "linear2.weight"):
        largest = float(layer.get_parameter(part).detach().abs().max())
        assert ranges[f"cell.layers.0.{part}"][2] == pytest.approx(largest, rel=1e-2)


def test_the_rnn_has_one_bias_and_the_size_of_the_worksheets() -> None:
    H, V, L = 32, len(WORKSHEET), 18
    assert (
        parameter_count(initial_parameters(WORKSHEET_MODELS["rnn"], V, L, 0))
        == H * (V + H) + H + L * H + L
    )


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


def test_weights_are_bounded_away_from_zero_variance() -> None:
    weights = initial_parameters(WORKSHEET_MODELS["lstm"], 57, 18, 0)["cell.weight_hh_l0"]
    assert weights.std() == pytest.approx(1 / math.sqrt(32) / math.sqrt(3), rel=0.05)


def test_a_bidirectional_model_reads_a_name_and_its_reverse() -> None:
    """With equal weights in both directions, a name and its reverse swap the halves."""
    for cell in RECURRENT:
        spec = ModelSpec(cell, "last", 8, bidirectional=True)
        parameters = initial_parameters(spec, 57, 3, 0)
        for name in [n for n in parameters if n.endswith("_reverse")]:
            parameters[name] = parameters[name.removesuffix("_reverse")]
        parameters["output.weight"][:, 8:] = parameters["output.weight"][:, :8]
        model = TrainedModel(spec, parameters, 3)
        there = Examples.of_names([("a", "Adams"), ("a", "Li")], ["a"])
        back = Examples.of_names([("a", "smadA"), ("a", "iL")], ["a"])
        np.testing.assert_allclose(predict(model, there)[0], predict(model, back)[0], atol=1e-6)


def test_a_transformer_knows_the_order_of_characters() -> None:
    model = untrained(ModelSpec("transformer", "mean", 8))
    swapped = Examples.of_names([("a", "Ab"), ("a", "bA")], ["a"])
    log_probabilities, _ = predict(model, swapped)
    assert np.abs(log_probabilities[0] - log_probabilities[1]).max() > 1e-3


CUSTOM = """
import torch
from numpy.typing import NDArray
from torch import nn

class Bag(nn.Module):
    def __init__(self, inputs, outputs, width=4):
        super().__init__()
        self.embedding = nn.Embedding(inputs, width)
        self.output = nn.Linear(width, outputs)

    def weights(self, characters, lengths):
        inside = torch.arange(characters.shape[1]) < lengths[:, None]
        return inside / lengths[:, None]

    def forward(self, characters, lengths):
        mean = (self.weights(characters, lengths)[:, :, None] * self.embedding(characters)).sum(1)
        return self.output(mean)

class Looking(Bag):
    def forward(self, characters, lengths):
        return super().forward(characters, lengths), self.weights(characters, lengths)

class Padded(Bag):
    def forward(self, characters, lengths):
        return self.output(self.embedding(characters).mean(1))

class Narrow(Bag):
    def forward(self, characters, lengths):
        return super().forward(characters, lengths)[:, :1]

class Unsure(Looking):
    def weights(self, characters, lengths):
        return torch.full(characters.shape, 0.25)

class Short(Looking):
    def forward(self, characters, lengths):
        return Bag.forward(self, characters, lengths), self.weights(characters, lengths)[:, :3]

class Beyond(Looking):
    def forward(self, characters, lengths):
        even = torch.full(characters.shape, 1 / characters.shape[1])
        return Bag.forward(self, characters, lengths), even

class Halved(Looking):
    def forward(self, characters, lengths):
        return Bag.forward(self, characters, lengths), self.weights(characters, lengths) / 2

class Empty(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.outputs = outputs

    def forward(self, characters, lengths):
        return torch.zeros(len(lengths), self.outputs)

class Mistaken(Bag):
    def forward(self, characters, lengths):
        return self.no_such_layer(characters)

class Dropping(Bag):
    def forward(self, characters, lengths):
        return nn.functional.dropout(super().forward(characters, lengths), 0.5, self.training)

class NotAModule:
    pass
"""


@pytest.fixture
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_models.py").write_text(CUSTOM)
    (tmp_path / "unfinished.py").write_text("class Bag(")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("own_models")
@pytest.mark.parametrize(("name", "readout"), [("Bag", "last"), ("Looking", "attention")])
def test_a_users_own_module_is_a_model_like_any_other(name: str, readout: str) -> None:
    spec = ModelSpec("custom", readout, module=f"own_models:{name}", options={"width": 6})
    parameters = initial_parameters(spec, 57, 3, 5)
    assert parameters["module.embedding.weight"].shape == (57, 6)
    again = initial_parameters(spec, 57, 3, 5)
    for key, values in parameters.items():
        np.testing.assert_array_equal(values, again[key])
    log_probabilities, weights = predict(TrainedModel(spec, parameters, 3), EXAMPLES)
    assert np.exp(log_probabilities).sum(1) == pytest.approx(np.ones(5), abs=1e-5)
    assert (weights is not None) == (readout == "attention")


@pytest.mark.usefixtures("own_models")
@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("own_models:Padded", "the content of the padding changes its output"),
        ("own_models:Narrow", r"gives \(2, 1\) for two names, not \(2, 3\)"),
        ("own_models:Empty", "has no parameter to train"),
        ("own_models:Mistaken", "fails on two names .AttributeError: .*no_such_layer"),
        ("own_models:NotAModule", "not a torch.nn.Module"),
        ("own_models:Missing", "own_models has no Missing"),
        ("nowhere_at_all:Bag", "cannot be imported .ModuleNotFoundError"),
        ("unfinished:Bag", "cannot be imported .SyntaxError"),
    ],
)
def test_a_module_that_breaks_the_contract_is_refused(module: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        initial_parameters(ModelSpec("custom", module=module), 57, 3, 0)


@pytest.mark.usefixtures("own_models")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Unsure", "not 0 in the padding and 1 in sum"),
        ("Beyond", "not 0 in the padding and 1 in sum"),
        ("Halved", "not 0 in the padding and 1 in sum"),
        ("Short", r"attention of \(2, 3\), not \(2, 4\)"),
    ],
)
def test_invalid_attention_is_refused(name: str, message: str) -> None:
    spec = ModelSpec("custom", "attention", module=f"own_models:{name}")
    with pytest.raises(UserError, match=message):
        initial_parameters(spec, 57, 3, 0)


@pytest.mark.usefixtures("own_models")
def test_a_module_reads_any_number_of_names_and_gives_each_its_own() -> None:
    """More than it reads at once, with many lengths."""
    spec = ModelSpec("custom", "attention", module="own_models:Looking")
    model = TrainedModel(spec, initial_parameters(spec, 57, 3, 5), 3)
    names = [("a", NAMES[i % 5][: 1 + i % 7]) for i in range(600)]
    every, weights = predict(model, Examples.of_names(names, ["a", "b", "c"]))
    assert weights is not None
    for i in (0, 2, 298, 511, 512, 599):
        alone, own = predict(model, Examples.of_names([names[i]], ["a", "b", "c"]))
        np.testing.assert_allclose(every[i], alone[0], atol=1e-6)
        assert own is not None
        assert weights[i].tolist() == pytest.approx(own[0].tolist())
        assert weights[i].tolist() == pytest.approx([1 / len(names[i][1])] * len(names[i][1]))


@pytest.mark.usefixtures("own_models")
def test_drawing_a_modules_weights_does_not_change_pytorchs_random_state() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    initial_parameters(ModelSpec("custom", module="own_models:Bag"), 57, 3, 5)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.usefixtures("own_models")
def test_dropout_is_active_only_in_training() -> None:
    spec = ModelSpec("custom", module="own_models:Dropping")
    parameters = initial_parameters(spec, 57, 3, 5)
    whole = ModelSpec("custom", module="own_models:Bag")
    found, expected = (
        predict(TrainedModel(model, parameters, 3), EXAMPLES)[0] for model in (spec, whole)
    )
    np.testing.assert_array_equal(found, expected)

    def trained(seed: int) -> NDArray[np.float32]:
        plan = Hyperparameters(learning_rate=0.1)
        engine = engine_of("autograd", spec)(spec, parameters, plan, seed, outputs=3)
        return engine.advance(EXAMPLES)[0]

    np.testing.assert_array_equal(trained(1), trained(1))
    assert (trained(1) != trained(2)).any()


@pytest.mark.usefixtures("own_models")
def test_a_module_with_unknown_options_is_refused() -> None:
    spec = ModelSpec("custom", module="own_models:Bag", options={"depth": 3})
    with pytest.raises(UserError, match="unexpected keyword argument 'depth'"):
        initial_parameters(spec, 57, 3, 0)

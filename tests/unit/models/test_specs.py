"""What a model may be, and its initial weights."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from noisynames.errors import UserError
from noisynames.models.reference import Recurrence, TransformerEncoder, load_classifier, reverse
from noisynames.models.spec import ModelSpec, description, spec_from
from noisynames.models.weights import (
    initial_parameters,
    parameter_count,
    parameter_ranges,
    position_encoding,
)


@pytest.mark.parametrize(
    "given",
    [
        {"hidden_size": 1},
        {"hidden_size": 4096},
        {"num_layers": 1},
        {"num_layers": 16},
        {"cell": "transformer", "num_heads": 1},
        {"cell": "transformer", "num_heads": 32},
        {"cell": "lstm", "bidirectional": True},
        {"cell": "custom", "module": "my_package.models:Bag_2"},
    ],
)
def test_a_model_may_be_as_large_as_its_bounds(given: dict[str, object]) -> None:
    ModelSpec(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"hidden_size": 0}, "hidden_size: found 0; allowed: 1 to 4096"),
        ({"hidden_size": 4097}, "hidden_size: found 4097; allowed: 1 to 4096"),
        ({"num_layers": 17}, "num_layers: found 17; allowed: 1 to 16"),
        (
            {"cell": "transformer", "num_heads": 0},
            "num_heads: found 0; allowed: a divisor of .* 32",
        ),
        ({"cell": "transformer", "num_heads": 5}, "num_heads: found 5"),
        ({"cell": "custom", "module": "a:B", "bidirectional": True}, "bidirectional: found true"),
        ({"module": "a:B"}, "module: goes with the cell 'custom'"),
        ({"cell": "custom"}, "module: goes with the cell 'custom'"),
        ({"cell": "transformer", "bidirectional": True}, "bidirectional: found true"),
        ({"num_layers": 0}, "num_layers: found 0"),
        ({"cell": "custom", "module": "a.b"}, "module: found 'a.b'"),
        ({"cell": "custom", "module": "a b:C"}, "module: found 'a b:C'; allowed: package.module:"),
        ({"cell": "custom", "module": "a:B()"}, "module: found"),
        ({"cell": "grru"}, "cell: 'grru' is not one of .*rnn, transformer, custom"),
        ({"readout": "first"}, "readout: 'first' is not one of attention, last, max, mean"),
    ],
)
def test_a_model_beyond_its_bounds_is_refused_with_what_is_allowed(
    given: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=f"^{message}"):
        ModelSpec(**given)  # type: ignore[arg-type]


def test_a_spec_has_the_config_of_the_model_and_not_of_its_training() -> None:
    config = {"cell": "lstm", "hidden_size": 8, "learning_rate": 0.1, "label": "It"}
    assert spec_from(config) == ModelSpec("lstm", "last", 8, 1, False, 4, None, {})


def test_a_readout_sees_both_directions() -> None:
    assert ModelSpec("gru", hidden_size=8).width == 8
    assert ModelSpec("gru", hidden_size=8, bidirectional=True).width == 16


def bounds(layer: nn.Module, name: str) -> float:
    """The largest weight drawn by PyTorch itself."""
    return float(layer.get_parameter(name).detach().abs().max())


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("cell", "kind"), [("gru", nn.GRU), ("lstm", nn.LSTM)])
def test_layers_have_pytorchs_shapes_and_bounds(
    cell: str, kind: type[nn.GRU | nn.LSTM], bidirectional: bool
) -> None:
    theirs = kind(20, 25, 2, bidirectional=bidirectional)
    found = parameter_ranges(ModelSpec(cell, "last", 25, 2, bidirectional), 20, 3)
    cells = {name.removeprefix("cell."): r for name, r in found.items() if "cell." in name}
    assert {name: r[0] for name, r in cells.items()} == {
        name: tuple(weights.shape) for name, weights in theirs.named_parameters()
    }
    assert {r[1:] for r in cells.values()} == {(-0.2, 0.2)}
    assert bounds(theirs, "weight_hh_l1") == pytest.approx(0.2, abs=0.005)


def test_layers_above_the_cell_are_bounded_by_its_width() -> None:
    found = parameter_ranges(ModelSpec("gru", "attention", 8, bidirectional=True), 57, 3)
    names = ["output.weight", "output.bias", "score.weight", "score.bias"]
    assert list(found)[-4:] == names
    assert [found[name] for name in names] == [
        (shape, -0.25, 0.25) for shape in ((3, 16), (3,), (1, 16), (1,))
    ]


def test_the_second_layer_of_an_rnn_sees_the_first() -> None:
    found = parameter_ranges(ModelSpec("rnn", "last", 12, 2), 52, 3)
    assert found["cell.weight_l0"] == ((12, 64), -0.125, 0.125)
    assert found["cell.bias_l0"] == ((12,), -0.125, 0.125)
    bound = 1 / math.sqrt(24)
    assert found["cell.weight_l1"] == ((12, 24), -bound, bound)


def test_a_transformer_has_pytorchs_shapes_and_bounds() -> None:
    found = parameter_ranges(ModelSpec("transformer", "mean", 16), 57, 3)
    glorot, linear, wide = math.sqrt(6 / (16 + 48)), 1 / math.sqrt(16), 1 / math.sqrt(64)
    place = "cell.layers.0."
    expected = {
        "self_attn.in_proj_weight": ((48, 16), -glorot, glorot),
        "self_attn.in_proj_bias": ((48,), 0, 0),
        "self_attn.out_proj.weight": ((16, 16), -linear, linear),
        "self_attn.out_proj.bias": ((16,), 0, 0),
        "linear1.weight": ((64, 16), -linear, linear),
        "linear1.bias": ((64,), -linear, linear),
        "linear2.weight": ((16, 64), -wide, wide),
        "linear2.bias": ((16,), -wide, wide),
        "norm1.weight": ((16,), 1, 1),
        "norm1.bias": ((16,), 0, 0),
        "norm2.weight": ((16,), 1, 1),
        "norm2.bias": ((16,), 0, 0),
    }
    assert {k.removeprefix(place): r for k, r in found.items() if k.startswith(place)} == expected
    assert found["cell.embedding.weight"] == ((57, 16), -math.sqrt(3), math.sqrt(3))
    ours = nn.TransformerEncoderLayer(16, 4, 64)
    assert {name: r[0] for name, r in expected.items()} == {
        name: tuple(weights.shape) for name, weights in ours.named_parameters()
    }


def test_initial_weights_fill_their_range_and_repeat() -> None:
    spec = ModelSpec("gru", "last", 32)
    found, again = (initial_parameters(spec, 57, 3, 5) for _ in range(2))
    weights = found["cell.weight_ih_l0"]
    bound = 1 / math.sqrt(32)
    assert weights.dtype == np.float32
    assert weights.mean() == pytest.approx(0, abs=bound / 20)
    assert (weights.min(), weights.max()) == pytest.approx((-bound, bound), rel=1e-2)
    for name, values in found.items():
        np.testing.assert_array_equal(values, again[name])
    assert (weights != initial_parameters(spec, 57, 3, 6)["cell.weight_ih_l0"]).any()
    assert parameter_count(found) == 3 * 32 * (57 + 32 + 2) + 3 * 33


@pytest.mark.parametrize("width", [8, 7])
def test_positions_are_encoded_by_the_papers_formula(width: int) -> None:
    found = position_encoding(40, width)
    for position in (0, 1, 7, 39):
        for i in range(width):
            angle = position / 10_000 ** ((i - i % 2) / width)
            expected = math.cos(angle) if i % 2 else math.sin(angle)
            assert found[position, i] == pytest.approx(expected, abs=1e-6)
    assert found.shape == (40, width)
    assert found.dtype == np.float32


def test_a_sequence_is_reversed_and_its_padding_stays_at_the_end() -> None:
    batch = torch.tensor([[1, 2, 3, 0], [4, 5, 6, 7], [8, 0, 0, 0]])
    found = reverse(batch, torch.tensor([3, 4, 1]))
    assert found.tolist() == [[3, 2, 1, 0], [7, 6, 5, 4], [8, 0, 0, 0]]


def test_a_transformer_does_not_look_at_the_padding() -> None:
    torch.manual_seed(0)
    encoder = TransformerEncoder(ModelSpec("transformer", "mean", 8, 2), 57).train(False)
    x = torch.randn(2, 5, 8)
    lengths = torch.tensor([5, 3])
    poisoned = x.clone()
    poisoned[1, 3:] = 100.0
    a, b = encoder(x, lengths), encoder(poisoned, lengths)
    torch.testing.assert_close(a[1, :3], b[1, :3])
    torch.testing.assert_close(a[0], b[0])
    torch.testing.assert_close(encoder(x[1:, :3], lengths[1:])[0], a[1, :3])


def test_a_classifier_computes_in_the_precision_of_its_weights() -> None:
    spec = ModelSpec("rnn", "last", 4)
    weights = initial_parameters(spec, 57, 3, 0)
    double = {name: values.astype(np.float64) for name, values in weights.items()}
    assert load_classifier(spec, 57, 3, weights).output.weight.dtype == torch.float32
    assert load_classifier(spec, 57, 3, double).output.weight.dtype == torch.float64
    loaded = load_classifier(spec, 57, 3, weights).state_dict()
    for name, values in weights.items():
        np.testing.assert_array_equal(loaded[name].numpy(), values)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_formula_of_a_cell_agrees_with_pytorchs_layers(
    cell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a cell that PyTorch lacks."""
    spec = ModelSpec(cell, "last", 5, 2, bidirectional=True)
    weights = initial_parameters(spec, 57, 3, 0)
    characters, lengths = torch.tensor([[3, 9, 27, 30], [8, 1, 0, 0]]), torch.tensor([4, 2])
    expected, _ = load_classifier(spec, 57, 3, weights)(characters, lengths)
    monkeypatch.setattr(description(cell), "TORCH", None)
    own = load_classifier(spec, 57, 3, weights)
    assert isinstance(own.cell, Recurrence)
    torch.testing.assert_close(own(characters, lengths)[0], expected)


def test_weights_of_another_model_are_not_loaded() -> None:
    weights = initial_parameters(ModelSpec("rnn", "last", 4), 57, 3, 0)
    with pytest.raises(AssertionError):
        load_classifier(ModelSpec("gru", "last", 4), 57, 3, weights)

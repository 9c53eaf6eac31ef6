"""The respects in which models differ, found from their specifications."""

from typing import Any

import yaml
from made_up import SCHEMA

from noisynames.config import resolve
from noisynames.grid import Grid
from noisynames.models.respects import steps


def of(models: dict[str, Any], **more: Any) -> list[tuple[str, str, str]]:
    grid = Grid.of(resolve({"models": models, **more}, SCHEMA))
    return steps({name: grid.models[name] for name in grid.compared})


def shipped(name: str) -> list[tuple[str, str, str]]:
    return of(**yaml.safe_load((SCHEMA.parents[2] / "config" / name).read_text()))


def test_the_worksheets_models_differ_in_one_respect_each() -> None:
    assert shipped("config.yaml") == [
        ("cell", "gru", "rnn"),
        ("cell", "lstm", "rnn"),
        ("readout", "gru_attention", "gru"),
        ("cell", "lstm", "gru"),
        ("batch_size", "gru_b16", "gru"),
        ("num_layers", "lstm_2", "lstm"),
    ]


def test_a_rate_in_proportion_belongs_to_the_batch_size_and_neighbours_are_contrasted() -> None:
    assert shipped("batching.yaml") == [
        ("batch_size", "batch_8", "batch_1"),
        ("batch_size", "batch_64", "batch_8"),
        ("batch_size", "batch_512", "batch_64"),
    ]
    rates = {"a": {"cell": "gru"}, "b": {"cell": "gru", "batch_size": 8, "learning_rate": 0.01}}
    assert of(rates) == [], "two respects"
    assert of({**rates, "b": {"cell": "gru", "batch_size": 8}}) == [("batch_size", "b", "a")]


def test_an_optimizer_has_its_own_rate_and_a_momentum_one_in_proportion() -> None:
    found = {frozenset((a, b)): respect for respect, a, b in shipped("optimizers.yaml")}
    assert found[frozenset(("rnn", "rnn_adam"))] == "optimizer"
    assert found[frozenset(("rnn", "rnn_momentum"))] == "momentum"
    assert found[frozenset(("rnn", "rnn_clipped"))] == "clip_norm"
    assert found[frozenset(("rnn_adam", "gru_adam"))] == "cell"
    assert frozenset(("rnn_adam", "rnn_clipped")) not in found
    assert frozenset(("rnn", "gru_adam")) not in found


def test_more_is_compared_with_less_in_any_order() -> None:
    models = {
        "deep": {"cell": "gru", "num_layers": 3},
        "flat": {"cell": "gru"},
        "both": {"cell": "gru", "bidirectional": True},
        "middle": {"cell": "gru", "num_layers": 2},
    }
    assert of(models) == [
        ("num_layers", "deep", "middle"),
        ("bidirectional", "both", "flat"),
        ("num_layers", "middle", "flat"),
    ]


def test_what_belongs_to_a_cell_is_not_a_respect_of_its_own() -> None:
    heads = {"cell": "transformer", "num_heads": 8}
    assert of({"gru": {"cell": "gru"}, "it": heads}) == [("cell", "it", "gru")]
    assert of({"few": {"cell": "transformer"}, "it": heads}) == [("num_heads", "it", "few")]


def test_options_are_a_respect_of_custom_models() -> None:
    usual = resolve({"models": {"gru": {"cell": "gru"}}}, SCHEMA)["models"]["gru"]
    one = {**usual, "cell": "custom", "module": "a:B", "options": {"width": 4}}
    other = {**one, "options": {"width": 8}}
    assert steps({"one": one, "other": other}) == [("options", "other", "one")]
    assert steps({"gru": usual, "it": {**usual, "options": {"width": 8}}}) == []


def test_a_rate_alone_is_not_a_contrast() -> None:
    assert of({"a": {"cell": "gru"}, "b": {"cell": "gru", "learning_rate": 0.1}}) == []


def test_a_label_is_not_a_respect() -> None:
    labelled = {"cell": "lstm", "label": "Long"}
    assert of({"gru": {"cell": "gru"}, "it": labelled}) == [("cell", "it", "gru")]


def test_steps_of_a_sweep_are_contrasts_between_neighbours() -> None:
    sweep = {"hidden_size": [16, 8, 32], "num_layers": [1, 2]}
    assert set(of({"gru": {"cell": "gru", "sweep": sweep}})) == {
        ("hidden_size", "gru_16_1", "gru_8_1"),
        ("hidden_size", "gru_32_1", "gru_16_1"),
        ("hidden_size", "gru_16_2", "gru_8_2"),
        ("hidden_size", "gru_32_2", "gru_16_2"),
        ("num_layers", "gru_8_2", "gru_8_1"),
        ("num_layers", "gru_16_2", "gru_16_1"),
        ("num_layers", "gru_32_2", "gru_32_1"),
    }

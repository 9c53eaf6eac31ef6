"""The labels of models for readers."""

from typing import Any

import pytest

from noisynames.config import resolve
from noisynames.errors import UserError
from noisynames.models.labels import labels


def labels_of(**models: dict[str, Any]) -> dict[str, str]:
    return labels(resolve({"models": models})["models"])


@pytest.mark.parametrize(
    ("model", "label"),
    [
        ({"cell": "rnn"}, "RNN"),
        ({"cell": "gru", "readout": "attention"}, "GRU + attention"),
        ({"cell": "lstm", "num_layers": 2}, "LSTM, 2 layers"),
        (
            {"cell": "gru", "bidirectional": True, "batch_size": 16},
            "GRU, both directions, batches of 16",
        ),
        ({"cell": "gru", "optimizer": "adam"}, "GRU, Adam"),
        ({"cell": "transformer", "readout": "mean"}, "Transformer + mean"),
        (
            {"cell": "gru", "momentum": 0.5, "weight_decay": 0.01},
            "GRU, momentum 0.5, weight decay 0.01",
        ),
        ({"cell": "gru", "clip_norm": 1.0}, "GRU, clipped at 1"),
        ({"cell": "gru", "label": "My favourite"}, "My favourite"),
    ],
)
def test_a_label_says_what_is_unusual_about_a_model(model: dict[str, Any], label: str) -> None:
    assert labels_of(a=model) == {"a": label}


def test_what_models_differ_in_is_named_only_where_they_do() -> None:
    assert labels_of(
        small={"cell": "gru", "hidden_size": 16}, large={"cell": "gru"}, lstm={"cell": "lstm"}
    ) == {"small": "GRU, 16 units", "large": "GRU, 32 units", "lstm": "LSTM"}


def test_models_that_words_cannot_tell_apart_keep_their_names() -> None:
    assert labels_of(one={"cell": "gru"}, two={"cell": "gru"}) == {"one": "one", "two": "two"}


def test_heads_and_rates_tell_models_apart() -> None:
    heads = {"cell": "transformer", "num_heads": 8}
    assert labels_of(few={"cell": "transformer"}, many=heads, fast={"cell": "gru"}) == {
        "few": "Transformer, 4 heads",
        "many": "Transformer, 8 heads",
        "fast": "GRU",
    }
    assert labels_of(slow={"cell": "gru"}, fast={"cell": "gru", "learning_rate": 0.1}) == {
        "slow": "GRU, rate 0.005",
        "fast": "GRU, rate 0.1",
    }


def test_a_model_of_the_users_own_is_called_by_its_name() -> None:
    spec = {"cell": "custom", "module": "a:B", "num_layers": 2}
    assert labels({"mine": spec}) == {"mine": "mine"}


def test_a_label_that_two_models_have_is_refused() -> None:
    models = {
        "one": {"cell": "gru", "label": "It"},
        "two": {"cell": "rnn"},
        "three": {"cell": "lstm", "label": "It"},
    }
    with pytest.raises(UserError, match=r"models\.three\.label: found 'It', which is one's"):
        labels(models)


def test_a_label_that_another_model_would_get_is_given_to_neither() -> None:
    models = {"one": {"cell": "gru", "label": "RNN"}, "two": {"cell": "rnn"}}
    assert labels(models) == {"one": "one", "two": "two"}

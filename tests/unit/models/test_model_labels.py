"""What models are called where people read."""

from typing import Any

import pytest

from noisynames.config import resolve
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
        ({"cell": "gru", "label": "My favourite"}, "My favourite"),
    ],
)
def test_a_label_says_what_is_unusual_of_a_model(model: dict[str, Any], label: str) -> None:
    assert labels_of(a=model) == {"a": label}


def test_what_models_differ_in_is_said_only_where_they_do() -> None:
    assert labels_of(
        small={"cell": "gru", "hidden_size": 16}, large={"cell": "gru"}, lstm={"cell": "lstm"}
    ) == {"small": "GRU, 16 units", "large": "GRU, 32 units", "lstm": "LSTM"}


def test_models_that_no_word_tells_apart_keep_their_names() -> None:
    assert labels_of(one={"cell": "gru"}, two={"cell": "gru"}) == {"one": "one", "two": "two"}

"""The engines are compared on the machine that runs the experiment."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from noisynames.config import resolve
from noisynames.errors import UserError
from noisynames.evaluation import agreement
from noisynames.files import read_record
from noisynames.models.spec import ModelSpec
from noisynames.names import splits
from noisynames.names.examples import Examples
from noisynames.names.noise import Noise
from noisynames.names.splits import Split
from noisynames.training.compiled.engine import CompiledEngine
from noisynames.training.hyperparameters import Hyperparameters

SPLIT = Split(
    [("a", f"aa{c}{d}") for c in "aeiou" for d in "aeiou"]
    + [("b", f"zz{c}{d}") for c in "bcdfg" for d in "bcdfg"],
    [("a", "aaao"), ("b", "zzzt")],
)


def compared(folder: Path, models: dict[str, Any]) -> dict[str, Any]:
    """The record for some models, with hidden states of 8 units."""
    splits.write(SPLIT, folder / "seed0.csv")
    config = resolve({"models": {name: {"hidden_size": 8, **m} for name, m in models.items()}})
    given = (config["models"], config["training"], folder / "seed0.csv", Noise(2), 0)
    agreement.compare(*given, folder / "reference.json")
    return read_record(folder / "reference.json")


def test_engines_agree_even_where_training_is_unstable(tmp_path: Path) -> None:
    """At such rates, rounding errors grow without bound, which says nothing about the engines."""
    found = compared(
        tmp_path,
        {
            "usual": {"cell": "rnn"},
            "wild": {"cell": "rnn", "learning_rate": 10.0},
            "heavy": {"cell": "gru", "learning_rate": 2.0, "momentum": 0.99},
            "adam": {"cell": "gru", "learning_rate": 0.5, "optimizer": "adam", "batch_size": 4},
            "encoder": {"cell": "transformer", "readout": "mean", "clip_norm": 0.1},
        },
    )
    assert found["torch"].startswith("2.")
    assert found["differences"].keys() == {"usual", "wild", "heavy", "adam", "encoder"}
    assert max(found["differences"].values()) < 1e-5


def test_as_many_updates_are_compared_as_the_record_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance, taken = CompiledEngine.advance, []

    def counting(self: CompiledEngine, examples: Examples) -> Any:
        taken.append(len(examples))
        return advance(self, examples)

    monkeypatch.setattr(CompiledEngine, "advance", counting)
    found = compared(tmp_path, {"rnn": {"cell": "rnn", "batch_size": 2}})
    assert sum(taken) == 2 * found["updates"]


def test_models_that_differ_only_in_high_rates_are_compared_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def difference(spec: ModelSpec, plan: Hyperparameters, *rest: Any) -> float:
        asked.append(plan.learning_rate)
        return 1e-7

    monkeypatch.setattr(agreement, "difference", difference)
    rates = {"low": 0.0001, "high": 0.1, "higher": 1.0}
    models = {name: {"cell": "rnn", "learning_rate": rate} for name, rate in rates.items()}
    assert compared(tmp_path, models)["differences"] == dict.fromkeys(rates, 1e-7)
    assert asked == [0.0001, agreement.GENTLE]


def test_a_difference_that_rounding_does_not_explain_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance = CompiledEngine.advance

    def wrong(self: CompiledEngine, examples: Examples) -> Any:
        losses, guesses = advance(self, examples)
        return losses + np.float32(0.001), guesses

    monkeypatch.setattr(CompiledEngine, "advance", wrong)
    with pytest.raises(UserError, match=r"models\.rnn: .* differ by 0\.001 from PyTorch's"):
        compared(tmp_path, {"rnn": {"cell": "rnn"}})
    assert not (tmp_path / "reference.json").exists()

"""A finished run in Python, and the predictions of all runs for names on a terminal."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from noisynames import cli, open_run
from noisynames.errors import UserError
from noisynames.grid import run_folder, split_file
from noisynames.models.spec import ModelSpec
from noisynames.names import splits
from noisynames.names.noise import Noise
from noisynames.runs import write_run
from noisynames.training.hyperparameters import Hyperparameters
from noisynames.training.run import Run, train

NAMES = [
    *(("Czech", name) for name in ("Novak", "Svoboda", "Dvorak", "Cerny", "Prochazka")),
    *(("English", name) for name in ("Smith", "Jones", "Taylor", "Brown", "Wilson")),
]
MODELS = {"gru": ModelSpec("gru", "attention", 4), "rnn": ModelSpec("rnn", hidden_size=4)}
PLAN = Hyperparameters(updates=20, record_every=10)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models × two noises × two seeds, with one diverged run."""
    folder = tmp_path_factory.mktemp("some") / "results"
    for seed in (0, 1):
        split = splits.split_names(NAMES, seed)
        splits.write(split, split_file(folder, seed))
        for model, spec in MODELS.items():
            for noise in (Noise(0), Noise(5)):
                run = train(spec, split, noise, seed, PLAN)
                if (model, noise.level, seed) == ("rnn", 5, 1):
                    run = Run(run.engine, run.parameters, diverged_at=3)
                place = run_folder(folder, (model, noise.name, seed))
                write_run(place, run, spec, PLAN, split, model, noise, seed)
    return folder


def ask(*arguments: str | Path) -> str:
    done = CliRunner().invoke(cli.app, ["predict", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_a_run_has_losses_split_and_record(results: Path) -> None:
    run = open_run(results, model="gru", noise=5, seed=1)
    assert run.losses["update"].tolist() == [10, 20]
    assert run.record["spec"]["readout"] == "attention"
    assert run.languages == ["Czech", "English"]
    assert sorted(run.split.train + run.split.test) == sorted(NAMES)


def test_predictions_equal_the_torch_modules(results: Path) -> None:
    run = open_run(results, model="gru")
    predicted = run.predict(["Novak", "Ślu-s"])
    assert predicted.index.tolist() == ["Novak", "Ślu-s"]
    assert run.normalised("Ślu-s") == "Slus"
    for name, read in (("Novak", "Novak"), ("Ślu-s", "Slus")):
        symbols = torch.from_numpy(run.split.alphabet.encode(read).astype(np.int64))[None]
        with torch.no_grad():
            expected, attention = run.module()(symbols, torch.tensor([len(read)]))
        assert attention.sum() == pytest.approx(1)
        np.testing.assert_allclose(predicted.loc[name], expected[0].exp(), atol=1e-5)


def test_an_explanation_ends_with_the_prediction(results: Path) -> None:
    run = open_run(results, model="rnn")
    steps = run.explain("Nov")
    assert steps.index.tolist() == ["N", "No", "Nov"]
    np.testing.assert_allclose(steps.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(steps.loc["No"], run.predict(["No"]).loc["No"], atol=1e-6)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"model": "lstm"}, "model: found 'lstm'; allowed: gru, rnn"),
        ({"model": "gru", "noise": 2}, "noise: found '2'; allowed: 0, 5"),
        ({"model": "gru", "seed": 7}, "seed: found 7; allowed: 0, 1"),
        ({"model": "rnn", "noise": 5, "seed": 1}, "rnn under noise 5, seed 1 diverged"),
    ],
)
def test_a_run_that_does_not_exist_is_one_line(
    results: Path, asked: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        open_run(results, **asked)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="found no run"):
        open_run(results / "nowhere", "gru")


def test_a_name_of_foreign_letters_is_refused(results: Path) -> None:
    with pytest.raises(UserError, match="found 'Иванов'; allowed: at least one of the 57 symbols"):
        open_run(results, "gru").predict(["Иванов"])


def test_every_arm_is_asked_for_every_name(results: Path) -> None:
    text = ask("Novak", "O'Né", "--results", results)
    first, second = text.split("\n\n")
    assert first.splitlines()[0] == "Novak"
    assert second.splitlines()[0] == "O'Né (read as O'Ne)"
    arms = [line.split()[:3] for line in first.splitlines()[2:]]
    assert arms == [["gru", "0", "2"], ["gru", "5", "2"], ["rnn", "0", "2"], ["rnn", "5", "1"]]


def test_the_spread_is_over_seeds(results: Path) -> None:
    arguments = ("Novak", "--results", results, "--model", "gru", "--noise", "5", "--json")
    (asked,) = json.loads(ask(*arguments))
    assert asked["seeds"] == [0, 1]
    assert asked["after"] == []
    each = [open_run(results, "gru", 5, seed).predict(["Novak"]).iloc[0] for seed in (0, 1)]
    for share in asked["answer"]["top"]:
        of_seeds = [float(one[share["language"]]) for one in each]
        assert share["mean"] == pytest.approx(np.mean(of_seeds), abs=1e-4)
        assert [share["lowest"], share["highest"]] == pytest.approx(sorted(of_seeds), abs=1e-4)
        assert share["first"] == sum(one.idxmax() == share["language"] for one in each)
    (alone,) = json.loads(ask(*arguments, "--seed", "1", "--explain"))
    assert alone["seeds"] == [1]
    assert [step["text"] for step in alone["after"]] == ["N", "No", "Nov", "Nova", "Novak"]
    assert alone["after"][-1] == alone["answer"]


def test_a_seed_is_a_number_or_all(results: Path) -> None:
    with pytest.raises(UserError, match="--seed: found 'x'; allowed: a seed, or all"):
        ask("Novak", "--results", results, "--seed", "x")

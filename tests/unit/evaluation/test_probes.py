from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from noisynames import runs
from noisynames.evaluation.inference import gradient_norms, predict
from noisynames.evaluation.probes import probe_run
from noisynames.grid import ACCURACY, INITIAL, RECORD, TRAINED
from noisynames.models.reference import load_classifier
from noisynames.models.spec import ModelSpec, TrainedModel
from noisynames.models.weights import initial_parameters
from noisynames.names import splits
from noisynames.names.examples import Examples
from noisynames.names.noise import Noise
from noisynames.names.splits import Split
from noisynames.training.hyperparameters import Hyperparameters
from noisynames.training.run import train

LANGUAGES = ["a", "b"]
SPLIT = Split(
    [("a", f"aa{c}{d}") for c in "aeiou" for d in "aeiou"]
    + [("b", f"zz{c}{d}") for c in "bcdfg" for d in "bcdfg"],
    [("a", f"aaa{c}o") for c in "aeiou"] + [("b", f"zzz{c}t") for c in "bcdfg"],
)
EXAMPLES = Examples.of_names([("a", "Adams"), ("b", "Nguyen")], LANGUAGES)


@pytest.mark.parametrize("spec", [ModelSpec("rnn", hidden_size=5), ModelSpec("lstm", "mean", 5)])
def test_gradient_norms_are_finite_differences(spec: ModelSpec) -> None:
    parameters = {k: v.astype(np.float64) for k, v in initial_parameters(spec, 57, 2, 0).items()}
    module = load_classifier(spec, 57, 2, parameters)
    found = gradient_norms(TrainedModel(spec, parameters, 2), EXAMPLES)  # type: ignore[arg-type]
    assert found.shape == (5,)
    expected = np.zeros(5)
    for i in range(2):
        one = torch.from_numpy(EXAMPLES[i].astype(np.int64))[None]
        lengths = torch.tensor([one.shape[1]])
        x = module.inputs(one)
        for distance in range(5):
            gradient = np.zeros(57)
            for symbol in range(57):
                ends = []
                for step in (1e-5, -1e-5):
                    moved = x.clone()
                    moved[0, int(lengths) - 1 - distance, symbol] += step
                    output, _ = module.classify(moved, lengths)
                    ends.append(-output[0, int(EXAMPLES.targets[i])].item())
                gradient[symbol] = (ends[0] - ends[1]) / 2e-5
            expected[distance] += np.linalg.norm(gradient) / 2
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> runs.FinishedRun:
    folder = tmp_path_factory.mktemp("run") / "seed0"
    spec = ModelSpec("rnn", hidden_size=8)
    plan = Hyperparameters(updates=2_000, learning_rate=0.05, record_every=1_000)
    run = train(spec, SPLIT, Noise(0), 0, plan)
    runs.write_run(folder, run, spec, plan, SPLIT, "rnn", Noise(0), 0)
    splits.write(SPLIT, folder.parent / "seed0.csv")
    finished = runs.open_finished(folder / RECORD, folder.parent / "seed0.csv")
    assert finished is not None
    return finished


def test_a_probe_measures_each_length_and_distance(trained: runs.FinishedRun) -> None:
    table = pd.DataFrame(probe_run(trained, ".,", 6, 3, initial_gradients=True))
    by_probe = {str(probe): rows.set_index("distance")["value"] for probe, rows in
                table.groupby("probe")}  # fmt: skip
    assert list(by_probe[ACCURACY].index) == list(range(7))
    assert by_probe[ACCURACY][0] == 1.0
    for probe in (INITIAL, TRAINED):
        assert list(by_probe[probe].index) == list(range(10))
        assert (by_probe[probe] > 0).all()
    assert by_probe[INITIAL][9] < 1e-2 * by_probe[INITIAL][0]
    assert (by_probe[INITIAL] != by_probe[TRAINED]).all()


def test_accuracy_is_that_of_names_with_that_many_noise_characters(
    trained: runs.FinishedRun,
) -> None:
    """Of a trained model, which is right about all, and of one that is not."""
    initial = initial_parameters(trained.model.spec, 57, 2, 1)
    untrained = replace(trained, model=replace(trained.model, parameters=initial))
    means = []
    for run in (trained, untrained):
        table = pd.DataFrame(probe_run(run, ".", 4, 5, initial_gradients=False))
        assert set(table["probe"]) == {ACCURACY, TRAINED}
        found = table[table["probe"] == ACCURACY].set_index("distance")["value"]
        for length in range(5):
            rows = [(language, name + "." * length) for language, name in SPLIT.test]
            examples = Examples.of_names(rows, LANGUAGES)
            guesses = predict(run.model, examples)[0].argmax(1)
            assert found[length] == pytest.approx((guesses == examples.targets).mean())
        means.append(found.mean())
    assert means[0] > 0.95 > means[1]


def test_a_language_without_held_out_names_does_not_count(trained: runs.FinishedRun) -> None:
    only_b = replace(SPLIT, test=[row for row in SPLIT.test if row[0] == "b"])
    found = probe_run(replace(trained, split=only_b), ".", 0, 5, initial_gradients=False)
    assert found[0] == (ACCURACY, 0, 1.0)


def test_a_probe_is_the_same_for_every_run_of_a_seed(trained: runs.FinishedRun) -> None:
    one = probe_run(trained, ".,", 3, 3, initial_gradients=True)
    two = probe_run(trained, ".,", 3, 3, initial_gradients=True)
    assert one == two

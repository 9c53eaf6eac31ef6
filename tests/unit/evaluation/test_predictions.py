"""The jobs that test models on held-out names, on a run whose weights were drawn."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up import columns

from noisynames import runs
from noisynames.errors import UserError
from noisynames.evaluation import attention, predictions, probes
from noisynames.evaluation.inference import predict
from noisynames.evaluation.jobs import columns_of, inspected_names
from noisynames.files import read_record, read_table
from noisynames.grid import ATTENTION, RECORD, SCORE_TABLES
from noisynames.models.spec import ModelSpec
from noisynames.models.weights import initial_parameters
from noisynames.names import splits
from noisynames.names.examples import held_out_examples
from noisynames.names.noise import Noise, NoiseStream
from noisynames.names.splits import Split
from noisynames.randomness import Seed
from noisynames.training.hyperparameters import Hyperparameters
from noisynames.training.run import Run

SPLIT = Split(
    [("a", f"Aa{c}o") for c in "bcdf"] + [("b", f"Bb{c}t") for c in "ghjk"],
    [("a", "Aama"), ("a", "Aanale"), ("b", "Bbpt"), ("b", "Bbqtem"), ("b", "Bbrt")],
    [("a", "Aava"), ("b", "Bbwt"), ("b", "Bbxt")],
)
SPEC = ModelSpec("gru", "attention", 8)
NOISES = [Noise(0), Noise(3)]


def record_of(
    folder: Path, seed: int, split: Split = SPLIT, diverged_at: int | None = None, **kept: int
) -> Path:
    """The record of a run in a results folder, with its split; weights are drawn, and so large
    that its predictions vary from name to name."""
    splits.write(split, folder / f"seed{seed}.csv")
    weights = {name: 9 * values for name, values in initial_parameters(SPEC, 57, 2, seed).items()}
    run = Run("compiled", weights, [(1, 0.7)], diverged_at)
    plan, path = Hyperparameters(updates=1), folder / "runs" / f"seed{seed}"
    runs.write_run(path, run, SPEC, plan, split, "gru", Noise(3), Seed(seed, kept))
    return path / RECORD


def opened(record: Path) -> runs.FinishedRun:
    run = runs.open_finished(record, record.parents[2] / f"{record.parent.name}.csv")
    assert run is not None
    return run


def evaluated(folder: Path, records: list[Path], keep: str = "all") -> Path:
    """The predictions file written by the job of a model trained under noise 3."""
    files = [folder / f"{record.parent.name}.csv" for record in records]
    output = folder / "evaluation" / "noise3.csv"
    predictions.evaluate(records, files, NOISES[1], NOISES, output, keep)
    return output


def test_each_held_out_name_has_a_row_under_each_noise(tmp_path: Path) -> None:
    records = [record_of(tmp_path, seed) for seed in (4, 7)]
    output = evaluated(tmp_path, records)
    rows = read_table(output, read_record(output.with_suffix(".json")))
    assert [*zip(rows["seed"], rows["noise"], rows["language"], rows["name"], strict=True)] == [
        (seed, noise, *row) for seed in (4, 7) for noise in ("0", "3") for row in SPLIT.test
    ]


def test_a_row_has_the_models_prediction(tmp_path: Path) -> None:
    """Probability and loss to six decimals; rank 1 is the prediction."""
    run = opened(record_of(tmp_path, 7))
    rows = pd.DataFrame(predictions.evaluate_run(run, NOISES).rows())
    names = run.examples(SPLIT.test)
    for noise in NOISES:
        logs, _ = predict(run.model, held_out_examples(names, noise, 7))
        there = rows[rows["noise"] == noise.name].reset_index(drop=True)
        assert there["prediction"].tolist() == ["ab"[i] for i in logs.argmax(1)]
        assert there["probability"].tolist() == np.exp(logs.max(1)).round(6).tolist()
        own = [logs[i, "ab".index(language)] for i, (language, _) in enumerate(SPLIT.test)]
        assert there["loss"].tolist() == [round(-value, 6) for value in own]
        right = there["prediction"] == there["language"]
        assert there["rank"].tolist() == [1 if is_right else 2 for is_right in right]


def test_only_the_training_noise_is_kept_on_request_and_all_are_scored(
    tmp_path: Path,
) -> None:
    output = evaluated(tmp_path, [record_of(tmp_path, 4)], keep="own")
    record = read_record(output.with_suffix(".json"))
    assert read_table(output, record)["noise"].unique().tolist() == ["3"]
    assert list(record["files"]) == ["noise3.csv", *(f"noise3-{t}.csv" for t in SCORE_TABLES)]
    scored = read_table(output.with_name("noise3-accuracy.csv"), record)
    assert scored["tested_at"].tolist() == ["0", "3"]
    mistakes = read_table(output.with_name("noise3-mistakes.csv"), record)
    rows = read_table(output, record)
    wrong = rows[rows["language"] != rows["prediction"]]
    assert set(mistakes["name"]) == set(wrong["name"])


def test_validation_scores_are_macro_averages_of_names_that_are_not_tested(tmp_path: Path) -> None:
    run = opened(record_of(tmp_path, 5))
    found = predictions.validate(run, Noise(0))
    logs, _ = predict(run.model, run.examples(SPLIT.validation))
    target = np.array([0, 1, 1])
    right, loss = logs.argmax(1) == target, -logs[np.arange(3), target]
    assert right.tolist() == [True, True, False], "not what the second rank gives, too"
    assert found == {
        "seed": 5,
        "validation_accuracy": pytest.approx((right[0] + right[1:].mean()) / 2),
        "validation_loss": pytest.approx((loss[0] + loss[1:].mean()) / 2, abs=1e-6),
    }


def test_noise_is_that_of_the_seed_that_the_run_shares_it_with(tmp_path: Path) -> None:
    """Seed 4 draws its noise with seed 9: in tests, in validation and for attention."""
    run = opened(record_of(tmp_path, 4, noise=9))
    names = held_out_examples(run.examples(SPLIT.test), Noise(3), 9)
    logs, _ = predict(run.model, names)
    rows = predictions.evaluate_run(run, [Noise(3)]).rows()
    assert rows["probability"].tolist() == np.exp(logs.max(1)).round(6).tolist()
    few = held_out_examples(run.examples(inspected_names(SPLIT, 2)), Noise(3), 9)
    looked = attention.attention_of_run(run, [Noise(3)], 2)
    assert "".join(looked["character"]) == "".join(map(few.text, range(len(few))))
    noise = NoiseStream(Noise(3), 9, "validation noise", SPLIT.alphabet).take(3)
    logs, _ = predict(run.model, run.examples(SPLIT.validation).with_noise(noise))
    losses = -logs[np.arange(3), [0, 1, 1]]
    expected = (losses[0] + losses[1:].mean()) / 2
    found = predictions.validate(run, Noise(3))
    assert found["validation_loss"] == pytest.approx(expected, abs=1e-6)


def test_validation_is_under_the_training_noise_and_repeatable(tmp_path: Path) -> None:
    output = evaluated(tmp_path, [record_of(tmp_path, 4)])
    (found,) = read_record(output.with_suffix(".json"))["validation"]
    run = opened(record_of(tmp_path, 4))
    assert found == predictions.validate(run, Noise(3))
    assert found["validation_loss"] != predictions.validate(run, Noise(0))["validation_loss"]


def test_without_validation_names_none_are_recorded(tmp_path: Path) -> None:
    output = evaluated(tmp_path, [record_of(tmp_path, 4, Split(SPLIT.train, SPLIT.test))])
    assert read_record(output.with_suffix(".json"))["validation"] == []


def test_a_run_that_diverged_has_no_rows_and_the_job_goes_on(tmp_path: Path) -> None:
    records = [record_of(tmp_path, 4, diverged_at=1), record_of(tmp_path, 7)]
    output = evaluated(tmp_path, records)
    record = read_record(output.with_suffix(".json"))
    assert read_table(output, record)["seed"].unique().tolist() == [7]
    assert [row["seed"] for row in record["validation"]] == [7]


def test_a_run_of_a_different_split_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    record = record_of(tmp_path, 4)
    splits.write(Split(SPLIT.train, SPLIT.test[1:]), tmp_path / "seed4.csv")
    with pytest.raises(UserError, match="trained on a different split"):
        evaluated(tmp_path, [record])
    assert not (tmp_path / "evaluation").exists()


def inspected(folder: Path, keep: str) -> Path:
    """The file written by the job on two seeds' attention, with two names of each language."""
    records = [record_of(folder, seed) for seed in (4, 7)]
    files = [folder / f"seed{seed}.csv" for seed in (4, 7)]
    output = folder / "attention" / "noise3.csv"
    attention.inspect(records, files, NOISES[1], NOISES, output, 2, keep)
    return output


def test_attention_is_written_character_by_character(tmp_path: Path) -> None:
    output = inspected(tmp_path, "all")
    record = read_record(output.with_suffix(".json"))
    rows = read_table(output, record)
    assert rows.columns.tolist() == attention.ATTENTION_COLUMNS
    assert list(record["files"]) == ["noise3.csv", *(f"noise3-{t}.csv" for t in ATTENTION)]
    assert rows["seed"].unique().tolist() == [4, 7]
    run = opened(tmp_path / "runs/seed4" / RECORD)
    few = inspected_names(SPLIT, 2)
    for noise in NOISES:
        examples = held_out_examples(run.examples(few), noise, 4)
        _, weights = predict(run.model, examples)
        assert weights is not None
        there = rows[(rows["seed"] == 4) & (rows["noise"] == noise.name)]
        assert there["weight"].tolist() == np.concatenate(weights).round(6).tolist()
        assert "".join(there["character"]) == "".join(map(examples.text, range(len(few))))
        assert there["is_noise"].tolist() == examples.is_noise.astype(int).tolist()
        texts = [examples.text(i) for i in range(len(few))]
        assert there["position"].tolist() == [i for text in texts for i in range(len(text))]
        names = [row for row, text in zip(few, texts, strict=True) for _ in text]
        assert [*zip(there["language"], there["name"], strict=True)] == names
        assert there["occlusion"].tolist() == there["occlusion"].round(6).tolist()


def test_only_attention_under_the_training_noise_is_kept_on_request(tmp_path: Path) -> None:
    output = inspected(tmp_path, "own")
    record = read_record(output.with_suffix(".json"))
    assert read_table(output, record)["noise"].unique().tolist() == ["3"]
    summed = read_table(output.with_name("noise3-attention.csv"), record)
    assert [*zip(summed["tested_at"], summed["seed"], strict=True)] == [
        ("0", 4), ("3", 4), ("0", 7), ("3", 7),
    ]  # fmt: skip


def test_attention_tables_cover_all_seeds_and_examples_the_first() -> None:
    rows = [
        (seed, noise, "a", f"N{c}", i, "N" + c, [0.2 + seed / 10, 0.8 - seed / 10][i], 0, 0.1)
        for seed in (0, 1)
        for noise in ("0", "3")
        for c in "stuvwxyzabcdefg"
        for i in (0, 1)
    ]
    table = pd.DataFrame(rows, columns=attention.ATTENTION_COLUMNS)
    table.loc[table["noise"] == "3", "is_noise"] = [0, 1] * 30
    of_seeds = attention.tables_of([columns(frame) for _, frame in table.groupby("seed")])
    found = {name: pd.DataFrame(rows) for name, rows in of_seeds.items()}
    assert list(found) == list(ATTENTION)
    assert found["attention"]["seed"].tolist() == [0, 0, 1, 1]
    assert found["attention_position"]["weight"].tolist() == pytest.approx(
        [0.8, 0.2, 0.8, 0.2, 0.7, 0.3, 0.7, 0.3]
    )
    (agreed,) = found["attention_agreement"].to_dict("records")
    assert agreed == {"agreement": pytest.approx(1), "names": 15}
    assert set(found["attention_examples"]["seed"]) == {0}
    assert found["attention_examples"]["name"].unique().tolist() == ["Ns"]
    assert found["attention_examples"]["tested_at"].tolist() == ["0", "0", "3", "3"]
    assert found["attention_examples"]["position"].tolist() == [0, 1, 0, 1]


def test_without_runs_the_attention_tables_have_the_same_columns() -> None:
    one = columns_of([(0, "0", "a", "Na", 0, "N", 1.0, 0, 0.1)], attention.ATTENTION_COLUMNS)
    whole = attention.tables_of([one])
    for name, table in attention.tables_of([]).items():
        assert not any(map(len, table.values()))
        assert sorted(table) == sorted(whole[name]), name


def test_twelve_examples_are_spread_over_the_languages() -> None:
    rows = [
        (0, "0", f"{n:02}", name, 0, "N", 1.0, 0, 0.1) for n in range(24) for name in ("Na", "Nb")
    ]
    table = columns_of(rows, attention.ATTENTION_COLUMNS)
    found = attention.tables_of([table])["attention_examples"]
    assert {*found["name"]} == {"Na"}
    assert found["language"].tolist() == [
        "00", "02", "04", "06", "08", "10", "12", "14", "16", "18", "20", "23",
    ]  # fmt: skip


def test_the_job_of_probes_writes_every_seed(tmp_path: Path) -> None:
    records = [record_of(tmp_path, seed) for seed in (4, 7)]
    files = [tmp_path / f"seed{seed}.csv" for seed in (4, 7)]
    output = tmp_path / "probes" / "noise3.csv"
    probes.probe(records, files, ".,", True, output, 3, 2)
    record = read_record(output.with_suffix(".json"))
    rows = read_table(output, record)
    assert rows.columns.tolist() == probes.PROBE_COLUMNS
    assert record["rows"] == len(rows)
    expected = [
        (seed, *measured)
        for seed, path in zip((4, 7), records, strict=True)
        for measured in probes.probe_run(opened(path), ".,", 3, 2, initial_gradients=True)
    ]
    assert [*zip(rows["seed"], rows["probe"], rows["distance"], strict=True)] == [
        row[:3] for row in expected
    ]
    assert rows["value"].tolist() == pytest.approx([row[3] for row in expected], rel=1e-7)
    probes.probe(records, files, ".,", False, output, 3, 2)
    again = read_table(output, read_record(output.with_suffix(".json")))
    assert set(again["probe"]) == {"accuracy", "trained gradient"}


def test_probes_draw_with_the_seeds_that_a_run_shares_draws_with(tmp_path: Path) -> None:
    def gradients(folder: str, **kept: int) -> dict[str, list[float]]:
        run = opened(record_of(tmp_path / folder, 4, SPLIT, None, **kept))
        found = probes.probe_run(run, ".,", 3, 2, initial_gradients=True)
        return {
            probe: [row.value for row in found if row.probe == f"{probe} gradient"]
            for probe in ("initial", "trained")
        }

    own, weights, noise = gradients("a"), gradients("b", weights=9), gradients("c", noise=9)
    assert weights["initial"] != own["initial"]
    assert weights["trained"] == own["trained"]
    assert noise["trained"] != own["trained"]


def test_probes_of_runs_that_all_diverged_are_a_table_without_rows(tmp_path: Path) -> None:
    record = record_of(tmp_path, 4, diverged_at=1)
    output = tmp_path / "probes.csv"
    probes.probe([record], [tmp_path / "seed4.csv"], ".,", True, output, 3, 2)
    assert output.read_text() == "seed,probe,distance,value\n"
    assert read_record(output.with_suffix(".json"))["rows"] == 0

"""Bad input of every kind: one line that says where, what was found and what is allowed."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from noisynames.config import check_file, resolve
from noisynames.errors import UserError

SCHEMA = Path(__file__).parents[2] / "workflow/schemas/config.schema.yaml"
CASES = Path(__file__).with_name("bad_configs.yaml")
KEYS = "attention, baselines, dataset, evaluation, models, noise, probe, report, seeds, training"


@pytest.mark.parametrize("case", yaml.safe_load(CASES.read_text(encoding="utf-8")), ids=str)
def test_a_bad_config(case: dict[str, Any]) -> None:
    with pytest.raises(UserError) as caught:
        resolve(case["config"], SCHEMA)
    assert str(caught.value) == case["message"]
    assert "\n" not in case["message"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("models: {no: {cell: rnn}}", "line 1: key no is not text in YAML; quote it: 'no'"),
        ("models:\n  on: {cell: rnn}", "line 2: key on is not text in YAML; quote it: 'on'"),
        ("models: {123: {cell: rnn}}", "line 1: key 123 is not text in YAML; quote it: '123'"),
        ("null: 1", "line 1: key null is not text in YAML; quote it: 'null'"),
        ("1.5: 1", "line 1: key 1.5 is not text in YAML; quote it: '1.5'"),
        ("seeds: 3\nseeds: 4", "line 2: key 'seeds' occurs twice; allowed: each key once"),
        (
            "\nseeds: 010",
            "line 2: found 010, which YAML reads as 8; "
            "allowed: digits without a leading 0 or a colon",
        ),
        (
            "seeds: [1, 1:30]",
            "line 1: found 1:30, which YAML reads as 90; "
            "allowed: digits without a leading 0 or a colon",
        ),
    ],
)
def test_a_config_file_that_does_not_mean_what_it_looks_like(
    tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "my.yaml"
    file.write_text(text)
    with pytest.raises(UserError) as caught:
        check_file(file)
    assert str(caught.value) == f"{file}: {message}"


def test_numbers_that_mean_what_they_look_like_are_accepted(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text("seeds: [0, 7, 1_000, 0x10]\nbase: &b {x: 1}\nmore: {<<: *b, y: 2}\n")
    check_file(file)


def test_a_key_that_is_not_text_is_refused_even_without_a_file() -> None:
    with pytest.raises(UserError) as caught:
        resolve({"models": {False: {"cell": "rnn"}}}, SCHEMA)
    assert str(caught.value) == "models: key false is not text; quote it"
    with pytest.raises(UserError, match="models: key true is not text; quote it"):
        resolve({"models": "{on: {cell: rnn}}"}, SCHEMA)  # as from --config
    options = {"cell": "custom", "module": "a:B", "options": {"sizes": {4: 1}}}
    with pytest.raises(UserError, match=r"models\.a\.options\.sizes: key 4 is not text; quote it"):
        resolve({"models": {"a": options}}, SCHEMA)


@pytest.mark.parametrize("names", [("gru", "Gru"), ("LSTM", "lstm")])
def test_names_that_differ_only_in_case_are_refused(names: tuple[str, str]) -> None:
    with pytest.raises(UserError) as caught:
        resolve({"models": {name: {"cell": "gru"} for name in names}}, SCHEMA)
    assert str(caught.value) == (
        f"models.{names[1]}: differs from {names[0]!r} only in case, and on some disks they would "
        "share a folder; take another name"
    )
    with pytest.raises(UserError, match=r"models\.Ngrams: a baseline has this name"):
        resolve({"models": {"Ngrams": {"cell": "gru"}}}, SCHEMA)


def test_a_number_that_yaml_reads_as_text_is_a_number() -> None:
    assert resolve({"training": {"learning_rate": "1e-3"}}, SCHEMA)["training"][
        "learning_rate"
    ] == pytest.approx(0.001)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "train --model transformer --noise 0 --seed 0",
            "noisynames: --cell: missing; only rnn, gru, gru_attention, lstm are known by name, "
            "'transformer' is not",
        ),
        (
            "train --model ../gru --cell gru --noise 0 --seed 0",
            "noisynames: --model: '../gru' is not a name; allowed: [A-Za-z][A-Za-z0-9_]{0,39}",
        ),
        (
            "train --model gru --cell grru --noise 0 --seed 0",
            "noisynames: models.gru.cell: found 'grru'; "
            "allowed: one of gru, lstm, rnn, transformer, custom",
        ),
        (
            "train --model gru --noise 0 --seed 0 --hidden-size 100000000",
            "noisynames: models.gru.hidden_size: found 100000000; "
            "allowed: an integer at least 1 and at most 4096",
        ),
        (
            "train --model gru --noise 0 --seed 0 --updates 0",
            "noisynames: training.updates: found 0; "
            "allowed: an integer at least 1 and at most 1000000000",
        ),
        (
            "train --model gru --noise 0 --seed 0 --learning-rate nan",
            "noisynames: models.gru.learning_rate: found nan; "
            "allowed: a finite number greater than 0 and at most 1e+38 or null",
        ),
        (
            "train --model gru --noise 0 --seed 0 --engine fast",
            "noisynames: training.engine: found 'fast'; allowed: one of auto, compiled, autograd",
        ),
        (
            "train --model gru --noise 0 --seed 0 --split none/seed0.csv",
            "noisynames: none/seed0.json: no such file",
        ),
        (
            "train --model gru --noise 0 --seed 0 --updates 2 --output file/run",
            "noisynames: file/run/seed0/losses.csv: Not a directory",
        ),
        (
            "train --model gru --noise -1 --seed 0",
            "noisynames: noise: found '-1'; allowed: a level, or LEVEL-PLACEMENT",
        ),
        (
            "train --model gru --noise five --seed 0",
            "noisynames: noise: found 'five'; allowed: a level, or LEVEL-PLACEMENT",
        ),
        (
            "baseline svm --split s --seed 0 --trained-at 0 --noise 0 --noise-characters . "
            '--settings {"updates":9,"keep":"all"} --output o.csv',
            "noisynames: baseline: 'svm' is not one of ngrams, majority",
        ),
        ("train --model gru --noise 0", "Error: Missing option '--seed'."),
        ("trian", "Error: No such command 'trian'. Did you mean 'train'?"),
        (
            "baseline majority --split s --seed 0 --trained-at 0 --noise 0 --noise-characters . "
            '--settings {"keep":"all"} --output o.csv',
            "noisynames: settings: missing a required argument: 'updates'",
        ),
        (
            "train --model gru --noise 0 --seed 0 --seed 1 --split s/seed0.csv",
            "noisynames: --split: found 1; allowed: one for each of 2 seeds",
        ),
        (
            'dataset --settings {"source":"kaggle","test_fraction":0.2} --output d',
            "noisynames: dataset.source: 'kaggle' is not one of directory, surnames, tutorial",
        ),
        (
            "aggregate --results r --grid [] --output t",
            "noisynames: --grid: found '[]'; allowed: a JSON object",
        ),
        (
            "evaluate r/run.json --split s/seed0.csv --trained-at 0 --noise 0 --noise-characters . "
            '--settings {"keep":"all"} --output o.csv',
            "noisynames: r/run.json: no such file",
        ),
        (
            "evaluate r/run.json --split a --split b --trained-at 0 --noise 0 --noise-characters . "
            '--settings {"keep":"all"} --output o.csv',
            "noisynames: splits: found 2; allowed: one for each of 1 runs",
        ),
        (
            "plot t/findings.json t/timings.json --figure cross --output f",
            "noisynames: t/findings.json: no such file",
        ),
        (
            "plot t/accuracy.csv --figure cross --output f",
            "noisynames: tables: found no findings.json; allowed: every file that aggregate writes",
        ),
    ],
)
def test_bad_commands(tmp_path: Path, arguments: str, message: str) -> None:
    program = shutil.which("noisynames")
    assert program
    (tmp_path / "file").write_text("in the way")
    done = subprocess.run(
        [program, *arguments.split()], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode in (1, 2)
    lines = [line for line in done.stderr.splitlines() if not line.startswith("kernels:")]
    if message.startswith("noisynames: "):
        lines = [line for line in lines if not line.startswith("2 100%")]
        assert lines == [message]
    else:  # the command line's own parser, which also prints the usage
        assert lines[-1] == message
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.rglob("*")] == ["file"], "nothing is half-written"


# --- Any input gives a result or the documented error -------------------------------------------


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["cell", "readout", "levels", "updates", "engine", "source", "gru", "title", "x y"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(KEYS.split(", ")), trees, max_size=4))
def test_any_config_is_resolved_or_refused_in_one_line(config: dict[str, Any]) -> None:
    try:
        resolved = resolve(config, SCHEMA)
    except UserError as error:
        assert "\n" not in str(error)
    else:
        assert resolve(resolved, SCHEMA) == resolved

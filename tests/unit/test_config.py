import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pages import table, with_table

from noisynames.config import check_file, read_schema, resolve
from noisynames.errors import UserError
from noisynames.evaluation.baselines import BASELINES
from noisynames.models.spec import CELLS, WORKSHEET_MODELS, spec_from
from noisynames.names.dataset import SOURCES
from noisynames.names.noise import PLACEMENTS
from noisynames.training.engines import ENGINES

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"


def test_an_empty_config_is_the_worksheets_experiment() -> None:
    config = resolve({}, SCHEMA)
    assert {name: spec_from(spec) for name, spec in config["models"].items()} == WORKSHEET_MODELS
    assert config["noise"]["levels"] == [0, 5]
    assert config["seeds"] == list(range(10))
    assert config["training"]["updates"] == 80_000
    assert config["training"]["learning_rate"] == 0.005
    assert config["dataset"] == {
        "source": "surnames",
        "path": None,
        "test_fraction": 0.2,
        "validation_fraction": 0,
        "max_train_names": 50,
        "alphabet": "worksheet",
        "min_symbol_count": 1,
        "label_name": "language",
        "transliterate": None,
    }


def test_the_order_of_keys_in_a_file_does_not_matter() -> None:
    """A different order would look like a different parameter, and train everything again."""
    one = {"training": {"updates": 5, "learning_rate": 1}, "models": {"a": {"cell": "gru"}}}
    two = {
        "models": {"a": {"num_layers": 1, "cell": "gru"}},
        "training": {"learning_rate": 1, "updates": 5},
    }
    assert json.dumps(resolve(one, SCHEMA)) == json.dumps(resolve(two, SCHEMA))


@pytest.mark.parametrize("file", sorted((ROOT / "config").glob("*.yaml")), ids=lambda p: p.name)
def test_every_shipped_config_is_valid(file: Path) -> None:
    resolve(yaml.safe_load(file.read_text()), SCHEMA)


def test_seeds_are_a_number_or_a_list() -> None:
    assert resolve({"seeds": 3}, SCHEMA)["seeds"] == [0, 1, 2]
    assert resolve({"seeds": [7, 3]}, SCHEMA)["seeds"] == [7, 3]


def test_a_model_needs_one_line() -> None:
    config = resolve(
        {"models": {"lstm_attention": {"cell": "lstm", "readout": "attention"}}}, SCHEMA
    )
    assert config["models"] == {
        "lstm_attention": {
            "label": None,
            "cell": "lstm",
            "readout": "attention",
            "hidden_size": 32,
            "num_layers": 1,
            "bidirectional": False,
            "num_heads": 4,
            "module": None,
            "options": {},
            "seeds_vary": ["split", "weights", "order", "noise"],
            "learning_rate": 0.005,
            "batch_size": 1,
            "optimizer": "sgd",
            "momentum": 0,
            "weight_decay": 0,
            "clip_norm": None,
        }
    }


def test_a_models_own_rate_and_batch_size_take_precedence() -> None:
    models = {"a": {"cell": "gru", "learning_rate": 0.1}, "b": {"cell": "gru", "batch_size": 4}}
    config = resolve({"models": models, "training": {"batch_size": 2}}, SCHEMA)
    plans = [(m["learning_rate"], m["batch_size"]) for m in config["models"].values()]
    assert plans == [(0.1, 2), (0.005, 4)]


def test_a_sweep_makes_a_model_for_every_combination() -> None:
    sweep = {"hidden_size": [8, 16], "learning_rate": [0.001, None]}
    models = {"gru": {"cell": "gru", "sweep": sweep}, "rnn": {"cell": "rnn"}}
    found = resolve({"models": models}, SCHEMA)["models"]
    assert {name: (m["hidden_size"], m["learning_rate"]) for name, m in found.items()} == {
        "gru_8_0_001": (8, 0.001),
        "gru_8_null": (8, 0.005),
        "gru_16_0_001": (16, 0.001),
        "gru_16_null": (16, 0.005),
        "rnn": (32, 0.005),
    }
    plain = resolve({"models": {"rnn": {"cell": "rnn"}}}, SCHEMA)["models"]["rnn"]
    assert found["rnn"] == plain, "a sweep beside it trains nothing again"


def test_the_models_of_a_labelled_sweep_have_labels_of_their_own() -> None:
    models = {"gru": {"cell": "gru", "label": "Mine", "sweep": {"hidden_size": [8, 16]}}}
    found = resolve({"models": models}, SCHEMA)["models"]
    assert [m["label"] for m in found.values()] == ["Mine, hidden_size 8", "Mine, hidden_size 16"]


def test_text_from_the_command_line_is_read_as_yaml() -> None:
    training = {"updates": "100", "seeds_per_job": "10"}
    config = resolve({"training": training, "noise": {"levels": ["0", "2"]}}, SCHEMA)
    assert config["training"]["updates"] == 100
    assert config["training"]["seeds_per_job"] == 10
    assert config["noise"]["levels"] == [0, 2]


def test_the_schema_allows_what_the_code_has() -> None:
    allowed = read_schema(SCHEMA)["properties"]
    placement, many = allowed["noise"]["properties"]["placement"]["anyOf"]
    assert placement["enum"] == many["items"]["enum"] == list(PLACEMENTS)
    assert allowed["dataset"]["properties"]["source"]["enum"] == list(SOURCES)
    assert allowed["training"]["properties"]["engine"]["enum"] == list(ENGINES)
    assert set(allowed["baselines"]["items"]["enum"]) == set(BASELINES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "models:\n  gru: {cell: gru}\n  lstm: {cell: lstm}\n  gru: {cell: rnn}\n",
            "line 4: key 'gru' occurs twice; allowed: each key once",
        ),
        ("seeds: 3\nseeds: 4\n", "line 2: key 'seeds' occurs twice; allowed: each key once"),
        ("models: {gru: [", "not YAML (while parsing a flow node)"),
    ],
)
def test_a_file_that_would_lose_something_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        check_file(path)
    assert str(caught.value) == f"{path}: {message}"


@pytest.mark.parametrize("file", sorted((ROOT / "config").glob("*.yaml")), ids=lambda p: p.name)
def test_no_shipped_config_repeats_a_key(file: Path) -> None:
    check_file(file)


def test_a_label_with_too_few_names_is_refused_before_any_job(tmp_path: Path) -> None:
    (tmp_path / "big.txt").write_text("\n".join(f"Name{c}" for c in "abcdefghij"))
    (tmp_path / "tiny.txt").write_text("Roe\nPoe\n")
    with pytest.raises(UserError, match="label 'tiny' has 2 distinct name"):
        resolve({"dataset": {"source": "directory", "path": str(tmp_path)}}, SCHEMA)


def test_a_fraction_too_small_for_the_offline_names_is_refused_too() -> None:
    with pytest.raises(UserError, match="label 'Chinese' has 128 distinct name"):
        resolve({"dataset": {"test_fraction": 0.003}}, SCHEMA)


def test_the_readme_has_the_table_that_the_schema_makes() -> None:
    readme = (ROOT / "config/README.md").read_text()
    assert readme == with_table(readme), "make docs"


def test_the_table_has_every_key_of_a_resolved_config_once() -> None:
    def leaves(section: Mapping[str, Any], above: str = "") -> list[str]:
        return [
            leaf
            for key, value in section.items()
            for leaf in (
                leaves(value, f"{above}{key}.")
                if isinstance(value, dict) and value and key != "models"
                else [above + key]
            )
        ]

    resolved = resolve({})
    of_model = [f"models.<name>.{key}" for key in resolved["models"]["gru"]]
    rows = re.findall(r"^\| `([^`]+)` \|", table(), re.MULTILINE)
    # By then, a sweep has become several models.
    assert sorted(rows) == sorted([*leaves(resolved), *of_model, "models.<name>.sweep"])


def test_the_table_gives_what_is_allowed_and_the_default() -> None:
    rows = {row.split("`")[1]: row for row in table().splitlines()[2:]}
    momentum, cell = rows["training.momentum"], rows["models.<name>.cell"]
    assert momentum.startswith("| `training.momentum` | `0` | Only used by `sgd`. *Allowed: ")
    assert momentum.endswith(" *Allowed: a finite number at least 0 and less than 1.* |")
    assert cell.startswith("| `models.<name>.cell` | needed | ")
    assert cell.endswith(f" *Allowed: one of {', '.join(CELLS)}.* |")

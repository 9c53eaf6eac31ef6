"""Tables, methods and figures for a paper."""

import re
from pathlib import Path

import pandas as pd
import pytest
from made_up import noisy

from noisynames.reporting import paper
from noisynames.reporting.paper import TABLES

MANIFEST = {
    "names": 1234, "languages": 2, "source": "made up", "version": "1", "sha256": "0" * 64,
}  # fmt: skip


def test_every_table_is_written_as_latex_and_as_markdown(tmp_path: Path) -> None:
    findings, config = noisy({"rnn": (0.4, 0.3), "gru": (0.6, 0.5)})
    tables = {"runs": pd.DataFrame({"model": ["rnn"], "loss": [1.5]}), "none": pd.DataFrame()}
    paper.write(tables, findings, config, MANIFEST, tmp_path)
    for name, caption in TABLES.items():
        text = (tmp_path / f"{name}.tex").read_text()
        assert r"\toprule" in text
        assert caption.replace("%", r"\%") in text
        assert text.isascii(), "a plain LaTeX takes it"
        assert (tmp_path / f"{name}.md").read_text().count("| RNN") or name in (
            "contrasts",
            "pairs",
        )
    rows = pd.read_parquet(tmp_path / "tables.parquet")
    assert rows[["table", "model", "loss"]].values.tolist() == [["runs", "rnn", 1.5]]


def test_latex_shows_a_label_as_it_is() -> None:
    text = paper.latex(pd.DataFrame({"Pair_1": ["a & b_1 $x$ 50 %"]}), "50 % of it", "tab:x")
    assert r"a \& b\_1 \$x\$ 50 \%" in text
    assert r"\caption{50 \% of it}" in text


def test_a_table_without_rows_is_a_comment() -> None:
    assert paper.latex(pd.DataFrame(), "Pairs", "tab:x") == "% Pairs: nothing to show\n"


def test_methods_describe_the_experiment_with_its_numbers() -> None:
    findings, config = noisy({"rnn": (0.4, 0.3), "deep": (0.6, 0.5)}, seeds=7)
    text = paper.methods(findings, config, MANIFEST)
    assert "We trained 2 models (RNN and LSTM (2 layers)) to name the language of 1,234" in text
    assert "with 7 seeds" in text
    assert "28 of 28 runs completed" in text
    assert "margins of 1.0 points in macro-averaged held-out accuracy" in text
    assert re.search(r"Config [0-9a-f]{12}; data SHA-256 0{64}\.$", text)


@pytest.mark.parametrize("change", [{"seeds": [1]}, {"report": {"title": "Other"}}])
def test_a_different_config_has_a_different_hash(change: dict[str, object]) -> None:
    _, config = noisy({"rnn": (0.4, 0.3), "gru": (0.6, 0.5)})
    assert paper.config_hash(config) == paper.config_hash(dict(reversed(config.items())))
    assert paper.config_hash(config | change) != paper.config_hash(config)

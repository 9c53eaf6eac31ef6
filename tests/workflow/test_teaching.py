"""The commands of docs/teaching.md, in its order, on runs shortened to fit a test."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

pytestmark = pytest.mark.workflow


def test_a_class_trains_and_merges_as_the_lab_session_says(tmp_path: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "docs/teaching.md").read_text(), re.M | re.S)
    commands = "".join(blocks).splitlines()
    assert [command.split()[0] for command in commands] == [
        "snakemake", "snakemake", "noisynames", "snakemake",
    ]  # fmt: skip
    config = yaml.safe_load((ROOT / "config/class.yaml").read_text())
    config["models"] = {"rnn": {"cell": "rnn", "hidden_size": 4}}
    config["training"]["updates"] = 1000
    config["noise"]["levels"] = [5]
    config["baselines"] = ["majority"]
    (tmp_path / "config").mkdir()
    (tmp_path / "config/class.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    for name in ("Snakefile", "workflow", "report", "src", "environment.yml"):
        (tmp_path / name).symlink_to(ROOT / name)
    commands[1] += " --until train"  # the second student's report would be as the first one's
    said = ""
    for command in commands:
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
    assert (tmp_path / "ana/results/report.html").is_file()
    assert not re.search(r"^train +\d", said, re.MULTILINE)  # the last command trains nothing
    runs = tmp_path / "class/results/runs/rnn/noise5"
    assert sorted(path.name for path in runs.iterdir()) == [f"seed{n}" for n in range(12, 18)]
    assert (tmp_path / "class/results/report.html").is_file()

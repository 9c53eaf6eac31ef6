"""The pages in docs/: as a site, on their own, and the commands that they tell readers to type."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from test_reruns import clone_to

PAGES = [ROOT / "README.md", ROOT / "config/README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)

# What the pages tell a reader to type, in an order in which it can be typed, in a clone whose
# default config is small. Indented lines make what the next one takes for granted.
TYPED = """
make setup
source .venv/bin/activate
make docs
snakemake --directory first --configfile config/smoke.yaml --cores 2
snakemake --directory first --configfile config/smoke.yaml --cores 2 -n
snakemake --directory mine --configfile my.yaml --cores 4
snakemake -s PATH/Snakefile --directory my-experiment --configfile my.yaml --cores 4
make report
snakemake --list
snakemake -n
snakemake --cores 4 -n
snakemake --cores 4 --config seeds=3 'training={updates: 20000}'
snakemake --cores 1 results/runs/gru/noise5/seed0/losses.csv
snakemake --cores 1 -f report
snakemake --cores 4
snakemake --unlock
noisynames predict Schmidt "O'Neill"
noisynames verify results
mkdir ../before && cp -r results ../before
snakemake --cores 1 compare --config compare_with=../before/results
    for folder in A B before after; do cp -r ../before $folder; done
noisynames compare before/results after/results --names before,after --output compare.html
noisynames compare A/results B/results
    rm -r A/results/runs/gru/noise5/seed2
noisynames merge A/results B/results --into C/results
    for year in 2024 2025 2026; do cp results/report.html $year.html; done
noisynames compare 2024.html 2025.html 2026.html
    python -m zipfile -c main.zip before/results
noisynames compare main.zip results --json > findings.json || test $? -eq 1
jq -r '.outcome, (.worse[] | "\\(.model) \\(.noise) \\(.metric) \\(.mean)")' findings.json
snakemake --cores 1 report_partial
echo '{}' > my.yaml
noisynames train --model gru --noise 5 --seed 0
"""

# Commands that are not run here, and which test runs them or why none can.
ELSEWHERE = {
    "make test": "runs this",
    "make mutants": "takes an hour",
    ".venv/bin/python tests/mutants.py --count 50 'noisynames.names.*'": "takes minutes",
    ".venv/bin/mutmut show NAME": "shows what the one before it found",
    "make wasm": "tests/equivalence/test_webassembly.py",
    "make lock": "asks the package index",
    "conda env create -f environment.yml": "tests/test_environment.py",
    "pip install --no-deps -e .": "make setup does it",
    "pip install -r requirements.lock": "make setup does it",
    "python benchmarks/speed.py --jax PYTHON": "takes ten minutes, and needs JAX",
    "python benchmarks/verdicts.py": "tests/unit/analysis/test_verdicts.py",
    "python -m noisynames": "every rule does it",
    "snakemake --cores 1 crate": "tests/workflow/test_crate.py",
    "snakemake -s results/crate/Snakefile --cores 4": "tests/workflow/test_crate.py",
    "snakemake --cores 1 paper": "tests/workflow/test_workflow.py",
    "snakemake --cores 4 -R evaluate": "tests/workflow/test_workflow.py",
    "snakemake --report report.zip": "tests/report/test_validity.py",
    "snakedeploy deploy-workflow PATH my-experiment --branch main": "tests/workflow/test_module.py",
    "snakemake --cores 4 --sdm conda": "tests/workflow/test_anywhere.py",
    "snakemake --cores 4 --workflow-profile none": "tests/workflow/test_anywhere.py",
    "snakemake --profile profiles/slurm": "tests/cluster/test_slurm.py",
    "snakemake --cores 4 --forceall": "does what make report did",
    "export HOME=FOLDER USER=me": "tests/workflow/test_terminal.py",
    ".venv/bin/snakemake --cores 4": "tests/workflow/test_anywhere.py",
}
# Pages whose commands have tests of their own.
TESTED = {"teaching.md": "tests/workflow/test_teaching.py", "scaling.md": "tests/cluster"}
PROGRAMS = (
    "snakemake",
    "noisynames",
    "make",
    "python",
    "pip",
    "conda",
    "mkdir",
    "cp",
    "echo",
    "export",
)


def commands(page: Path) -> list[str]:
    """What a page tells a reader to type: lines of its shell blocks, and code in its text."""
    text = page.read_text()
    blocks = [block for kind, block in FENCED.findall(text) if kind == "sh"]
    lines = [re.sub(r" +# .*", "", line) for line in "".join(blocks).splitlines()]
    spans = re.findall(r"`([^`]+)`", FENCED.sub("", text))
    spans = [" ".join(span.split()) for span in spans]
    return lines + [
        span for span in spans if re.match(rf"({'|'.join(PROGRAMS)}|source|\.venv/bin/\w+) ", span)
    ]


@pytest.mark.workflow
def test_the_site_builds_without_a_warning_and_takes_nothing_from_other_hosts(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    assert [*tmp_path.rglob("*.py*")] == [], "what makes the site is not in it"
    pages = {page.name: page.read_text() for page in tmp_path.glob("*.html")}
    assert pages.keys() >= {f"{page.stem}.html" for page in PAGES[2:]} | {"configuration.html"}
    assert "<td><code>training.updates</code></td>" in pages["configuration.html"]
    assert re.search(r"<figure><svg.*inspect_attention.*</svg>", pages["architecture.html"], re.S)
    for name, page in pages.items():
        assert not re.search(r'<(script|link|img|iframe)[^>]+(src|href)="?(\w+:)?//', page), name
        assert "```" not in page and "](" not in re.sub(r"<pre.*?</pre>", "", page, flags=re.S), (
            name
        )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_links_of_a_page_lead_somewhere_in_the_clone(page: Path) -> None:
    text = FENCED.sub("", page.read_text())
    for path, anchor in re.findall(r"\]\((?!\w+:)([^)#]*)(#[^)]*)?\)", text):
        target = page.parent / path if path else page
        assert target.exists(), path
        if anchor:
            titles = re.findall(r"^#+ (.*)", target.read_text(), re.M)
            assert anchor[1:] in [
                re.sub(r"[^\w -]", "", t).lower().replace(" ", "-") for t in titles
            ]


def test_every_command_of_a_page_is_run_here_or_has_another_test() -> None:
    found = {command for page in PAGES if page.name not in TESTED for command in commands(page)}
    typed = {line for line in TYPED.splitlines() if line and not line.startswith(" ")}
    assert found == typed | ELSEWHERE.keys()
    assert not typed & ELSEWHERE.keys()
    tests = [where for where in [*ELSEWHERE.values(), *TESTED.values()] if where[:6] == "tests/"]
    assert all((ROOT / test).exists() for test in tests)


@pytest.mark.workflow
def test_the_commands_of_the_pages_work_as_written(smoke: Path, tmp_path: Path) -> None:
    clone = clone_to(tmp_path / "clone")
    for name in ("Makefile", "mkdocs.yml", "pyproject.toml", "requirements.lock", "docs"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, clone / name)
    # This environment, as after `make setup`.
    (clone / ".venv").mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (clone / ".venv" / name).symlink_to(Path(sys.prefix, name))
    (clone / ".venv/.ready").touch()
    shutil.copy(ROOT / "config/smoke.yaml", clone / "my.yaml")
    for folder in ("first", "mine", "my-experiment"):
        shutil.copytree(smoke, clone / folder)
    config = {
        "models": {"gru": {"cell": "gru", "hidden_size": 16}},
        "noise": {"levels": [5]}, "seeds": 3, "training": {"updates": 20000}, "baselines": [],
    }  # fmt: skip
    (clone / "config/config.yaml").write_text(yaml.safe_dump(config))
    lines = [line for line in TYPED.splitlines() if shutil.which("jq") or not line.startswith("jq")]
    typed = "\n".join(["set -ex", *lines]).replace("PATH/", f"{clone}/")
    done = subprocess.run(
        ["bash", "-c", typed], cwd=clone, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr

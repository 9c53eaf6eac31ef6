"""What the Snakemake workflow catalogue requires of a standardised workflow."""

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def test_the_readme_says_what_the_catalogue_searches_for() -> None:
    readme = (ROOT / "README.md").read_text().lower()
    assert "snakemake" in readme
    assert "workflow" in readme


def test_its_files_are_where_the_catalogue_looks() -> None:
    for name in ("workflow/Snakefile", "config/README.md", "config/config.yaml", "LICENSE"):
        assert (ROOT / name).stat().st_size > 0, name
    assert all(file.suffix == ".smk" for file in (ROOT / "workflow/rules").iterdir())


def test_its_settings_are_those_that_the_catalogue_reads() -> None:
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"}
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}
    deployment = usage["software-stack-deployment"]
    assert set(deployment) == {"conda", "apptainer", "apptainer+conda", "report"}
    # It may claim that conda works only as long as every rule names an environment.
    rules = [file.read_text() for file in (ROOT / "workflow/rules").glob("*.smk")]
    written = sum(text.count("    shell:\n") for text in rules)
    assert deployment["conda"] is True
    assert sum(text.count("    conda:\n") for text in rules) == written > 10

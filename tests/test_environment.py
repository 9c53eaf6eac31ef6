"""pyproject.toml, requirements.lock and environment.yml name one environment."""

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def name(requirement: str) -> str:
    match = re.match(r"[\w.-]+", requirement)
    assert match
    return match[0].lower()


def pins(lines: list[str]) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([\w.+]+)", "\n".join(lines), re.MULTILINE))


LOCK = pins((ROOT / "requirements.lock").read_text().splitlines())
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]


def test_conda_gets_the_locked_version_of_every_dependency() -> None:
    conda = pins(CONDA[-1]["pip"])
    assert set(conda) == {name(requirement) for requirement in PROJECT["dependencies"]}
    assert conda == {package: LOCK[package] for package in conda}
    assert f"python{PROJECT['requires-python']}" in CONDA


def test_the_lock_pins_every_dependency() -> None:
    wanted = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]
    assert {name(requirement) for requirement in wanted} <= set(LOCK)


def test_no_pin_belongs_to_one_platform() -> None:
    assert not [package for package, version in LOCK.items() if "+" in version]


def test_the_lock_names_no_index() -> None:
    assert "://" not in (ROOT / "requirements.lock").read_text()

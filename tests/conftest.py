import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# A machine that is busy with other tests may be slow, which is not the code's fault.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")

ROOT = Path(__file__).resolve().parent.parent

Snakemake = Callable[..., subprocess.CompletedProcess[str]]


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every result by its path; what was measured (times, memory) is left out.

    That is all of a timing file, a log or a benchmark file, the figure over seconds, and what the
    report says of them.
    """
    varying = re.compile(r"timings?\.|^results/(logs|benchmarks)/|loss_by_seconds\.svg$|\.part$")
    measured = re.compile(rb"<!-- measured -->.*?<!-- /measured -->", re.DOTALL)
    found = {}
    for path in sorted((folder / "results").rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and not varying.search(name):
            content = measured.sub(b"", path.read_bytes())
            found[name] = hashlib.sha256(content).hexdigest()
    return found


def planned(output: str) -> dict[str, int]:
    """The number of jobs that a dry run plans, by rule."""
    jobs = re.findall(r"^(\w+) +(\d+)$", output, re.MULTILINE)
    return {rule: int(count) for rule, count in jobs if rule not in ("total", "all")}


@pytest.fixture(scope="session")
def tutorial_names() -> Path:
    """The tutorial's names, which are not part of the project."""
    folder = os.environ.get("NOISYNAMES_TUTORIAL_NAMES")
    if not folder:
        pytest.skip("NOISYNAMES_TUTORIAL_NAMES is not set: no copy of the tutorial's names")
    return Path(folder)


@pytest.fixture(scope="session")
def snakemake() -> Snakemake:
    """Run the real snakemake on this clone's Snakefile in a folder of its own."""

    def run(
        folder: Path, *arguments: str | Path, check: bool = True, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        folder.mkdir(parents=True, exist_ok=True)
        program = shutil.which("snakemake")
        assert program, "snakemake is not on the PATH"
        command = [program, "-s", ROOT / "Snakefile", "--directory", folder, *arguments]
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, check=False, cwd=ROOT,
            env=os.environ | environment,
        )  # fmt: skip
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def smoke(snakemake: Snakemake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An experiment folder in which config/smoke.yaml ran to the report, on two cores."""
    folder = tmp_path_factory.mktemp("smoke")
    snakemake(folder, "--configfile", ROOT / "config/smoke.yaml", "--cores", "2")
    return folder

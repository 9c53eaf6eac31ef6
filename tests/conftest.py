import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

Snakemake = Callable[..., subprocess.CompletedProcess[str]]


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
        folder: Path, *arguments: str | Path, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        folder.mkdir(parents=True, exist_ok=True)
        program = shutil.which("snakemake")
        assert program, "snakemake is not on the PATH"
        command = [program, "-s", ROOT / "Snakefile", "--directory", folder, *arguments]
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, check=False, cwd=ROOT
        )
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def smoke(snakemake: Snakemake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An experiment folder in which config/smoke.yaml ran to the report, on two cores."""
    folder = tmp_path_factory.mktemp("smoke")
    snakemake(folder, "--configfile", ROOT / "config/smoke.yaml", "--cores", "2")
    return folder

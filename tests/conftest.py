import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import starting
import yaml
from filelock import FileLock
from hypothesis import settings

# A machine that is busy with other tests may be slow, which is not the code's fault.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")

ROOT = Path(__file__).resolve().parent.parent

Snakemake = Callable[..., subprocess.CompletedProcess[str]]
Once = Callable[[str, Callable[[Path], object]], Path]
Installed = Callable[..., Path]

TINY = {
    "models": {"gru": {"cell": "gru", "hidden_size": 4, "readout": "attention"}},
    "noise": {"levels": [0, 2]},
    "seeds": 2,
    "baselines": ["majority"],
    "training": {"updates": 400, "record_every": 100},
}
"""The smallest experiment whose results include every kind of file."""


@pytest.hookimpl(trylast=True)  # after what is not asked for was left out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every worker long tests first and unit tests last: none works alone at the end.

    `--dist worksteal` gives each worker an equal share of the list, in its order, to begin with.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    short: list[pytest.Item] = []
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        of_unit = ROOT / "tests/unit" in item.path.parents
        (short if of_unit else files.setdefault(item.path, [])).append(item)
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        share = [item for tests in list(files.values())[worker::workers] for item in tests]
        space = (len(items) - len(ordered)) // (workers - worker) - len(share)
        ordered += share + [short.pop(0) for _ in range(min(space, len(short)))]
    items[:] = ordered + short


def compared(folder: Path) -> dict[str, Path]:
    """The results in an experiment's folder by name; what only holds times and memory is left out.

    That is a timing file, a log or a benchmark file, and the figure over seconds.
    """
    varying = re.compile(r"timings?\.|^results/(logs|benchmarks)/|loss_by_seconds\.svg$|\.part$")
    files = [path for path in sorted((folder / "results").rglob("*")) if path.is_file()]
    named = {str(path.relative_to(folder)): path for path in files}
    return {name: path for name, path in named.items() if not varying.search(name)}


def digest(path: Path) -> str:
    """SHA-256 of a result; what the report says of times and memory is left out."""
    measured = re.compile(rb"<!-- measured -->.*?<!-- /measured -->", re.DOTALL)
    return hashlib.sha256(measured.sub(b"", path.read_bytes())).hexdigest()


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every result by its name; what was measured (times, memory) is left out."""
    return {name: digest(path) for name, path in compared(folder).items()}


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
        command = ["-s", ROOT / "Snakefile", "--directory", folder, *arguments]
        words = [str(word) for word in command]
        if environment:
            done = subprocess.run(
                ["snakemake", *words], capture_output=True, text=True, check=False, cwd=ROOT,
                env=os.environ | environment,
            )  # fmt: skip
        else:
            done = starting.snakemake(words, ROOT)
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Make a file or folder once for all workers of this run: the others wait, and only read it."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def made(name: str, make: Callable[[Path], object]) -> Path:
        path, done = shared / name, shared / f"{name}.done"
        with FileLock(shared / f"{name}.lock"):
            if not done.exists():
                shutil.rmtree(path, ignore_errors=True)  # of a worker that failed
                make(path)
                done.touch()
        return path

    return made


@pytest.fixture(scope="session")
def installed(once: Once) -> Installed:
    """Install packages, given as pip's arguments, into a folder apart from the environment."""

    def install(name: str, *asked: str) -> Path:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
        return once(
            name,
            lambda folder: subprocess.run([*command, "--target", folder, *asked], check=True),
        )

    return install


@pytest.fixture(scope="session")
def smoke(once: Once, snakemake: Snakemake) -> Path:
    """An experiment folder in which config/smoke.yaml ran to the report, on two cores.

    Other tests read it at the same time: one that changes it copies it first.
    """
    config = ROOT / "config/smoke.yaml"
    return once("smoke", lambda folder: snakemake(folder, "--configfile", config, "--cores", "2"))


@pytest.fixture(scope="session")
def tiny_config(once: Once) -> Path:
    """A file with TINY."""
    return once("tiny.yaml", lambda path: path.write_text(yaml.safe_dump(TINY)))


@pytest.fixture(scope="session")
def tiny(once: Once, snakemake: Snakemake, tiny_config: Path) -> Path:
    """An experiment folder in which TINY ran to the report; read like `smoke`."""
    return once(
        "tiny", lambda folder: snakemake(folder, "--configfile", tiny_config, "--cores", "2")
    )

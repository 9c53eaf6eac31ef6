"""A short run must not pay for what it does not use; several jobs can share the cache."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import Once

from noisynames.names import splits as splitting
from noisynames.training.compiled import cache as compiled


def write_splits(folder: Path) -> None:
    rows = [(label, f"{label}{a}{b}") for label in ("Ba", "Do") for a in "abcd" for b in "efgh"]
    splitting.write(splitting.split_names(rows, 0), folder / "seed0.csv")


@pytest.fixture
def splits(tmp_path: Path) -> Path:
    write_splits(tmp_path)
    return tmp_path


def kernel_in(cache: Path) -> bytes:
    """The only kernel in a cache folder."""
    (file,) = cache.glob("*.bin")
    return file.read_bytes()


def train_in(
    output: Path,
    splits: Path,
    cache: Path,
    code: str = "",
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    program = f"""
import sys
sys.argv = ["noisynames", "train", "--model", "rnn", "--noise", "2", "--seed", "0", "--updates",
            "50", "--hidden-size", "4", "--readout", "attention",
            "--split", {str(splits / "seed0.csv")!r}, "--output", {str(output)!r}]
from noisynames.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
{code}
"""
    return subprocess.run(
        [sys.executable, "-c", program],
        env={"NOISYNAMES_CACHE": str(cache), "PATH": "/usr/bin:/bin", **(environment or {})},
        cwd=folder,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="session")
def at_once(once: Once) -> Path:
    """A folder in which three jobs at once compiled the RNN's kernel, without Numba's options."""

    def make(folder: Path) -> None:
        folder.mkdir()
        write_splits(folder)

        def job(i: int) -> None:
            done = train_in(folder / f"run{i}", folder, folder / "cache")
            assert done.returncode == 0, done.stderr
            (folder / f"said{i}.txt").write_text(done.stderr)

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(job, range(3)))

    return once("at_once", make)


def test_a_compiled_run_imports_no_heavy_library(tmp_path: Path, splits: Path) -> None:
    compiled.load("rnn", 16)
    names = {"torch", "pandas", "numba", "scipy", "faker"}
    if (sys.platform, platform.machine()) == ("linux", "x86_64"):
        names.add("llvmlite.binding")
    heavy = f"assert not {names} & set(sys.modules)"
    done = train_in(tmp_path / "run", splits, compiled.cache_folder(), heavy)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run/seed0/losses.csv").is_file()


@pytest.mark.parametrize(
    ("command", "settings"),
    [
        (["evaluate", "--trained-at", "2", "--noise", "2"], '{"keep": "all"}'),
        (["probe"], '{"longest_suffix": 2, "names_per_language": 2}'),
        (
            ["inspect-attention", "--trained-at", "2", "--noise", "2"],
            '{"keep": "all", "names_per_language": 2}',
        ),
    ],
)
def test_a_test_of_a_run_imports_no_heavy_library(
    command: list[str], settings: str, at_once: Path, tmp_path: Path
) -> None:
    asked = [*command, str(at_once / "run0/seed0/run.json"), "--noise-characters", "."]
    asked += ["--split", str(at_once / "seed0.csv"), "--settings", settings]
    asked += ["--output", str(tmp_path / "rows.csv")]
    program = f"""
import sys
from noisynames.cli import app
app({asked}, standalone_mode=False)
assert not {{"torch", "pandas", "numba", "scipy"}} & set(sys.modules)
"""
    environment = os.environ | {"NOISYNAMES_CACHE": str(at_once / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "rows.csv").read_text().splitlines()) > 2


def test_jobs_that_compile_at_the_same_time_do_no_harm(at_once: Path) -> None:
    said = [path.read_text() for path in at_once.glob("said*.txt")]
    weights = [path.read_bytes() for path in at_once.glob("run*/seed0/weights.safetensors")]
    assert len(weights) == 3, said
    assert len(set(weights)) == 1
    assert sum("compiling the rnn" in text for text in said) == 1, "the others wait for it"


def test_a_damaged_cache_file_is_replaced(tmp_path: Path, splits: Path, at_once: Path) -> None:
    cache = shutil.copytree(at_once / "cache", tmp_path / "cache")
    (file,) = cache.glob("*.bin")
    file.write_bytes(file.read_bytes()[:-100])
    done = train_in(tmp_path / "run", splits, cache)
    assert done.returncode == 0, done.stderr
    assert "compiling" in done.stderr
    assert kernel_in(cache) == kernel_in(at_once / "cache")
    losses = [folder / "seed0/losses.csv" for folder in (at_once / "run0", tmp_path / "run")]
    assert losses[0].read_bytes() == losses[1].read_bytes()


def test_a_cache_that_cannot_be_written_only_costs_time(tmp_path: Path, splits: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    done = train_in(tmp_path / "run", splits, blocked / "cache")
    assert done.returncode == 0, done.stderr
    assert "cannot be written" in done.stderr
    assert (tmp_path / "run/seed0/losses.csv").is_file()


def test_ctrl_c_stops_within_an_interval_and_leaves_no_file(tmp_path: Path, splits: Path) -> None:
    import signal
    import time

    command = [
        sys.executable, "-u", "-c",
        # A script's background jobs ignore SIGINT, and so would programs that tests start there.
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from noisynames.cli import main; sys.argv[0] = 'noisynames'; main()",
        "train", "--model", "gru", "--noise", "2", "--seed", "0", "--updates", "1000000000",
        "--report-every", "1000", "--split", str(splits / "seed0.csv"),
        "--output", str(tmp_path / "run"),
    ]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    while "0%" not in process.stderr.readline():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == (
        f"noisynames: interrupted; nothing was written to {tmp_path}/run/seed0"
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "options",
    [
        {"NUMBA_OPT": "0", "NUMBA_LOOP_VECTORIZE": "0", "NUMBA_BOUNDSCHECK": "1",
         "NUMBA_DEBUGINFO": "1", "NUMBA_CPU_NAME": "generic"},
        {"NUMBA_DISABLE_JIT": "1"},
    ],
)  # fmt: skip
def test_numbas_options_do_not_change_a_kernel(
    options: dict[str, str], tmp_path: Path, splits: Path, at_once: Path
) -> None:
    """Those of the environment, and those of a file in the folder where a job is started."""
    (tmp_path / ".numba_config.yaml").write_text("opt: 0\nboundscheck: 1\n")
    done = train_in(
        tmp_path / "run", splits, tmp_path / "cache", folder=tmp_path, environment=options
    )
    assert done.returncode == 0, done.stderr
    assert kernel_in(tmp_path / "cache") == kernel_in(at_once / "cache")

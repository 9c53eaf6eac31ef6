"""A short run must not pay for what it does not use; several jobs can share the cache."""

import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from noisynames.names import splits as splitting
from noisynames.training.compiled import cache as compiled


@pytest.fixture
def splits(tmp_path: Path) -> Path:
    rows = [(label, f"{label}{a}{b}") for label in ("Ba", "Do") for a in "abcd" for b in "efgh"]
    splitting.write(splitting.split_names(rows, 0), tmp_path / "seed0.csv")
    return tmp_path


def kernel_in(cache: Path) -> bytes:
    """The only kernel in a cache folder."""
    (file,) = cache.glob("*.bin")
    return file.read_bytes()


@pytest.fixture(scope="module")
def clean_kernel(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The RNN's kernel, compiled where nothing sets Numba's options."""
    folder = tmp_path_factory.mktemp("clean")
    rows = [(label, f"{label}{a}") for label in ("Ba", "Do") for a in "abcdefgh"]
    splitting.write(splitting.split_names(rows, 0), folder / "seed0.csv")
    assert train_in(folder / "run", folder, folder / "cache").returncode == 0
    return kernel_in(folder / "cache")


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
            "50", "--hidden-size", "4", "--split", {str(splits / "seed0.csv")!r},
            "--output", {str(output)!r}]
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


def test_a_compiled_run_imports_no_heavy_library(tmp_path: Path, splits: Path) -> None:
    compiled.load("rnn", 16)
    names = {"torch", "pandas", "numba", "scipy", "faker"}
    if (sys.platform, platform.machine()) == ("linux", "x86_64"):
        names.add("llvmlite.binding")
    heavy = f"assert not {names} & set(sys.modules)"
    done = train_in(tmp_path / "run", splits, compiled.cache_folder(), heavy)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run/seed0/losses.csv").is_file()


def test_jobs_that_compile_at_the_same_time_do_no_harm(tmp_path: Path, splits: Path) -> None:
    cache = tmp_path / "cache"
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(lambda i: train_in(tmp_path / f"run{i}", splits, cache), range(3)))
    assert [run.returncode for run in runs] == [0, 0, 0], runs
    told = sum("compiling the rnn" in run.stderr for run in runs)
    assert told == 1, "one job compiles, the others wait for it"
    weights = {(tmp_path / f"run{i}/seed0/weights.safetensors").read_bytes() for i in range(3)}
    assert len(weights) == 1


def test_a_damaged_cache_file_is_replaced(tmp_path: Path, splits: Path) -> None:
    cache = tmp_path / "cache"
    train_in(tmp_path / "one", splits, cache)
    (file,) = cache.glob("*.bin")
    file.write_bytes(file.read_bytes()[:-100])
    done = train_in(tmp_path / "two", splits, cache)
    assert done.returncode == 0, done.stderr
    assert "compiling" in done.stderr
    losses = [(tmp_path / f"{name}/seed0/losses.csv").read_bytes() for name in ("one", "two")]
    assert losses[0] == losses[1]


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
    options: dict[str, str], tmp_path: Path, splits: Path, clean_kernel: bytes
) -> None:
    done = train_in(tmp_path / "run", splits, tmp_path / "cache", environment=options)
    assert done.returncode == 0, done.stderr
    assert kernel_in(tmp_path / "cache") == clean_kernel


def test_a_file_of_numbas_options_does_not_change_a_kernel(
    tmp_path: Path, splits: Path, clean_kernel: bytes
) -> None:
    (tmp_path / ".numba_config.yaml").write_text("opt: 0\nboundscheck: 1\n")
    done = train_in(tmp_path / "run", splits, tmp_path / "cache", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert kernel_in(tmp_path / "cache") == clean_kernel

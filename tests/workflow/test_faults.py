"""Killed, out of space, without permission: nothing is lost, and nothing half-written is left."""

import csv
import errno
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil
import pytest
import starting
from conftest import ROOT, Snakemake, compared, digest, hashes

from noisynames.analysis import tables
from noisynames.reporting import drawing

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def undisturbed(tiny: Path) -> dict[str, str]:
    return hashes(tiny)


class Watcher(threading.Thread):
    """Checks every result whenever it changes, and records each that is not as it should be."""

    def __init__(self, folder: Path, expected: dict[str, str]) -> None:
        super().__init__(daemon=True)
        self.folder, self.expected = folder, expected
        self.wrong: set[str] = set()
        self.looks = 0
        self._checked: dict[str, tuple[int, ...]] = {}
        self._stop_now = threading.Event()

    def run(self) -> None:
        while not self._stop_now.is_set():
            with suppress(FileNotFoundError):  # a file was removed while it was being checked
                for name, path in compared(self.folder).items():
                    state = path.stat()
                    version = (state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
                    if self._checked.get(name) != version:
                        self.wrong |= {name} if digest(path) != self.expected.get(name) else set()
                        self._checked[name] = version
                self.looks += 1
            time.sleep(0.01)

    def finish(self) -> None:
        self._stop_now.set()
        self.join()


def kill_once(folder: Path, config: Path, rng: random.Random) -> str:
    """Start Snakemake and kill it, or one of its jobs, at a random moment; say what was killed."""
    program = shutil.which("snakemake")
    assert program
    command = [program, "-s", ROOT / "Snakefile", "--directory", folder, "--cores", "2"]
    command += ["--configfile", config]
    main = subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    how = rng.choice([signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
    of_a_job = rng.random() < 1 / 3
    moment = rng.uniform(1.5, 9)
    with suppress(subprocess.TimeoutExpired):
        main.wait(moment)
    done = "finished before"
    if main.poll() is None:
        process = psutil.Process(main.pid)
        jobs = [p for p in process.children(recursive=True) if "noisynames" in " ".join(cmd(p))]
        victim = rng.choice(jobs) if of_a_job and jobs else process
        with suppress(psutil.NoSuchProcess):
            victim.send_signal(how)
        done = (
            f"{how.name} to {'a job' if victim is not process else 'snakemake'} at {moment:.1f} s"
        )
    try:
        main.wait(60)
    except subprocess.TimeoutExpired:
        # Snakemake 9.27 takes a lock on SIGTERM, and waits for ever if it has that lock just then.
        main.kill()
        main.wait()
        done += ", then SIGKILL to snakemake"
    return done


def cmd(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def disturb(
    kills: int, folder: Path, config: Path, snakemake: Snakemake, expected: dict[str, str]
) -> None:
    """Kill it `kills` times, each time recovering as the README says."""
    rng = random.Random(20)
    told: list[str] = []
    folder.mkdir()
    while len(told) < kills:
        if hashes(folder) == expected:
            shutil.rmtree(folder / "results")  # all is done: begin again
        watcher = Watcher(folder, expected)
        watcher.start()
        told.append(kill_once(folder, config, rng))
        watcher.finish()
        assert watcher.looks > 5
        assert watcher.wrong == set(), f"{told[-1]}: not as written"
        if "SIGKILL to snakemake" in told[-1]:
            snakemake(folder, "--configfile", config, "--unlock")
    snakemake(folder, "--configfile", config, "--cores", "2")
    assert hashes(folder) == expected
    assert list(folder.rglob("*.part")) == []
    print("\n".join(told))


def test_killed_anywhere_it_continues_to_the_same_bytes(
    tmp_path: Path, tiny_config: Path, snakemake: Snakemake, undisturbed: dict[str, str]
) -> None:
    disturb(4, tmp_path / "killed", tiny_config, snakemake, undisturbed)


@pytest.mark.full
def test_killed_twenty_times_it_continues_to_the_same_bytes(
    tmp_path: Path, tiny_config: Path, snakemake: Snakemake, undisturbed: dict[str, str]
) -> None:
    disturb(20, tmp_path / "killed", tiny_config, snakemake, undisturbed)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own of 1,200 kB: room for the data set and its splits, not for predictions."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1200k", "tmpfs", folder],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)


def test_a_full_disk_is_one_message_and_the_run_continues_once_there_is_room(
    disk: Path, tiny_config: Path, snakemake: Snakemake, undisturbed: dict[str, str]
) -> None:
    # One job is the last and has much to write: else the disk may be full where Snakemake itself
    # writes, when it records the end of another job.
    last = "results/evaluation/majority/noise0.csv"
    full = snakemake(disk, "--configfile", tiny_config, "--cores", "1", last, check=False)
    assert full.returncode == 1
    output = full.stdout + full.stderr
    assert "No space left on device" in output
    assert "Traceback" not in output
    left = hashes(disk)
    assert left.items() <= undisturbed.items()
    remount(disk, "size=64m")
    snakemake(disk, "--configfile", tiny_config, "--cores", "2")
    assert hashes(disk) == undisturbed


@pytest.mark.parametrize("what", ["experiment", "results"])
def test_a_folder_that_cannot_be_written_is_one_line(
    disk: Path, tiny_config: Path, snakemake: Snakemake, what: str
) -> None:
    folder = disk
    if what == "results":
        folder = disk.parent / "experiment"
        folder.mkdir()
        (folder / "results").symlink_to(disk)
    remount(disk, "ro")
    done = snakemake(folder, "--configfile", tiny_config, "--cores", "2", check=False)
    place = folder / "results" if what == "results" else folder
    lines = [line for line in done.stderr.splitlines() if line.startswith(str(place))]
    assert lines == [f"{place}: cannot be written; allow it, or name another --directory"]
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr


DAMAGE = {
    "truncated": lambda content: content[: len(content) // 2],
    "altered": lambda content: bytes([content[0] ^ 1]) + content[1:],
}


@pytest.mark.parametrize(
    ("file", "rule", "damage"),
    [
        ("dataset/names.csv", "split", "altered"),
        ("splits/seed1.csv", "train", "altered"),
        ("runs/rnn/noise0/seed1/losses.csv", "aggregate", "truncated"),
        ("runs/rnn/noise0/seed1/weights.safetensors", "evaluate", "altered"),
        ("runs/rnn/noise0/seed1/run.json", "aggregate", "altered"),
        ("evaluation/rnn/noise0.csv", "aggregate", "altered"),
        ("evaluation/rnn/noise0-recall.csv", "aggregate", "altered"),
        ("probes/rnn/noise0.csv", "aggregate", "truncated"),
        ("attention/gru_attention/noise2.csv", "aggregate", "truncated"),
        ("tables/accuracy.csv", "plot", "altered"),
        ("tables/findings.json", "report", "altered"),
    ],
)
def test_a_damaged_file_is_refused_when_it_is_read(
    smoke: Path, tmp_path: Path, file: str, rule: str, damage: str
) -> None:
    """The job's command is run by hand: Snakemake would notice a changed file and make it again."""
    results = tmp_path / "results"
    shutil.copytree(smoke / "results", results)
    path = results / file
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    before = hashes(tmp_path)
    environment = os.environ | {"NOISYNAMES_TEMPLATES": str(ROOT / "report")}
    done = subprocess.run(
        ["sh", "-c", job_command(smoke, rule)],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = [line for line in done.stderr.splitlines() if "compiling" not in line]
    where = f"results/{file}"
    assert lines == [
        f"noisynames: {where}: truncated or altered since it was written; "
        f"`rm {where}`, then run again"
    ]
    assert done.returncode == 1
    assert hashes(tmp_path) == before


@cache
def job_command(smoke: Path, rule: str) -> str:
    """The shell command that Snakemake runs for a rule's job on seed 1 of rnn at noise 0."""
    target = {
        "split": "results/splits/seed1.csv",
        "train": "results/runs/rnn/noise0/seed1/losses.csv",
        "evaluate": "results/evaluation/rnn/noise0.csv",
    }.get(rule, rule)
    done = starting.snakemake(
        [
            "-s", str(ROOT / "Snakefile"), "--directory", str(smoke), "-n", "-p", "-f", target,
            "--configfile", str(ROOT / "config/smoke.yaml"),
        ],
        ROOT,
    )  # fmt: skip
    (command,) = re.findall(
        r"^Shell command: (python -m noisynames .*)$", done.stdout, re.MULTILINE
    )
    return re.sub(r"2?> results/logs\S+( 2>&1)?", "", command)


def test_no_process_that_draws_outlives_the_job(smoke: Path, tmp_path: Path) -> None:
    figures = [path.stem for path in (smoke / "results/figures").iterdir()]
    command = ["noisynames", "plot", *map(str, (smoke / "results/tables").iterdir())]
    command += [f"--figure={name}" for name in figures]
    command += ["--processes", "2", "--output", str(tmp_path)]
    job = psutil.Popen(command)
    children: list[psutil.Process] = []
    while len(children) < 2 and job.poll() is None:
        children = job.children()
        time.sleep(0.01)
    job.kill()
    job.wait()
    assert len(children) == 2
    assert psutil.wait_procs(children, timeout=20)[1] == []


def test_figures_are_drawn_where_there_are_no_semaphores(
    smoke: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As where /dev/shm cannot be written, which could only be tried for real with a mount."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("multiprocessing.synchronize.SemLock.__init__", refuse)
    drawing.draw(["cross", "rules"], *tables.read(smoke / "results/tables"), tmp_path, 2)
    for name in ("cross", "rules"):
        drawn = (tmp_path / f"{name}.svg").read_bytes()
        assert drawn == (smoke / f"results/figures/{name}.svg").read_bytes()
    assert "no semaphores (" in capsys.readouterr().out


def test_a_failed_run_does_not_affect_others_and_is_made_up_for(
    tmp_path: Path, tiny_config: Path, snakemake: Snakemake
) -> None:
    """Python itself exits at the start of one run, as on a machine without memory."""
    (tmp_path / "start").mkdir()
    (tmp_path / "start/sitecustomize.py").write_text(
        "import os, sys\n"
        "if 'train --model gru --noise 2 --seed 1' in ' '.join(sys.orig_argv):\n"
        "    os._exit(9)\n"
    )
    folder = tmp_path / "experiment"
    failed = snakemake(
        folder, "--configfile", tiny_config, "--cores", "2", check=False,
        PYTHONPATH=str(tmp_path / "start"),
    )  # fmt: skip
    assert failed.returncode == 1
    assert "snakemake --cores 1 report_partial" in failed.stdout + failed.stderr
    assert len(list((folder / "results/runs").rglob("run.json"))) == 3
    assert not (folder / "results/report.html").exists()

    # What the partial report begins with, and puts on its page: tests/workflow/test_partial.py.
    told = snakemake(
        folder, "results/partial/missing.json", "--configfile", tiny_config, "--cores", "1"
    )
    assert "missing: gru noise 2 seed 1: not run, or failed" in told.stdout + told.stderr

    snakemake(folder, "results/tables/runs.csv", "--configfile", tiny_config, "--cores", "2")
    with (folder / "results/tables/runs.csv").open() as file:
        assert [row["status"] for row in csv.DictReader(file)] == ["ok"] * 4


@pytest.mark.parametrize(
    ("by_hand", "rule", "complaint"),
    [
        (
            "--updates 200 --split results/splits/seed1.csv",
            "aggregate",
            "trained with updates 200, the config says 400",
        ),
        (
            "--updates 400 --split other/seed1.csv",
            "evaluate",
            "trained on a different split from results/splits/seed1.csv",
        ),
    ],
)
def test_a_run_by_hand_in_place_of_another_is_not_mistaken_for_it(
    smoke: Path, tmp_path: Path, by_hand: str, rule: str, complaint: str
) -> None:
    shutil.copytree(smoke / "results", tmp_path / "results")
    folder = "results/runs/rnn/noise0/seed1"
    train = f"noisynames train --model rnn --noise 0 --seed 1 --hidden-size 8 {by_hand}"
    train += " --record-every 100 --output results/runs/rnn/noise0"
    split = "noisynames split --names results/dataset/names.csv --seed 1 --output other"
    split += ' --settings {"test_fraction":0.3}'
    subprocess.run(split.split(), cwd=tmp_path, check=True, capture_output=True)
    subprocess.run(train.split(), cwd=tmp_path, check=True, capture_output=True)
    done = subprocess.run(
        ["sh", "-c", job_command(smoke, rule)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == f"noisynames: {folder}: {complaint}; `rm -r {folder}`, then run again\n"
    assert done.returncode == 1

"""A real Slurm of one node on the loopback address, from Debian's packages.

`with running() as slurm:` brings up munged, slurmctld and slurmd, and stops what it started by
process id. It needs root, since slurmd does, and writes /etc/slurm/slurm.conf, which it puts back.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = ("munged", "mungekey", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
PACKAGES = "slurmctld slurmd slurm-client munge"
EXECUTOR = (
    "snakemake-executor-plugin-slurm==2.8.0",
    "snakemake-executor-plugin-slurm-jobstep==0.6.1",
    "throttler==1.2.3",
)
"""Snakemake's own executor for Slurm. If it is installed, Snakemake asks Slurm at every start."""
CONFIG = Path("/etc/slurm/slurm.conf")
PARTITION = "lab"


def why_not() -> str | None:
    """Return why Slurm cannot be started here; None if it can."""
    if missing := [program for program in PROGRAMS if not _find(program)]:
        return f"no {missing[0]}: `apt-get install --no-install-recommends {PACKAGES}`"
    if os.geteuid() != 0:
        return "slurmd needs root"
    if CONFIG.exists():
        return f"{CONFIG} exists: this machine has a Slurm of its own"
    return None


@dataclass
class Slurm:
    """The daemons' process ids, and the commands that tests use."""

    folder: Path
    pids: dict[str, int] = field(default_factory=dict)

    def run(self, *words: str) -> str:
        """Run a Slurm command and return what it prints."""
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        return done.stdout

    def jobs(self, *states: str) -> list[str]:
        """Return the ids of the jobs in the queue, or of those in the given states."""
        command = ["squeue", "--noheader", "--format=%i"]
        if states:
            command.append(f"--states={','.join(states)}")
        return self.run(*command).split()

    def submitted(self) -> int:
        """Return how many jobs were submitted so far: ids count from 1."""
        record = self.run("scontrol", "show", "config")
        (line,) = [line for line in record.splitlines() if line.startswith("NEXT_JOB_ID")]
        return int(line.split("=")[1]) - 1


@contextmanager
def running() -> Iterator[Slurm]:
    """Bring up a Slurm with one node and one partition, `lab`; take it down at the end."""
    folder = Path(tempfile.mkdtemp(prefix="noisynames-slurm-"))
    slurm = Slurm(folder)
    try:
        _start_munge(slurm)
        CONFIG.parent.mkdir(parents=True, exist_ok=True)
        CONFIG.write_text(_configuration(folder))
        for name in ("slurmctld", "slurmd"):
            log = folder / f"{name}.log"
            _start(slurm, name, [_found(name), "-D", "-L", str(log)])
        wait_until(lambda: "idle" in _state(), 60, f"the node to be idle; see {folder}")
        yield slurm
    finally:
        for pid in reversed(slurm.pids.values()):
            _stop(pid)
        CONFIG.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for a condition.

    Raises:
        TimeoutError: It did not hold in time.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.1)


def _start_munge(slurm: Slurm) -> None:
    run = Path("/run/munge")
    run.mkdir(exist_ok=True)
    shutil.chown(run, "munge", "munge")
    key = Path("/etc/munge/munge.key")
    if not key.exists():
        subprocess.run([_found("mungekey"), "--create"], check=True)
    shutil.chown(key, "munge", "munge")
    if (run / "munge.socket.2").exists() and _munge_answers():
        return  # one is already running, and is left alone
    command = ["setpriv", "--reuid=munge", "--regid=munge", "--clear-groups"]
    _start(slurm, "munged", [*command, _found("munged"), "--foreground", "--force"])
    wait_until(_munge_answers, 20, "munged")


def _munge_answers() -> bool:
    return subprocess.run(["munge", "-n"], capture_output=True, check=False).returncode == 0


def _start(slurm: Slurm, name: str, command: list[str]) -> None:
    with (slurm.folder / f"{name}.out").open("w") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    slurm.pids[name] = process.pid


def _stop(pid: int) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, number)
            wait_until(lambda: os.waitpid(pid, os.WNOHANG)[0] != 0, 10, f"process {pid} to end")
        except (ProcessLookupError, ChildProcessError):
            return
        except TimeoutError:
            continue
        return


def _state() -> str:
    command = ["sinfo", "--noheader", "--format=%T"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _configuration(folder: Path) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    settings = {
        "ClusterName": "test",
        "SlurmctldHost": f"{socket.gethostname()}(127.0.0.1)",
        "SlurmctldPort": 16817,
        "SlurmdPort": 16818,
        "SlurmUser": "root",
        "AuthType": "auth/munge",
        "ProctrackType": "proctrack/linuxproc",
        "TaskPlugin": "task/none",
        "SwitchType": "switch/none",
        "MpiDefault": "none",
        "SelectType": "select/cons_tres",
        "SelectTypeParameters": "CR_Core",
        "SchedulerParameters": "batch_sched_delay=0",
        "ReturnToService": 2,
        "MinJobAge": 600,
        "AccountingStorageType": "accounting_storage/none",
        "JobAcctGatherType": "jobacct_gather/none",
        "StateSaveLocation": folder / "state",
        "SlurmdSpoolDir": folder / "spool",
        "SlurmctldPidFile": folder / "slurmctld.pid",
        "SlurmdPidFile": folder / "slurmd.pid",
    }
    lines = [f"{key}={value}" for key, value in settings.items()]
    lines += [
        f"NodeName={socket.gethostname()} NodeAddr=127.0.0.1 CPUs={os.cpu_count()} "
        f"RealMemory={memory} State=UNKNOWN",
        f"PartitionName={PARTITION} Nodes=ALL Default=YES MaxTime=INFINITE State=UP",
    ]
    return "\n".join(lines) + "\n"


def _find(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def _found(program: str) -> str:
    path = _find(program)
    assert path, program
    return path

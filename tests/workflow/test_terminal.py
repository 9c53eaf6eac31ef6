"""What a user sees: on a terminal, in a pipe, without colours, after a mistake, after Ctrl-C."""

import os
import pty
import re
import shutil
import signal
import subprocess
import termios
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import ROOT, Snakemake, planned

pytestmark = pytest.mark.workflow

README = (ROOT / "README.md").read_text()
ESCAPE = "\x1b"
# A job with as many inputs as the one that makes the tables; what it logs and does is the test's.
WORKFLOW = """
files = [f"results/a/file/with/a/long/name/{n}.csv" for n in range(1000)]
rule all:
    input: "done.txt"
rule inputs:
    output: files
    shell: "touch {output}"
rule tables:
    input: files
    output: "done.txt"
    log: "tables.log"
    shell: COMMAND
"""
LOG = [f"line {n} of the log {'x' * (n % 150)}" for n in range(1500)]


class Terminal:
    """Snakemake on a terminal of 100 columns."""

    def __init__(self, folder: Path, *arguments: str | Path, **environment: str) -> None:
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (40, 100))
        env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LINES")}
        # Processes that a shell starts in the background ignore Ctrl-C, and so do their children.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.process = subprocess.Popen(
            ["snakemake", *map(str, arguments)], cwd=folder, start_new_session=True,
            env=env | {"TERM": "xterm"} | environment, stdin=theirs, stdout=theirs, stderr=theirs,
        )  # fmt: skip
        signal.signal(signal.SIGINT, before)
        os.close(theirs)
        self.ours = ours

    def output(self) -> Iterator[str]:
        """The output, piece by piece, up to the end."""
        with suppress(OSError):  # how Linux says that the other side has closed
            while piece := os.read(self.ours, 65536):
                yield piece.decode(errors="replace")
        os.close(self.ours)
        self.process.wait()


def workflow(folder: Path, command: str) -> list[str]:
    """Write a workflow whose second job does `command`; return Snakemake's arguments."""
    (folder / "Snakefile").write_text(WORKFLOW.replace("COMMAND", repr(command)))
    return ["--cores", "1", "--logger", "noisynames", "--show-failed-logs"]


def failing(folder: Path) -> list[str]:
    (folder / "told.txt").write_text("\n".join(LOG) + "\n")
    return workflow(folder, "cp told.txt {log}; exit 7")


def check_failure(lines: list[str]) -> None:
    first = lines.index(LOG[0])
    assert lines[first : first + len(LOG)] == LOG, "the log is not there in full"
    others = [*lines[:first], *lines[first + len(LOG) :]]
    assert "Error in tables" in others
    assert any("returned non-zero exit status 7" in line for line in others)
    assert max(map(len, others)) < 500
    assert not any("Traceback" in line for line in others)


def test_a_failed_jobs_log_is_shown_in_full_in_a_pipe(tmp_path: Path) -> None:
    done = subprocess.run(
        ["snakemake", *failing(tmp_path)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert ESCAPE not in done.stdout + done.stderr
    lines = done.stderr.splitlines()
    check_failure(lines)
    assert "1 of 3 done: inputs" in lines


def test_a_failed_jobs_log_is_shown_in_full_on_a_terminal(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, *failing(tmp_path))
    output = "".join(terminal.output())
    assert terminal.process.returncode == 1
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output)
    bars = [line for line in re.split(r"[\r\n]+", text) if "━" in line]
    assert any(re.match(r"inputs +━+ 1/1 ", bar) for bar in bars)
    check_failure([line for line in re.split(r"[\r\n]+", text) if "━" not in line])
    assert output.rindex("━") < output.index("Exiting because a job execution failed")
    assert output.rindex("\x1b[?25h") > output.rindex("\x1b[?25l"), "the cursor stays hidden"


def test_a_log_that_was_never_written_is_said_to_be_empty(tmp_path: Path) -> None:
    arguments = workflow(tmp_path, "exit 7")
    done = subprocess.run(
        ["snakemake", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "tables.log is empty" in done.stderr.splitlines()
    assert "Traceback" not in done.stderr


def test_ctrl_c_ends_the_bars_and_the_jobs(tmp_path: Path) -> None:
    arguments = workflow(tmp_path, "echo $$ > pid.txt; exec sleep 600")
    terminal = Terminal(tmp_path, *arguments)
    output, pressed = "", False
    for piece in terminal.output():
        output += piece
        if not pressed and (tmp_path / "pid.txt").exists():
            os.killpg(terminal.process.pid, signal.SIGINT)  # what the terminal does
            pressed = True
    assert terminal.process.returncode not in (0, None)
    assert "Traceback" not in output
    assert output.rindex("\x1b[?25h") > output.rindex("\x1b[?25l"), "the cursor stays hidden"
    job = int((tmp_path / "pid.txt").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(job, 0)


@pytest.fixture(scope="module")
def finished(smoke: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of a finished experiment, whose report can be written again."""
    return Path(shutil.copytree(smoke, tmp_path_factory.mktemp("terminal") / "experiment"))


def report_again() -> list[str | Path]:
    config = ROOT / "config/smoke.yaml"
    return ["-s", ROOT / "Snakefile", "--configfile", config, "--cores", "1", "-f", "report"]


def test_in_a_pipe_there_is_a_line_for_each_job_and_the_last_lines_name_the_report(
    finished: Path,
) -> None:
    command = ["snakemake", *map(str, report_again())]
    done = subprocess.run(command, cwd=finished, capture_output=True, text=True, check=True)
    lines = done.stderr.splitlines()
    assert ESCAPE not in done.stdout + done.stderr
    assert "1 of 1 done: report" in lines
    assert "Report: results/report.html" in lines[-3:]
    assert len(lines) < 20


def test_on_a_terminal_there_are_bars_and_the_report_is_below_them(finished: Path) -> None:
    terminal = Terminal(finished, *report_again())
    output = "".join(terminal.output())
    assert terminal.process.returncode == 0, output
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output)
    assert re.search(r"report +━+ 1/1 ", text)
    assert re.search(r"all jobs +━+ 1/1 ", text)
    assert text.rindex("━") < text.index("Report: results/report.html")


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_without_colours_gets_lines(finished: Path, environment: dict[str, str]) -> None:
    terminal = Terminal(finished, *report_again(), **environment)
    output = "".join(terminal.output())
    assert ESCAPE not in output
    assert "1 of 1 done: report" in output.splitlines()
    assert "Report: results/report.html" in output.splitlines()


def test_if_no_report_is_made_none_is_named(finished: Path, snakemake: Snakemake) -> None:
    run = "results/runs/rnn/noise0/seed0/losses.csv"
    done = snakemake(
        finished, "--configfile", ROOT / "config/smoke.yaml", "--cores", "1", "-f", run
    )
    assert "1 of 1 done: train (model rnn, noise 0, seed 0)" in done.stderr.splitlines()
    assert "Report:" not in done.stdout + done.stderr


@pytest.fixture(scope="module")
def default_plan(snakemake: Snakemake, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The output of a dry run of the main job."""
    return snakemake(tmp_path_factory.mktemp("plan"), "-n").stdout


def test_a_dry_run_gives_the_reason_for_each_job_in_a_short_line(default_plan: str) -> None:
    lines = default_plan.splitlines()
    assert max(map(len, lines)) < 300
    (line,) = [line for line in lines if line.startswith("train (model gru, noise 5, seed 3): ")]
    assert "Missing output files: results/runs/gru/noise5/seed3/" in line
    assert sum(line.startswith("job ") for line in lines) == 1, "the table of jobs, once"


def test_an_empty_config_is_written_as_braces(
    snakemake: Snakemake, tmp_path: Path, default_plan: str
) -> None:
    config = tmp_path / "my.yaml"
    config.write_text("")
    refused = snakemake(tmp_path, "--configfile", config, "-n", check=False)
    message = "Config file must be given as JSON or YAML"
    assert message in refused.stdout
    assert "Traceback" not in refused.stdout + refused.stderr
    (row,) = [line for line in README.splitlines() if message in line]
    (remedy,) = re.findall(r"`(echo [^`]*)`", row)
    subprocess.run(["sh", "-c", remedy], cwd=tmp_path, check=True)
    plan = planned(snakemake(tmp_path, "--configfile", config, "-n").stdout)
    assert plan["train"] == 4 * 2 * 10, "the worksheet's four models"
    assert plan.keys() == planned(default_plan).keys()


def test_a_home_that_cannot_be_written_has_the_remedy_in_the_readme(
    snakemake: Snakemake, tmp_path: Path
) -> None:
    environment = {"XDG_CACHE_HOME": "", "HOME": "/proc"}
    refused = snakemake(tmp_path, "-n", check=False, **environment)
    assert refused.returncode == 1
    assert "/.cache'" in refused.stdout
    (row,) = [line for line in README.splitlines() if "`.cache`" in line]
    (remedy,) = re.findall(r"`export (HOME=FOLDER USER=me)`", row)
    remedied = dict(word.split("=") for word in remedy.replace("FOLDER", str(tmp_path)).split())
    snakemake(tmp_path, "-n", **environment | remedied)


@pytest.mark.parametrize(
    ("what", "complaint"),
    [
        ("file", "a file; move it away, or name another --directory"),
        (
            "link",
            "a link to nowhere, which does not exist; make that folder, or remove the link",
        ),
    ],
)
def test_results_that_are_not_a_folder_are_one_line(
    snakemake: Snakemake, tmp_path: Path, what: str, complaint: str
) -> None:
    results = tmp_path / "results"
    if what == "file":
        results.write_text("mine")
    else:
        results.symlink_to("nowhere")
    done = snakemake(tmp_path, "--cores", "1", check=False)
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if line.startswith(str(tmp_path))]
    assert lines == [f"{results}: {complaint}"]
    assert "Traceback" not in done.stdout + done.stderr
    assert what != "file" or results.read_text() == "mine"

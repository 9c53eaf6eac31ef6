"""What `snakemake` shows: a bar for each rule on a terminal, otherwise one line for each job.

Snakemake's own lines name every input of a job, which takes 20,000 characters for the tables. In
both cases this shows the whole log of a job that failed. Snakemake finds this package by its name;
the profiles choose it (`logger: noisynames`), and `--logger` on the command line chooses another.
"""

import logging
import os
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from logging import LogRecord
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

if TYPE_CHECKING:  # it is imported only where bars are drawn
    from rich.progress import TaskID

# Messages without an event that say nothing about this experiment.
_CHATTER = (
    "Assuming unrestricted", "Conda environments", "Select jobs", "Using shell",
    "Retrieving from storage", "Storing in storage", "Finished upload", "Finished retrieval",
    "Removing local copy of storage",
)  # fmt: skip
_LONGEST_LINE = 400
_LONGEST_REASON = 160


class LogHandler(LogHandlerBase):
    """Snakemake's log in short; Snakemake looks for a class of this name."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = False  # Snakemake's own filter knows --quiet and --printshellcmds
    has_formatter = True
    needs_rulegraph = False

    def __post_init__(self) -> None:
        """Choose between bars and lines."""
        settings = self.common_settings
        self._stream = sys.stdout if settings.stdout else sys.stderr
        self._jobs: dict[int, tuple[str, str]] = {}
        self._done = self._total = 0
        self._bars: _Bars | None = None
        if not (settings.dryrun or settings.nocolor) and can_draw(sys.stdout, sys.stderr):
            self._bars = _Bars(self._stream)
        self._tell = {
            None: self._message,
            LogEvent.ERROR: self._message,
            LogEvent.SHELLCMD: lambda record: [record.getMessage()],
            LogEvent.RUN_INFO: self._planned,
            LogEvent.JOB_INFO: self._started,
            LogEvent.JOB_FINISHED: self._finished,
            LogEvent.JOB_ERROR: self._failed,
            LogEvent.GROUP_ERROR: self._group_failed,
        }

    def emit(self, record: LogRecord) -> None:
        """Show what a record says, if that is worth a line."""
        tell = self._tell.get(getattr(record, "event", None))
        try:
            for text in tell(record) if tell else ():
                if self._bars:
                    self._bars.print(text)
                else:
                    print(text, file=self._stream, flush=True)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._end_bars()
        super().close()

    def _end_bars(self) -> None:
        """Leave the bars as they are; all further lines appear below them."""
        if self._bars:
            self._bars.stop()
        self._bars = None

    def _message(self, record: LogRecord) -> Iterable[str]:
        text = record.getMessage()
        if record.levelno >= logging.ERROR and not hasattr(record, "event"):
            self._end_bars()  # it says why Snakemake ends
        if text not in ("", "None") and not text.startswith(_CHATTER):
            yield "\n".join(_shorten(line) for line in text.splitlines())

    def _planned(self, record: LogRecord) -> Iterable[str]:
        counts = dict(vars(record)["stats"])
        again = self._total > 0
        self._total = counts.pop("total")
        if self.common_settings.dryrun and not again:
            return  # it comes again, below the jobs that would run
        if self._bars:
            self._bars.start(counts, self._total)
        else:
            yield record.getMessage()

    def _started(self, record: LogRecord) -> Iterable[str]:
        rule = vars(record)["rule_name"]
        name = _name(rule, vars(record)["wildcards"])
        self._jobs[vars(record)["jobid"]] = (rule, name)
        if self._bars:
            self._bars.begin(rule)
        if self.common_settings.dryrun:
            reason = textwrap.shorten(vars(record)["reason"], _LONGEST_REASON, placeholder=" …")
            yield f"{name}: {reason}"

    def _finished(self, record: LogRecord) -> Iterable[str]:
        self._done += 1
        rule, name = self._jobs.pop(vars(record)["job_id"], ("", record.getMessage()))
        if self._bars:
            self._bars.advance(rule)
            if self._done == self._total:
                self._end_bars()
        else:
            yield f"{self._done} of {self._total} done: {name}"

    def _failed(self, record: LogRecord) -> Iterable[str]:
        rule = vars(record)["rule_name"]
        _, name = self._jobs.get(vars(record)["jobid"], (rule, rule))
        yield f"Error in {name}"
        yield from self._logs(vars(record)["log"])

    def _group_failed(self, record: LogRecord) -> Iterable[str]:
        """Name the jobs of a group that left no output; which of them failed is not known."""
        yield record.getMessage()
        yield from self._logs(vars(record)["aux_logs"])
        for job in vars(record)["job_error_info"]:
            if not all(Path(file).exists() for file in job["output"]):
                _, name = self._jobs.get(job["jobid"], ("", job["rule_name"]))
                yield f"Not done: {name}"
                yield from self._logs(log for log in job["log"] if Path(log).exists())

    def _logs(self, files: Iterable[str]) -> Iterator[str]:
        for log in files:
            name, file = _addressed(log)
            if not self.common_settings.show_failed_logs:
                yield f"Its log: {name}"
                continue
            try:
                text = file.read_text(encoding="utf-8", errors="replace").rstrip("\n")
            except FileNotFoundError:
                if "://" in name:  # the job ran elsewhere
                    yield f"Its log: {name}"
                    continue
                text = ""  # Snakemake makes an empty one in a moment
            except OSError as error:
                yield f"Its log, {name}, cannot be read: {error.strerror}"
                continue
            yield f"Its log, {name}:\n{text}\n(end of {name})" if text else f"{name} is empty"


class _Bars:
    """A bar for each rule with jobs to do, and one for all, below the lines that are printed."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

        columns = ("{task.description}", BarColumn(None), MofNCompleteColumn(), TimeElapsedColumn())
        console = Console(file=stream)
        self._progress = Progress(*columns, console=console, expand=True, refresh_per_second=4)
        self._tasks: dict[str, TaskID] = {}

    def start(self, counts: Mapping[str, int], total: int) -> None:
        for rule, count in counts.items():
            task = self._progress.add_task(rule, total=count, start=False, visible=False)
            self._tasks[rule] = task
        self._tasks[""] = self._progress.add_task("all jobs", total=total)
        self._progress.start()

    def begin(self, rule: str) -> None:
        self._progress.start_task(self._tasks[rule])
        self._progress.update(self._tasks[rule], visible=True)

    def advance(self, rule: str) -> None:
        for task in (rule, ""):
            self._progress.advance(self._tasks[task])

    def print(self, text: str) -> None:
        self._progress.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def stop(self) -> None:
        self._progress.stop()


def can_draw(*streams: TextIO) -> bool:
    """Say whether bars may be drawn: on terminals, unless the user or the terminal forbids it.

    Args:
        streams: Streams that must all be terminals: a user who pipes one of them wants lines.
    """
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return all(stream.isatty() for stream in streams)


def _addressed(log: str) -> tuple[str, Path]:
    """Return a log's name and file; for one in storage, its address and Snakemake's local copy."""
    if "://" not in log:
        return log, Path(log)
    address = log.partition(" (")[0]  # `s3://… (send to storage)`
    return address, Path(".snakemake/storage", *address.split("://"))


def _name(rule: str, wildcards: Mapping[str, str]) -> str:
    """Return a job's name for a person, such as `train (model gru, noise 5, seed 0)`."""
    parts = ", ".join(f"{key} {value}" for key, value in wildcards.items() if value)
    return f"{rule} ({parts})" if parts else rule


def _shorten(line: str) -> str:
    """Return a line, cutting the middle of a long one: a command's exit status is at the end."""
    half = _LONGEST_LINE // 2
    return line if len(line) <= _LONGEST_LINE else f"{line[:half]} … {line[-half:]}"

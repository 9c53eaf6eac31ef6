"""The files of one training run: losses, weights, what was run and how long it took."""

import os
import platform
import resource
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from noisynames.alphabet import Alphabet
from noisynames.files import (
    damaged,
    read_recorded,
    replacing,
    write_record,
    write_text,
)
from noisynames.models import ModelSpec, Parameters, parameter_count, parameter_ranges
from noisynames.noise import Noise
from noisynames.splits import Split
from noisynames.training import Hyperparameters, Run

LOSSES, WEIGHTS, RECORD, TIMING = "losses.csv", "weights.safetensors", "run.json", "timing.json"


def write_run(
    folder: Path,
    run: Run,
    spec: ModelSpec,
    hyperparameters: Hyperparameters,
    split: Split,
    model: str,
    noise: Noise,
    seed: int,
) -> None:
    """Write the four files of a run; all but the timing depend on nothing but the settings."""
    from safetensors.numpy import save

    lines = ["update,loss", *(f"{update},{loss:.9g}" for update, loss in run.losses)]
    write_text(folder / LOSSES, "\n".join(lines) + "\n")
    with replacing(folder / WEIGHTS) as part:
        part.write_bytes(save(run.parameters))
    languages = split.languages
    write_record(
        folder / RECORD,
        {
            "model": model,
            "noise": noise.name,
            "noise_characters": noise.characters if noise.level else None,
            "seed": seed,
            "spec": asdict(spec),
            "hyperparameters": {
                key: value
                for key, value in asdict(hyperparameters).items()
                if key != "report_every"  # what is logged changes no result
            },
            "parameters": parameter_count(run.parameters),
            "languages": languages,
            "alphabet": split.alphabet.symbols,
            "engine": run.engine,
            "status": run.status,
            "diverged_at": run.diverged_at,
            "split": split.digest,
        },
        files=[folder / LOSSES, folder / WEIGHTS],
    )


def write_timing(path: Path, run: Run, updates: int, since: float | None = None) -> None:
    """Write what a run cost.

    `startup_seconds` counts from the start of the process, or, for a run that is not the first of
    its process, from `since`, the `time.perf_counter()` at the end of the one before.
    """
    now = time.perf_counter()
    begun = now - _process_age() if since is None else since
    write_record(
        path,
        {
            "updates": updates,
            "training_seconds": round(run.training_seconds, 6),
            "startup_seconds": round(run.started - begun, 3),
            "peak_memory_mb": round(_peak_memory_mb(), 1),
            "engine": run.engine,
            "machine": {
                "processor": _processor(),
                "cores": os.cpu_count(),
                "system": platform.system(),
                "python": platform.python_version(),
            },
        },
    )


def read_parameters(folder: Path, record: dict[str, Any]) -> Parameters:
    """Read a run's weights and check their names and shapes against its record.

    Raises:
        UserError: The file is missing, damaged, or belongs to another model.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = folder / WEIGHTS
    try:
        parameters: Parameters = load(read_recorded(path, record))
    except SafetensorError:
        raise damaged(path) from None
    spec = ModelSpec(**record["spec"])
    if spec.cell != "custom":
        inputs = len(Alphabet.on_record(record))
        expected = parameter_ranges(spec, inputs, len(record["languages"]))
        shapes = {name: values.shape for name, values in parameters.items()}
        if shapes != {name: shape for name, (shape, *_) in expected.items()}:
            raise damaged(path)
    return parameters


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass  # not Linux: what the platform module knows has to do
    return platform.processor() or platform.machine()


def _process_age() -> float:
    """Return the seconds since this process started."""
    try:
        fields = Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()
        started = int(fields[19]) / os.sysconf("SC_CLK_TCK")  # since boot, field 22 of proc(5)
        return time.clock_gettime(time.CLOCK_BOOTTIME) - started
    except (OSError, AttributeError):  # not Linux
        import psutil

        return time.time() - psutil.Process().create_time()


def _peak_memory_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)

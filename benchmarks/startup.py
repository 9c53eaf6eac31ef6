"""Time the cost of a training job before its first update, compared with necessary imports.

    python benchmarks/startup.py [--rounds 9]

Both are whole processes, in alternation; the run does a single update on the compiled engine, so
that all it costs is start-up, with the split read and the files written. Then all kernels are
compiled once into an empty cache.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from noisynames.names import dataset as datasets
from noisynames.names import splits

COMPILE_ALL = """
from noisynames.models.spec import RECURRENT
from noisynames.training.compiled import cache
for cell in (*RECURRENT, "transformer"):
    cache.load(cell, 32)
"""


def seconds(command: list[str], cache: str | None = None) -> float:
    """Return the wall time of a process that must succeed."""
    environment = os.environ | ({"NOISYNAMES_CACHE": cache} if cache else {})
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return time.perf_counter() - start


@click.command()
@click.option("--rounds", type=click.IntRange(min=1), default=9, show_default=True)
def main(rounds: int) -> None:
    """Print medians and their ratio, and the time of the first compile."""
    with tempfile.TemporaryDirectory() as folder:
        split = Path(folder, "seed0.csv")
        splits.write(splits.split_names(datasets.load("surnames").rows, 0), split)
        settings = {"updates": 1, "record_every": 1, "learning_rate": 0.005}
        job = [sys.executable, "-m", "noisynames", "train", "--model", "gru", "--noise", "5"]
        job += ["--seed", "0", "--split", str(split), "--settings", json.dumps(settings)]
        job += ["--output", str(Path(folder, "run"))]
        libraries = [sys.executable, "-c", "import numpy, llvmlite.binding"]
        seconds(job)  # kernels compiled
        times = [(seconds(libraries), seconds(job)) for _ in range(rounds)]
        imports, jobs = (statistics.median(column) for column in zip(*times, strict=True))
        print(f"import numpy, llvmlite.binding: {imports:.3f} s")
        print(f"a job of one update: {jobs:.3f} s, {jobs / imports:.2f} times that")
        cache = str(Path(folder, "cache"))
        compile_all = seconds([sys.executable, "-c", COMPILE_ALL], cache)
        print(f"first compile of all kernels: {compile_all:.1f} s")


if __name__ == "__main__":
    main()

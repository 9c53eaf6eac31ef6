"""Snakemake's command line in a process of its own, without the 0.7 s that its imports take.

Such a process is forked from one that has imported Snakemake, and nothing of this project. It has
the environment of the tests: to try another (PYTHONPATH, a hash seed), start the program itself.
"""

import os
import sys
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from subprocess import CompletedProcess
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
# Where pytest looks for modules, and Snakemake does not.
OURS = {ROOT / name for name in ("tests", "benchmarks", "docs")}
CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["snakemake.cli"])


def snakemake(arguments: Sequence[str], cwd: Path) -> CompletedProcess[str]:
    """Run it to the end in a folder; return its status and what it printed."""
    with TemporaryDirectory() as folder:
        said = [Path(folder, name) for name in ("stdout", "stderr")]
        process = CONTEXT.Process(target=_main, args=(arguments, cwd, said, dict(os.environ)))
        process.start()
        process.join()
        return CompletedProcess(
            ["snakemake", *arguments], process.exitcode or 0, *(file.read_text() for file in said)
        )


def _main(
    arguments: Sequence[str], cwd: Path, said: Sequence[Path], environment: dict[str, str]
) -> None:
    """What the program does, in a folder and with an environment, printing into two files."""
    for number, file in enumerate(said, 1):
        with file.open("w") as opened:
            os.dup2(opened.fileno(), number)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    others = [
        path for path in map(Path, sys.path) if path != ROOT and not OURS & {path, *path.parents}
    ]
    sys.path[:] = map(str, others)
    sys.argv = ["snakemake", *arguments]
    from snakemake.cli import main

    main()

"""Change one token at a time in the science modules, and check whether the unit tests notice.

    python tests/mutants.py [--count 200] [--seed 0] [PATTERN …]

A sample of all mutants, the same for the same seed; `pyproject.toml` says of which modules, and
which tests are asked. PATTERN narrows it, such as 'noisynames.names.*'. Ends with a line for each
that no test noticed, and with status 1 if those are more than 5 %; docs/mutants.md names the known.
"""

import random
import subprocess
import sys
from fnmatch import fnmatch

import click

MUTMUT = [sys.executable, "-m", "mutmut"]
CAUGHT = ("killed", "timeout", "segfault")


def results() -> dict[str, str]:
    """The outcome of every mutant, by name."""
    told = subprocess.run(
        [*MUTMUT, "results", "--all", "true"], check=True, capture_output=True, text=True
    )
    lines = [line.strip().partition(": ") for line in told.stdout.splitlines()]
    return {name: status for name, _, status in lines}


@click.command(context_settings={"show_default": True})
@click.argument("patterns", nargs=-1)
@click.option("--count", default=200)
@click.option("--seed", default=0)
def main(patterns: tuple[str, ...], count: int, seed: int) -> None:
    """Test a sample of mutants."""
    known = results()
    if not known:  # they are made by a first run, of any
        subprocess.run([*MUTMUT, "run", "noisynames.randomness.*"], check=False)
        known = results()
    chosen = patterns or ("*",)
    names = sorted(name for name in known if any(fnmatch(name, p) for p in chosen))
    sample = random.Random(seed).sample(names, min(count, len(names)))
    subprocess.run([*MUTMUT, "run", *sample], check=True)
    found = results()
    survivors = [name for name in sorted(sample) if found[name] not in CAUGHT]
    for name in survivors:
        print(f"{found[name]}: {name}")
    print(f"{len(sample) - len(survivors)} of {len(sample)} mutants were caught")
    sys.exit(len(survivors) > 0.05 * len(sample))


if __name__ == "__main__":
    main()

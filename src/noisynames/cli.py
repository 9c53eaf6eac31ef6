"""The command line: one subcommand per rule of the workflow."""

import errno
import gc
import json
import re
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from noisynames import __version__
from noisynames.errors import UserError
from noisynames.models.spec import CELLS, READOUTS
from noisynames.names.alphabet import WORKSHEET_NOISE
from noisynames.names.noise import Noise

if TYPE_CHECKING:
    from noisynames.models.spec import ModelSpec
    from noisynames.training.hyperparameters import Hyperparameters

app = typer.Typer(
    name="noisynames",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain messages, also in a log
    pretty_exceptions_enable=False,
)

Output = Annotated[Path, typer.Option(help="Where to write.")]
Grid = Annotated[str, typer.Option(help="JSON: what was asked for, see noisynames.grid.")]
Templates = Annotated[
    Path, typer.Option(help="Folder with the Jinja2 templates.", envvar="NOISYNAMES_TEMPLATES")
]
TrainedAt = Annotated[str, typer.Option(help="Noise: a level, or LEVEL-PLACEMENT.")]
TestedAt = Annotated[list[str], typer.Option("--noise", help="Noise to test under; repeat it.")]
Characters = Annotated[str, typer.Option(help="What distractors are drawn from.")]
KeepOwn = Annotated[
    bool, typer.Option("--keep-own", help="Keep rows under the noise trained under, not all.")
]
Runs = Annotated[list[Path], typer.Argument(help="Folders of a cell's runs, one for each seed.")]
Splits = Annotated[Path, typer.Option(help="Folder with seed<N>.csv.")]
Config = Annotated[str, typer.Option(help="The whole config as JSON.")]
Missing = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(help="What find-missing wrote: of runs that are to be left out."),
]
Work = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(help="Folder with what is made of runs; by default that of the results."),
]


def _show_version(asked: bool) -> None:
    if asked:
        print(f"noisynames {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="And exit.")
    ] = False,
) -> None:
    """Benchmark recurrent classifiers of names under noise. Each command is a rule's job."""


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr and exit status 1."""
    # A job that is told to end removes what it was writing.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        app()
    except UserError as error:
        print(f"noisynames: {error}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        if error.filename is None and error.errno != errno.ENOSPC:
            raise
        place = f"{error.filename}: " if error.filename else ""
        print(f"noisynames: {place}{error.strerror}", file=sys.stderr)
        sys.exit(1)


def _mapping(option: str, text: str) -> dict[str, Any]:
    """Return what JSON text of an option holds."""
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise UserError(f"{option}: found {text[:40]!r}; allowed: a JSON object")
    return content


@app.command()
def dataset(
    output: Annotated[Path, typer.Option(help="Folder for names.csv and manifest.json.")],
    source: Annotated[str, typer.Option(help="surnames, tutorial or directory.")] = "surnames",
    path: Annotated[Optional[Path], typer.Option(help="Local folder or zip file.")] = None,  # noqa: UP045
    test_fraction: Annotated[float, typer.Option(help="Refuse labels too small for it.")] = 0.2,
    validation_fraction: Annotated[float, typer.Option(help="And for this.")] = 0.0,
    alphabet: Annotated[str, typer.Option(help="worksheet or data.")] = "worksheet",
    min_symbol_count: Annotated[int, typer.Option(help="Of a symbol of data.")] = 1,
    transliterate: Annotated[Optional[bool], typer.Option(help="By default as usual.")] = None,  # noqa: UP045
    noise_characters: Characters = WORKSHEET_NOISE,
) -> None:
    """Collect and normalise the names."""
    from noisynames.names import dataset as datasets
    from noisynames.names import splits

    spelling = datasets.Spelling(alphabet, min_symbol_count, transliterate, noise_characters)
    data = datasets.load(source, path, spelling)
    splits.check_counts(data.rows, test_fraction, validation_fraction)
    datasets.write(data, output)
    counted = {key: data.manifest[key] for key in ("languages", "lines", "names", "distinct_names")}
    print(f"{data.manifest['source']}: {counted}, {len(data.manifest['shared_names'])} shared")
    for file, reason in data.manifest["left_out"].items():
        print(f"left out: {file} ({reason})")


@app.command()
def split(
    names: Annotated[Path, typer.Option(help="The data set's names.csv.")],
    seed: Annotated[list[int], typer.Option(min=0, help="A seed; repeat it for several splits.")],
    output: Annotated[Path, typer.Option(help="Folder for seed<N>.csv.")],
    test_fraction: Annotated[float, typer.Option(help="Share of names held out.")] = 0.2,
    max_train_names: Annotated[Optional[int], typer.Option(help="A language; none: all.")] = None,  # noqa: UP045
    validation_fraction: Annotated[float, typer.Option(help="Held out for choices.")] = 0.0,
) -> None:
    """Split the names into train and test, one split per seed."""
    from noisynames.names import dataset as datasets
    from noisynames.names import splits

    data = datasets.read(names)
    for number in seed:
        parts = splits.split_names(
            data.rows, number, test_fraction, max_train_names, validation_fraction, data.alphabet
        )
        splits.write(parts, output / f"seed{number}.csv")
        print(f"seed {number}: {len(parts.train)} training and {len(parts.test)} test names")


@app.command()
def train(
    model: Annotated[str, typer.Option(help="Name of the model; rnn, gru, … also give its cell.")],
    noise: TrainedAt,
    seed: Annotated[list[int], typer.Option(min=0, help="A seed; repeat it for several runs.")],
    cell: Annotated[Optional[str], typer.Option(help=f"One of {', '.join(CELLS)}.")] = None,  # noqa: UP045
    readout: Annotated[Optional[str], typer.Option(help=f"One of {', '.join(READOUTS)}.")] = None,  # noqa: UP045
    hidden_size: Annotated[int, typer.Option()] = 32,
    num_layers: Annotated[int, typer.Option()] = 1,
    bidirectional: Annotated[bool, typer.Option("--bidirectional")] = False,
    num_heads: Annotated[int, typer.Option(help="Of a transformer.")] = 4,
    module: Annotated[Optional[str], typer.Option(help="package.module:Class.")] = None,  # noqa: UP045
    options: Annotated[str, typer.Option(help="JSON: arguments of that class.")] = "{}",
    updates: Annotated[int, typer.Option(help="SGD updates.")] = 80_000,
    learning_rate: Annotated[float, typer.Option(help="Step length.")] = 0.005,
    record_every: Annotated[int, typer.Option(help="Updates per point of the loss curve.")] = 1_000,
    report_every: Annotated[
        int, typer.Option(help="Updates between log lines.", envvar="NOISYNAMES_REPORT_EVERY")
    ] = 5_000,
    batch_size: Annotated[int, typer.Option(help="Names per update.")] = 1,
    engine: Annotated[str, typer.Option(help="auto, fused or autograd.")] = "auto",
    noise_characters: Characters = WORKSHEET_NOISE,
    splits: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Folder with seed<N>.csv; by default splits of the offline names."),
    ] = None,
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Folder for seed<N>/; by default results/runs/MODEL/noiseN."),
    ] = None,
) -> None:
    """Train one model under one noise, one run per seed."""
    from noisynames.models.spec import NAME, WORKSHEET_MODELS, ModelSpec
    from noisynames.training.hyperparameters import Hyperparameters

    if not re.fullmatch(NAME, model):
        raise UserError(f"--model: {model!r} is not a name; allowed: {NAME}")
    if cell is None and model not in WORKSHEET_MODELS:
        known = ", ".join(WORKSHEET_MODELS)
        raise UserError(f"--cell: missing; only {known} are known by name, {model!r} is not")
    preset = WORKSHEET_MODELS.get(model, ModelSpec())
    spec = ModelSpec(
        cell=cell or preset.cell,  # type: ignore[arg-type]
        readout=readout or preset.readout,  # type: ignore[arg-type]
        hidden_size=hidden_size,
        num_layers=num_layers,
        bidirectional=bidirectional,
        num_heads=num_heads,
        module=module,
        options=_mapping("--options", options),
    )
    plan = Hyperparameters(updates, learning_rate, record_every, report_every, batch_size)
    condition = Noise.named(noise, noise_characters)
    folder = output or Path("results", "runs", model, f"noise{noise}")
    since = None
    for number in seed:
        since = _train_one(model, spec, condition, number, plan, engine, splits, folder, since)


def _train_one(
    model: str,
    spec: "ModelSpec",
    noise: Noise,
    seed: int,
    plan: "Hyperparameters",
    engine: str,
    splits_folder: Path | None,
    output: Path,
    since: float | None,
) -> float:
    """Do one run and write its files; return the time at its end."""
    from noisynames import runs
    from noisynames.grid import TIMING
    from noisynames.names import splits
    from noisynames.training.progress import report_to
    from noisynames.training.run import train as train_model

    if splits_folder is None:
        from noisynames.names import dataset as datasets

        parts = splits.split_names(datasets.load("surnames").rows, seed)
    else:
        parts = splits.read(splits_folder / f"seed{seed}.csv")
    folder = output / f"seed{seed}"
    try:
        with report_to(sys.stderr, f"{model} noise {noise.name} seed {seed}", plan) as on_interval:
            run = train_model(spec, parts, noise, seed, plan, engine, on_interval)
    except KeyboardInterrupt:
        print(f"noisynames: interrupted; nothing was written to {folder}", file=sys.stderr)
        raise typer.Exit(130) from None
    if run.diverged_at is not None:
        print(f"diverged: the loss of update {run.diverged_at} is not finite", file=sys.stderr)
    runs.write_run(folder, run, spec, plan, parts, model, noise, seed)
    runs.write_timing(folder / TIMING, run, run.diverged_at or plan.updates, since)
    print(f"{run.status}: {folder} ({run.engine}, {run.training_seconds:.1f} s)", file=sys.stderr)
    return time.perf_counter()


@app.command()
def evaluate(
    runs: Runs,
    splits: Splits,
    noise: TestedAt,
    trained_at: TrainedAt,
    output: Output,
    noise_characters: Characters = WORKSHEET_NOISE,
    keep_own: KeepOwn = False,
    missing: Missing = None,
) -> None:
    """Predict the held-out names with every run, under every noise, and score that."""
    from noisynames.evaluation import predictions
    from noisynames.experiments.missing import without

    tested = [Noise.named(name, noise_characters) for name in noise]
    own = Noise.named(trained_at, noise_characters)
    predictions.evaluate(without(runs, missing), splits, own, tested, keep_own, output)


@app.command("inspect-attention")
def inspect_attention(
    runs: Runs,
    splits: Splits,
    noise: TestedAt,
    trained_at: TrainedAt,
    output: Output,
    names_per_language: Annotated[int, typer.Option(min=1)] = 5,
    noise_characters: Characters = WORKSHEET_NOISE,
    keep_own: KeepOwn = False,
    missing: Missing = None,
) -> None:
    """Record where each run's attention goes on held-out names, and sum that up."""
    from noisynames.evaluation import attention
    from noisynames.experiments.missing import without

    tested = [Noise.named(name, noise_characters) for name in noise]
    own = Noise.named(trained_at, noise_characters)
    left = without(runs, missing)
    attention.inspect(left, splits, own, tested, names_per_language, keep_own, output)


@app.command()
def probe(
    runs: Runs,
    splits: Splits,
    output: Output,
    longest_suffix: Annotated[int, typer.Option(min=1)] = 12,
    names_per_language: Annotated[int, typer.Option(min=1)] = 20,
    initial_gradients: Annotated[
        bool, typer.Option("--initial-gradients", help="Those before training, too.")
    ] = False,
    noise_characters: Characters = WORKSHEET_NOISE,
    missing: Missing = None,
) -> None:
    """Measure what each run remembers behind a growing suffix, and how far its gradients reach."""
    from noisynames.evaluation import probes
    from noisynames.experiments.missing import without

    probes.probe(
        without(runs, missing),
        splits,
        noise_characters,
        longest_suffix,
        names_per_language,
        initial_gradients,
        output,
    )


@app.command()
def baseline(
    name: Annotated[str, typer.Argument(help="ngrams or majority.")],
    splits: Splits,
    seed: Annotated[list[int], typer.Option(help="A seed; repeat it.")],
    trained_at: TrainedAt,
    noise: TestedAt,
    updates: Annotated[int, typer.Option(min=1, help="The models' budget in examples.")],
    output: Output,
    noise_characters: Characters = WORKSHEET_NOISE,
    keep_own: KeepOwn = False,
    missing: Missing = None,
) -> None:
    """Fit a baseline under every seed, predict the held-out names, and score that."""
    from noisynames.evaluation import baselines
    from noisynames.experiments.missing import seeds_with_runs

    own = Noise.named(trained_at, noise_characters)
    tested = [Noise.named(name, noise_characters) for name in noise]
    seeds = seeds_with_runs(seed, missing)
    baselines.evaluate(name, splits, seeds, own, tested, updates, keep_own, output)


@app.command()
def aggregate(
    results: Annotated[Path, typer.Option(help="The folder that holds splits/ and runs/.")],
    grid: Grid,
    output: Annotated[Path, typer.Option(help="Folder for the tables.")],
    work: Work = None,
    missing: Missing = None,
) -> None:
    """Turn all run files into tidy tables and statistics.json."""
    from noisynames import grid as grids
    from noisynames.analysis import tables
    from noisynames.analysis.findings import costs, summary
    from noisynames.experiments.missing import read

    gc.freeze()  # statsmodels collects garbage at every correction, through all that was imported
    asked = grids.Grid(**_mapping("--grid", grid))
    absent = read(missing, results, asked)
    built = tables.build(results, asked, work, absent)
    tables.write(built, output, grids.STATISTICS, summary.find(built, asked))
    timings = tables.timings(results, [cell for cell in asked.cells if cell not in absent])
    tables.write({"timings": timings}, output, grids.TIMINGS, costs.find(timings))


@app.command()
def plot(
    tables: Annotated[Path, typer.Option(help="Folder with the tables and statistics.json.")],
    output: Annotated[Path, typer.Option(help="Folder for the SVG files.")],
    figures: Annotated[list[str], typer.Argument(help="Names of the figures to draw.")],
    processes: Annotated[int, typer.Option(min=1, help="That share the work.")] = 1,
) -> None:
    """Draw figures as SVG."""
    from noisynames.analysis import tables as table_files
    from noisynames.reporting import drawing

    drawing.draw(figures, *table_files.read(tables), output, processes)


@app.command()
def report(
    results: Annotated[Path, typer.Option(help="Folder with dataset/.")],
    templates: Templates,
    config: Config,
    output: Output,
    work: Work = None,
) -> None:
    """Write the self-contained HTML report."""
    from noisynames.files import write_text
    from noisynames.reporting import page as reporting

    page = reporting.render(results, templates, _mapping("--config", config), work)
    write_text(output, page)
    print(output)


@app.command()
def merge(
    parts: Annotated[list[Path], typer.Argument(help="Results folders, at least two.")],
    into: Annotated[Path, typer.Option(help="The results folder to make.")],
) -> None:
    """Join results of the same config from several machines; what they share must agree."""
    from noisynames.experiments import merging

    content = merging.merge(parts, into)
    seeds = sorted({seed for part in content["parts"] for seed in part["seeds"]})
    print(f"{into}: {len(seeds)} seeds of {len(content['parts'])} parts. In your config,")
    print(f"  seeds: {seeds}")
    print(f"and then: snakemake --directory {shlex.quote(str(into.parent))} --cores 4 …")


@app.command("find-missing")
def find_missing(
    results: Annotated[Path, typer.Option(help="Folder with splits/ and runs/.")],
    grid: Grid,
    output: Output,
) -> None:
    """Say which runs cannot be reported, and why."""
    from noisynames import grid as grids
    from noisynames.experiments import missing

    asked = grids.Grid(**_mapping("--grid", grid))
    absent = missing.write(results, asked, output)
    for (model, noise, seed), reason in absent.items():
        print(f"missing: {model} noise {noise} seed {seed}: {reason}")
    print(f"{len(asked.cells) - len(absent)} of {len(asked.cells)} runs can be reported")

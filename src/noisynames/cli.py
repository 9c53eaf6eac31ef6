"""The command line: one subcommand per rule of the workflow."""

import errno
import gc
import json
import re
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from noisynames import __version__
from noisynames.errors import UserError
from noisynames.models.spec import CELLS, NAME, READOUTS
from noisynames.names.alphabet import WORKSHEET_NOISE
from noisynames.names.noise import Noise
from noisynames.settings import call

if TYPE_CHECKING:
    from noisynames.names.dataset import Dataset
    from noisynames.names.splits import Split

app = typer.Typer(
    name="noisynames",
    no_args_is_help=True,
    add_completion=False,
    suggest_commands=False,  # click does
    rich_markup_mode=None,  # plain messages, also in a log
    pretty_exceptions_enable=False,
)

Text = Optional[str]  # noqa: UP045
Whole = Optional[int]  # noqa: UP045
Real = Optional[float]  # noqa: UP045
Output = Annotated[Path, typer.Option(help="Where to write.")]
Settings = Annotated[str, typer.Option(help="JSON: the job's keys of the config.")]
Grid = Annotated[str, typer.Option(help="JSON: what was asked for, see noisynames.grid.")]
Templates = Annotated[
    Path, typer.Option(help="Folder with the Jinja2 templates.", envvar="NOISYNAMES_TEMPLATES")
]
TEMPLATES = Path(__file__).parents[2] / "report"
TrainedAt = Annotated[str, typer.Option(help="Noise: a level, or LEVEL-PLACEMENT.")]
TestedAt = Annotated[list[str], typer.Option("--noise", help="Noise to test under; repeatable.")]
Characters = Annotated[str, typer.Option(help="What noise is drawn from.")]
Runs = Annotated[
    list[Path], typer.Argument(help="A run.json for each seed, its weights beside it.")
]
Splits = Annotated[list[Path], typer.Option("--split", help="The seed<N>.csv of each seed.")]
Config = Annotated[str, typer.Option(help="The whole config as JSON.")]
Missing = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(help="The file that find-missing wrote: runs to leave out."),
]
Work = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(help="Folder with the files made from runs; by default the results."),
]


def _show_version(asked: bool) -> None:
    if asked:
        print(f"noisynames {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Benchmark recurrent classifiers of names under noise. Most commands do the job of a rule."""


def _name(command: typer.models.CommandInfo) -> str:
    assert command.callback is not None
    return command.name or command.callback.__name__.replace("_", "-")


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr and exit status 1."""
    # A job that is terminated removes the file that it was writing.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    # Typer takes 15 ms to inspect all commands, a tenth of a short job: keep only the one given.
    app.registered_commands = [
        c for c in app.registered_commands if _name(c) in sys.argv[1:2]
    ] or app.registered_commands
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
    """Return the mapping in the JSON text of an option."""
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise UserError(f"{option}: found {text[:40]!r}; allowed: a JSON object")
    return content


@app.command()
def dataset(
    settings: Settings,
    output: Annotated[Path, typer.Option(help="Folder for names.csv and manifest.json.")],
) -> None:
    """Collect and normalise the names."""
    from noisynames.names import dataset as datasets
    from noisynames.names import splits

    asked = _mapping("--settings", settings)
    asked["path"] = asked.get("path") and Path(asked["path"])
    data = call(datasets.load, asked, spelling=call(datasets.Spelling, asked))
    call(splits.check_counts, asked, data.rows)
    datasets.write(data, output)
    counted = {key: data.manifest[key] for key in ("languages", "lines", "names", "distinct_names")}
    print(f"{data.manifest['source']}: {counted}, {len(data.manifest['shared_names'])} shared")
    for file, reason in data.manifest["left_out"].items():
        print(f"left out: {file} ({reason})")


@app.command()
def split(
    names: Annotated[Path, typer.Option(help="The data set's names.csv.")],
    seed: Annotated[list[int], typer.Option(min=0, help="A seed; repeatable.")],
    settings: Settings,
    output: Annotated[Path, typer.Option(help="Folder for seed<N>.csv.")],
) -> None:
    """Split the names into training and held-out names, one split per seed."""
    from noisynames.names import dataset as datasets
    from noisynames.names import splits

    data, asked = datasets.read(names), _mapping("--settings", settings)
    for number in seed:
        parts = _split(data, number, asked)
        splits.write(parts, output / f"seed{number}.csv")
        print(f"seed {number}: {len(parts.train)} training and {len(parts.test)} test names")


def _split(data: "Dataset", seed: int, settings: dict[str, Any]) -> "Split":
    from noisynames.names.splits import split_names

    return call(split_names, {**settings, "alphabet": data.alphabet}, data.rows, seed)


@app.command()
def train(
    model: Annotated[str, typer.Option(help="Name of the model; rnn, gru, … also give its cell.")],
    noise: TrainedAt,
    seed: Annotated[list[int], typer.Option(min=0, help="A seed; repeatable.")],
    split: Annotated[
        Optional[list[Path]],  # noqa: UP045
        typer.Option(help="The seed<N>.csv of each seed; by default splits of the offline names."),
    ] = None,
    settings: Annotated[
        Text,
        typer.Option(help="JSON: settings of the model and its training; by default a config's."),
    ] = None,
    cell: Annotated[Text, typer.Option(help=f"One of {', '.join(CELLS)}.")] = None,
    readout: Annotated[Text, typer.Option(help=f"One of {', '.join(READOUTS)}.")] = None,
    hidden_size: Whole = None,
    num_layers: Whole = None,
    bidirectional: Annotated[bool, typer.Option("--bidirectional")] = False,
    num_heads: Annotated[Whole, typer.Option(help="Attention heads, for a transformer.")] = None,
    module: Annotated[Text, typer.Option(help="package.module:Class.")] = None,
    options: Annotated[Text, typer.Option(help="JSON: arguments of that class.")] = None,
    learning_rate: Annotated[Real, typer.Option(help="Step length.")] = None,
    batch_size: Annotated[Whole, typer.Option(help="Names per update.")] = None,
    updates: Annotated[Whole, typer.Option(help="Names drawn in all.")] = None,
    record_every: Annotated[Whole, typer.Option(help="Names per point of the loss curve.")] = None,
    report_every: Annotated[
        Whole, typer.Option(help="Updates between log lines.", envvar="NOISYNAMES_REPORT_EVERY")
    ] = None,
    engine: Annotated[Text, typer.Option(help="auto, compiled or autograd.")] = None,
    noise_characters: Annotated[Text, typer.Option(help="What noise is drawn from.")] = None,
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Folder for seed<N>/; by default results/runs/MODEL/noiseN."),
    ] = None,
) -> None:
    """Train one model under one noise; one run per seed."""
    by_hand = {
        "cell": cell, "readout": readout, "hidden_size": hidden_size, "num_layers": num_layers,
        "bidirectional": bidirectional or None, "num_heads": num_heads, "module": module,
        "options": None if options is None else _mapping("--options", options),
        "learning_rate": learning_rate, "batch_size": batch_size, "updates": updates,
        "record_every": record_every, "report_every": report_every, "engine": engine,
        "characters": noise_characters,
    }  # fmt: skip
    given = {key: value for key, value in by_hand.items() if value is not None}
    if not re.fullmatch(NAME, model):
        raise UserError(f"--model: {model!r} is not a name; allowed: {NAME}")
    if split is not None and len(split) != len(seed):
        raise UserError(f"--split: found {len(split)}; allowed: one for each of {len(seed)} seeds")
    asked = _mapping("--settings", settings) if settings else _usual(model, given)
    asked |= given
    condition = Noise.named(noise, asked.get("characters", WORKSHEET_NOISE))
    folder = output or Path("results", "runs", model, f"noise{noise}")
    since = None
    files: Sequence[Path | None] = split or [None] * len(seed)
    for number, file in zip(seed, files, strict=True):
        since = _train_one(model, condition, number, file, asked, folder / f"seed{number}", since)


def _usual(model: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a model, its training and its noise: those given, else the defaults.

    Raises:
        UserError: There is no such model, or a config would not allow these settings.
    """
    from noisynames.config import resolve

    usual = resolve({})
    if model not in usual["models"] and "cell" not in given:
        known = ", ".join(usual["models"])
        raise UserError(f"--cell: missing; only {known} are known by name, {model!r} is not")
    spec = usual["models"].get(model, {}) | given
    of_model = next(iter(usual["models"].values())).keys()
    config = resolve(
        {
            "models": {model: {key: value for key, value in spec.items() if key in of_model}},
            **{
                section: {key: given[key] for key in given.keys() & usual[section] - of_model}
                for section in ("training", "noise")
            },
        }
    )
    return {**config["training"], **config["models"][model], **config["noise"]}


def _train_one(
    model: str,
    noise: Noise,
    seed: int,
    split_file: Path | None,
    settings: dict[str, Any],
    folder: Path,
    since: float | None,
) -> float:
    """Train one run and write its files; return the time at its end."""
    from noisynames import runs
    from noisynames.grid import TIMING
    from noisynames.models.spec import spec_from
    from noisynames.names import splits
    from noisynames.randomness import Seed
    from noisynames.training.hyperparameters import Hyperparameters
    from noisynames.training.progress import report_to
    from noisynames.training.run import train as train_model

    spec, plan = spec_from(settings), call(Hyperparameters, settings)
    drawn = Seed(seed, settings.get("kept", {}))
    if split_file is None:
        from noisynames.config import resolve
        from noisynames.names import dataset as datasets

        usual = resolve({})["dataset"]
        parts = _split(datasets.load(usual["source"]), drawn.of("split"), usual)
    else:
        parts = splits.read(split_file)
    try:
        with report_to(sys.stderr, f"{model} noise {noise.name} seed {seed}", plan) as on_interval:
            given = (spec, parts, noise, drawn, plan)
            run = call(train_model, settings, *given, on_interval=on_interval)
    except KeyboardInterrupt:
        print(f"noisynames: interrupted; nothing was written to {folder}", file=sys.stderr)
        raise typer.Exit(130) from None
    if run.diverged_at is not None:
        print(f"diverged: the loss of update {run.diverged_at} is not finite", file=sys.stderr)
    runs.write_run(folder, run, spec, plan, parts, model, noise, drawn)
    runs.write_timing(folder / TIMING, run, run.diverged_at or plan.updates, since)
    print(f"{run.status}: {folder} ({run.engine}, {run.training_seconds:.1f} s)", file=sys.stderr)
    return time.perf_counter()


@app.command()
def evaluate(
    runs: Runs,
    split: Splits,
    noise: TestedAt,
    trained_at: TrainedAt,
    noise_characters: Characters,
    settings: Settings,
    output: Output,
    missing: Missing = None,
) -> None:
    """Predict the held-out names with every run under every noise, and score the predictions."""
    from noisynames.evaluation import predictions
    from noisynames.experiments.missing import without

    own, *tested = _conditions(noise_characters, trained_at, *noise)
    asked = _mapping("--settings", settings)
    files, splits = without(missing, runs, split)
    call(predictions.evaluate, asked, files, splits, own, tested, output)


@app.command("inspect-attention")
def inspect_attention(
    runs: Runs,
    split: Splits,
    noise: TestedAt,
    trained_at: TrainedAt,
    noise_characters: Characters,
    settings: Settings,
    output: Output,
    missing: Missing = None,
) -> None:
    """Record where each run's attention goes on held-out names, and summarise it."""
    from noisynames.evaluation import attention
    from noisynames.experiments.missing import without

    own, *tested = _conditions(noise_characters, trained_at, *noise)
    asked = _mapping("--settings", settings)
    files, splits = without(missing, runs, split)
    call(attention.inspect, asked, files, splits, own, tested, output)


@app.command()
def probe(
    runs: Runs,
    split: Splits,
    noise_characters: Characters,
    settings: Settings,
    output: Output,
    initial_gradients: Annotated[
        bool, typer.Option("--initial-gradients", help="Measure gradients before training, too.")
    ] = False,
    missing: Missing = None,
) -> None:
    """Measure what each run remembers as junk after the name grows, and how far gradients reach."""
    from noisynames.evaluation import probes
    from noisynames.experiments.missing import without

    asked = _mapping("--settings", settings)
    files, splits = without(missing, runs, split)
    call(probes.probe, asked, files, splits, noise_characters, initial_gradients, output)


@app.command()
def baseline(
    name: Annotated[str, typer.Argument(help="ngrams or majority.")],
    seed: Annotated[list[int], typer.Option(help="A seed; repeatable.")],
    split: Splits,
    noise: TestedAt,
    trained_at: TrainedAt,
    noise_characters: Characters,
    settings: Settings,
    output: Output,
    missing: Missing = None,
) -> None:
    """Fit a baseline with every seed, predict the held-out names, and score the predictions."""
    from noisynames.evaluation import baselines
    from noisynames.experiments.missing import with_runs

    own, *tested = _conditions(noise_characters, trained_at, *noise)
    asked = _mapping("--settings", settings)
    seeds, splits = with_runs(missing, seed, split)
    call(baselines.evaluate, asked, name, splits, seeds, own, tested, output)


def _conditions(characters: str, *names: str) -> list[Noise]:
    return [Noise.named(name, characters) for name in names]


@app.command()
def aggregate(
    results: Annotated[Path, typer.Option(help="The folder that holds splits/ and runs/.")],
    grid: Grid,
    output: Annotated[Path, typer.Option(help="Folder for the tables.")],
    work: Work = None,
    missing: Missing = None,
) -> None:
    """Turn all run files into tidy tables and findings.json."""
    from noisynames import grid as grids
    from noisynames.analysis import tables
    from noisynames.analysis.findings import costs, summary
    from noisynames.experiments.missing import read

    asked = grids.Grid(**_mapping("--grid", grid))
    absent = read(missing, results, asked)
    built = tables.build(results, asked, work, absent)
    tables.write(built, output, grids.FINDINGS, summary.find(built, asked))
    timings = tables.timings(results, [cell for cell in asked.cells if cell not in absent])
    tables.write({"timings": timings}, output, grids.TIMINGS, costs.find(timings))


@app.command()
def plot(
    tables: Annotated[Path, typer.Option(help="Folder with the tables and findings.json.")],
    output: Annotated[Path, typer.Option(help="Folder for the SVG files.")],
    figures: Annotated[list[str], typer.Argument(help="Names of the figures to draw.")],
    processes: Annotated[int, typer.Option(min=1, help="Processes that share the work.")] = 1,
) -> None:
    """Draw figures as SVG."""
    from noisynames.analysis import tables as table_files
    from noisynames.reporting import drawing

    gc.disable()  # takes a twentieth of the time, for some ten megabytes
    drawing.draw(figures, *table_files.read(tables), output, processes)


@app.command()
def report(
    results: Annotated[Path, typer.Option(help="The results folder.")],
    templates: Templates,
    config: Config,
    output: Output,
    work: Work = None,
) -> None:
    """Write the self-contained HTML report."""
    from noisynames.files import write_text
    from noisynames.reporting import page as reporting

    gc.disable()  # as for the figures
    page = reporting.render(results, templates, _mapping("--config", config), work)
    write_text(output, page)
    print(output)


@app.command()
def paper(
    tables: Annotated[Path, typer.Option(help="Folder with the tables.")],
    manifest: Annotated[Path, typer.Option(help="The manifest.json of the data set.")],
    config: Config,
    output: Annotated[Path, typer.Option(help="Folder for the output.")],
    figures: Annotated[list[str], typer.Argument(help="Names of the figures to draw.")],
) -> None:
    """Write tables as LaTeX and Markdown, figures as PDF, and a paragraph of methods."""
    from noisynames.analysis import tables as table_files
    from noisynames.files import read_record
    from noisynames.reporting import drawing
    from noisynames.reporting import paper as papers

    data, findings = table_files.read(tables)
    asked = _mapping("--config", config)
    papers.write(data, findings, asked, read_record(manifest), output)
    drawing.draw_for_print(figures, data, findings, output)


@app.command()
def crate(
    results: Annotated[Path, typer.Option(help="A finished experiment.")],
    config: Config,
    output: Output,
) -> None:
    """Describe an experiment as a research object (RO-Crate), with the code that made it."""
    from noisynames.reporting import crate as crates

    crates.write(results, _mapping("--config", config), output)
    print(output)


@app.command()
def verify(
    results: Annotated[Path, typer.Argument(help="A results folder, of this machine or another.")],
    runs: Annotated[int, typer.Option(min=1, help="Number of runs, spread over all.")] = 8,
) -> None:
    """Train recorded runs again and compare them bit for bit; exit status 1 if one differs."""
    from noisynames.experiments.verifying import DIFFERS
    from noisynames.experiments.verifying import verify as verdicts

    differing = 0
    for verdict in verdicts(results, runs):
        print(verdict, flush=True)
        differing += verdict.outcome == DIFFERS
    if differing:
        raise typer.Exit(1)


@app.command()
def predict(
    names: Annotated[list[str], typer.Argument(help="Names; any spelling.")],
    results: Annotated[Path, typer.Option(help="A results folder.")] = Path("results"),
    model: Annotated[Text, typer.Option(help="Ask only this model.")] = None,
    noise: Annotated[Text, typer.Option(help="Ask only runs trained under this noise.")] = None,
    seed: Annotated[str, typer.Option(help="A seed, or all.")] = "all",
    explain: Annotated[
        bool, typer.Option("--explain", help="Also answer after each character of a name.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Print what the trained models predict for names, with the spread over seeds."""
    from dataclasses import asdict

    from noisynames import asking

    if seed != "all" and not (seed.isascii() and seed.isdigit()):
        raise UserError(f"--seed: found {seed!r}; allowed: a seed, or all")
    only = None if seed == "all" else int(seed)
    asked = asking.ask(results, names, model, noise, only, explain)
    if as_json:
        print(json.dumps([asdict(one) for one in asked], indent=1, ensure_ascii=False))
    else:
        print(asking.table(asked))


@app.command()
def reference(
    split: Annotated[Path, typer.Option(help="A seed<N>.csv.")],
    seed: Annotated[int, typer.Option(min=0)],
    noise: TrainedAt,
    noise_characters: Characters,
    settings: Settings,
    output: Output,
) -> None:
    """Train every model briefly with both engines, and check that they agree on this machine."""
    from noisynames.evaluation import agreement

    (condition,) = _conditions(noise_characters, noise)
    asked = _mapping("--settings", settings)
    agreement.compare(asked["models"], asked["training"], split, condition, seed, output)


@app.command()
def merge(
    parts: Annotated[list[Path], typer.Argument(help="Results folders, at least two.")],
    into: Annotated[Path, typer.Option(help="The results folder to make.")],
) -> None:
    """Join results of the same config from several machines; they must agree on what they share."""
    from noisynames.experiments import merging

    content = merging.merge(parts, into)
    seeds = sorted({seed for part in content["parts"] for seed in part["seeds"]})
    print(f"{into}: {len(seeds)} seeds of {len(content['parts'])} parts. In your config,")
    print(f"  seeds: {seeds}")
    print(f"and then: snakemake --directory {shlex.quote(str(into.parent))} --cores 4 …")


@app.command()
def compare(
    experiments: Annotated[
        list[Path],
        typer.Argument(help="Results folders, zip files of them, or reports; the oldest first."),
    ],
    templates: Templates = TEMPLATES,
    names: Annotated[Text, typer.Option(help="What to call them: before,after.")] = None,
    title: Annotated[Text, typer.Option(help="Heading of the page.")] = None,
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="The page; by default compare.html, or none with --json."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings.")] = False,
) -> None:
    """Say what changed between two experiments; given more, from the first to the last.

    Exit status 1 if something is worse, 2 if they cannot be compared.
    """
    try:
        worse = _compare(experiments, templates, names, title, output, as_json)
    except (UserError, OSError) as error:
        print(f"noisynames: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    if worse:
        raise typer.Exit(1)


def _compare(
    paths: list[Path],
    templates: Path,
    names: str | None,
    title: str | None,
    output: Path | None,
    as_json: bool,
) -> bool:
    """Write or print what changed; return whether something is worse."""
    from noisynames.config import resolve
    from noisynames.experiments import comparing, opening
    from noisynames.files import write_text
    from noisynames.reporting.beside import page, sentences

    called = opening.names_of(paths, names)
    sets = [opening.read(path, name) for path, name in zip(paths, called, strict=True)]
    before, after = sets[0], sets[-1]
    found = comparing.compare(before, after, resolve({}))
    found["history"] = comparing.history(sets, resolve({})) if len(sets) > 2 else None
    if as_json:
        print(json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        print(sentences.first(found))
    if output or not as_json:
        output = output or Path("compare.html")
        curves = [comparing.loss_curves(experiment) for experiment in (before, after)]
        heading = title or f"{before.name} and {after.name}, beside each other"
        write_text(output, page.render(found, curves, templates, heading))
        print(output, file=sys.stderr)
    return bool(found["outcome"] == "worse")


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

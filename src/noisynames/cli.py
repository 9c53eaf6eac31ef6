"""The command line: one subcommand per rule of the workflow."""

import errno
import gc
import json
import re
import shlex
import signal
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from noisynames import __version__
from noisynames.errors import UserError
from noisynames.imports import without as without_modules
from noisynames.models.spec import CELLS, NAME, READOUTS
from noisynames.names.alphabet import WORKSHEET_NOISE
from noisynames.names.noise import Noise
from noisynames.settings import call

if TYPE_CHECKING:
    from noisynames.names.dataset import Dataset
    from noisynames.names.splits import Split

Json = dict[str, Any]
PATH = click.Path(path_type=Path)
FROM_ZERO, FROM_ONE = click.IntRange(min=0), click.IntRange(min=1)
NOISE = "Noise: a level, or LEVEL-PLACEMENT."
TEMPLATES = Path(__file__).parents[2] / "report"


def _mapping(context: click.Context, option: click.Parameter, text: str | None) -> Json | None:
    """Return the mapping in the JSON text of an option; None if the option is not given."""
    if text is None:
        return None
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise UserError(f"{option.opts[0]}: found {text[:40]!r}; allowed: a JSON object")
    return content


optional, required = click.option, partial(click.option, required=True)
flag = partial(click.option, is_flag=True)
argument, arguments = click.argument, partial(click.argument, nargs=-1, required=True)

# What several commands take.
runs_argument = arguments(
    "runs", type=PATH, help="A run.json for each seed, its weights beside it."
)
tables_argument = arguments(
    "tables", type=PATH, help="The files that aggregate wrote: all tables, findings and timings."
)
figures_option = required(
    "--figure", "figures", multiple=True, help="Name of a figure to draw; repeatable."
)
splits_option = required("--split", type=PATH, multiple=True, help="The seed<N>.csv of each seed.")
seeds_option = required("--seed", type=FROM_ZERO, multiple=True, help="A seed; repeatable.")
noise_option = required("--noise", help=NOISE)
trained_at_option = required("--trained-at", help=NOISE)
tested_at_option = required("--noise", multiple=True, help="Noise to test under; repeatable.")
characters_option = required("--noise-characters", help="What noise is drawn from.")
settings_option = required(
    "--settings", callback=_mapping, help="JSON: the job's keys of the config."
)
grid_option = required(
    "--grid", callback=_mapping, help="JSON: what was asked for, see noisynames.grid."
)
config_option = required("--config", callback=_mapping, help="The whole config as JSON.")
output_option = required("--output", type=PATH, help="Where to write.")
missing_option = optional(
    "--missing", type=PATH, help="The file that find-missing wrote: runs to leave out."
)
work_option = optional(
    "--work", type=PATH, help="Folder with the files made from runs; by default the results."
)
templates_option = partial(
    click.option, "--templates", type=PATH, help="Folder with the Jinja2 templates.",
    envvar="NOISYNAMES_TEMPLATES", show_envvar=True,
)  # fmt: skip


def on_runs_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command what a job on the runs of an arm takes; see `_on_runs`."""
    for option in reversed(
        (
            runs_argument, splits_option, tested_at_option, trained_at_option, characters_option,
            settings_option, output_option, missing_option,
        )
    ):  # fmt: skip
        command = option(command)
    return command


class Commands(click.Group):
    """The commands, listed in the order of the workflow."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands in the order in which they are defined."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for; if Ctrl-C ends it, end with a shell's status, 130."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            ctx.exit(130)


@click.group("noisynames", cls=Commands, context_settings={"show_default": True})
@click.version_option(
    __version__, message="noisynames %(version)s", help="Print the version and exit."
)
def app() -> None:
    """Benchmark recurrent classifiers of names under noise. Most commands do the job of a rule."""


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr and exit status 1."""
    # A job that is terminated removes the file that it was writing.
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


@app.command()
@settings_option
@required("--output", type=PATH, help="Folder for names.csv and manifest.json.")
def dataset(settings: Json, output: Path) -> None:
    """Collect and normalise the names."""
    from noisynames.names import dataset as datasets
    from noisynames.names import splits

    settings["path"] = settings.get("path") and Path(settings["path"])
    data = call(datasets.load, settings, spelling=call(datasets.Spelling, settings))
    call(splits.check_counts, settings, data.rows)
    datasets.write(data, output)
    counted = {key: data.manifest[key] for key in ("languages", "lines", "names", "distinct_names")}
    print(f"{data.manifest['source']}: {counted}, {len(data.manifest['shared_names'])} shared")
    for file, reason in data.manifest["left_out"].items():
        print(f"left out: {file} ({reason})")


@app.command()
@required("--names", type=PATH, help="The data set's names.csv.")
@seeds_option
@settings_option
@required("--output", type=PATH, help="Folder for seed<N>.csv.")
def split(names: Path, seed: tuple[int, ...], settings: Json, output: Path) -> None:
    """Split the names into training and held-out names, one split per seed."""
    from noisynames.names import dataset as datasets
    from noisynames.names import splits

    data = datasets.read(names)
    for number in seed:
        parts = _split(data, number, settings)
        splits.write(parts, output / f"seed{number}.csv")
        print(f"seed {number}: {len(parts.train)} training and {len(parts.test)} test names")


def _split(data: "Dataset", seed: int, settings: Json) -> "Split":
    from noisynames.names.splits import split_names

    return call(split_names, {**settings, "alphabet": data.alphabet}, data.rows, seed)


@app.command()
@required("--model", help="Name of the model; rnn, gru, … also give its cell.")
@noise_option
@seeds_option
@optional(
    "--split", type=PATH, multiple=True,
    help="The seed<N>.csv of each seed; by default splits of the offline names.",
)  # fmt: skip
@optional(
    "--settings", callback=_mapping,
    help="JSON: settings of the model and its training; by default a config's.",
)  # fmt: skip
@optional("--cell", help=f"One of {', '.join(CELLS)}.")
@optional("--readout", help=f"One of {', '.join(READOUTS)}.")
@optional("--hidden-size", type=int)
@optional("--num-layers", type=int)
@flag("--bidirectional", default=None)
@optional("--num-heads", type=int, help="Attention heads, for a transformer.")
@optional("--module", help="package.module:Class.")
@optional("--options", callback=_mapping, help="JSON: arguments of that class.")
@optional("--learning-rate", type=float, help="Step length.")
@optional("--batch-size", type=int, help="Names per update.")
@optional("--updates", type=int, help="Names drawn in all.")
@optional("--record-every", type=int, help="Names per point of the loss curve.")
@optional(
    "--report-every", type=int, help="Updates between log lines.",
    envvar="NOISYNAMES_REPORT_EVERY", show_envvar=True,
)  # fmt: skip
@optional("--engine", help="auto, compiled or autograd.")
@optional("--noise-characters", "characters", help="What noise is drawn from.")
@optional("--output", type=PATH, help="Folder for seed<N>/; by default results/runs/MODEL/noiseN.")
def train(
    model: str,
    noise: str,
    seed: tuple[int, ...],
    split: tuple[Path, ...],
    settings: Json | None,
    output: Path | None,
    **by_hand: Any,
) -> None:
    """Train one model under one noise; one run per seed."""
    given = {key: value for key, value in by_hand.items() if value is not None}
    if not re.fullmatch(NAME, model):
        raise UserError(f"--model: {model!r} is not a name; allowed: {NAME}")
    if split and len(split) != len(seed):
        raise UserError(f"--split: found {len(split)}; allowed: one for each of {len(seed)} seeds")
    asked = (_usual(model, given) if settings is None else settings) | given
    condition = Noise.named(noise, asked.get("characters", WORKSHEET_NOISE))
    folder = output or Path("results", "runs", model, f"noise{noise}")
    since = None
    files: Sequence[Path | None] = split or [None] * len(seed)
    for number, file in zip(seed, files, strict=True):
        since = _train_one(model, condition, number, file, asked, folder / f"seed{number}", since)


def _usual(model: str, given: Json) -> dict[str, Any]:
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
    settings: Json,
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
        sys.exit(130)
    if run.diverged_at is not None:
        print(f"diverged: the loss of update {run.diverged_at} is not finite", file=sys.stderr)
    runs.write_run(folder, run, spec, plan, parts, model, noise, drawn)
    runs.write_timing(folder / TIMING, run, run.diverged_at or plan.updates, since)
    print(f"{run.status}: {folder} ({run.engine}, {run.training_seconds:.1f} s)", file=sys.stderr)
    return time.perf_counter()


@app.command()
@on_runs_options
def evaluate(**given: Any) -> None:
    """Predict the held-out names with every run under every noise, and score the predictions."""
    from noisynames.evaluation import predictions

    _on_runs(predictions.evaluate, **given)


@app.command()
@on_runs_options
def inspect_attention(**given: Any) -> None:
    """Record where each run's attention goes on held-out names, and summarise it."""
    from noisynames.evaluation import attention

    _on_runs(attention.inspect, **given)


def _on_runs(
    job: Callable[..., None],
    runs: tuple[Path, ...],
    split: tuple[Path, ...],
    noise: tuple[str, ...],
    trained_at: str,
    noise_characters: str,
    settings: Json,
    output: Path,
    missing: Path | None,
) -> None:
    """Do a job on the runs of an arm that are there, under every noise."""
    from noisynames.experiments.missing import without

    own, *tested = _conditions(noise_characters, trained_at, *noise)
    files, splits = without(missing, runs, split)
    call(job, settings, files, splits, own, tested, output)


@app.command()
@runs_argument
@splits_option
@characters_option
@settings_option
@output_option
@flag("--initial-gradients", help="Measure gradients before training, too.")
@missing_option
def probe(
    runs: tuple[Path, ...],
    split: tuple[Path, ...],
    noise_characters: str,
    settings: Json,
    output: Path,
    initial_gradients: bool,
    missing: Path | None,
) -> None:
    """Measure what each run remembers as junk after the name grows, and how far gradients reach."""
    from noisynames.evaluation import probes
    from noisynames.experiments.missing import without

    files, splits = without(missing, runs, split)
    call(probes.probe, settings, files, splits, noise_characters, initial_gradients, output)


@app.command()
@argument("name", help="ngrams or majority.")
@seeds_option
@splits_option
@tested_at_option
@trained_at_option
@characters_option
@settings_option
@output_option
@missing_option
def baseline(
    name: str,
    seed: tuple[int, ...],
    split: tuple[Path, ...],
    noise: tuple[str, ...],
    trained_at: str,
    noise_characters: str,
    settings: Json,
    output: Path,
    missing: Path | None,
) -> None:
    """Fit a baseline with every seed, predict the held-out names, and score the predictions."""
    from noisynames.evaluation import baselines
    from noisynames.experiments.missing import with_runs

    own, *tested = _conditions(noise_characters, trained_at, *noise)
    seeds, splits = with_runs(missing, seed, split)
    call(baselines.evaluate, settings, name, splits, seeds, own, tested, output)


def _conditions(characters: str, *names: str) -> list[Noise]:
    return [Noise.named(name, characters) for name in names]


def _begin_on_tables() -> None:
    """Import pandas without pyarrow, and seldom look for garbage: for jobs of a second or two.

    Where pyarrow is installed, pandas imports it, for a third of its own time. Only Parquet needs
    it, which `paper` writes. Looking for garbage takes a twentieth of the time.
    """
    gc.set_threshold(100_000)
    with without_modules("pyarrow"):
        import pandas  # noqa: F401


@app.command()
@required("--results", type=PATH, help="The folder that holds splits/ and runs/.")
@grid_option
@required("--output", type=PATH, help="Folder for the tables.")
@work_option
@missing_option
def aggregate(
    results: Path, grid: Json, output: Path, work: Path | None, missing: Path | None
) -> None:
    """Turn all run files into tidy tables and findings.json."""
    _begin_on_tables()
    from noisynames import grid as grids
    from noisynames.analysis import tables
    from noisynames.analysis.findings import costs, summary
    from noisynames.experiments.missing import read

    asked = grids.Grid(**grid)
    absent = read(missing, results, asked)
    built = tables.build(results, asked, work, absent)
    tables.write(built, output, grids.FINDINGS, summary.find(built, asked))
    timings = tables.timings(results, [cell for cell in asked.cells if cell not in absent])
    tables.write({"timings": timings}, output, grids.TIMINGS, costs.find(timings))


@app.command()
@tables_argument
@figures_option
@required("--output", type=PATH, help="Folder for the SVG files.")
@optional("--processes", type=FROM_ONE, default=1, help="Processes that share the work.")
def plot(tables: tuple[Path, ...], figures: tuple[str, ...], output: Path, processes: int) -> None:
    """Draw figures as SVG."""
    _begin_on_tables()
    from noisynames.analysis import tables as table_files
    from noisynames.reporting import drawing

    drawing.draw(figures, *table_files.read_files(tables), output, processes)


@app.command()
@required("--results", type=PATH, help="The results folder.")
@templates_option(required=True)
@config_option
@output_option
@work_option
def report(results: Path, templates: Path, config: Json, output: Path, work: Path | None) -> None:
    """Write the self-contained HTML report."""
    _begin_on_tables()
    from noisynames.files import write_text
    from noisynames.reporting import page as reporting

    write_text(output, reporting.render(results, templates, config, work))
    print(output)


@app.command()
@tables_argument
@figures_option
@required("--manifest", type=PATH, help="The manifest.json of the data set.")
@config_option
@required("--output", type=PATH, help="Folder for the output.")
def paper(
    tables: tuple[Path, ...],
    figures: tuple[str, ...],
    manifest: Path,
    config: Json,
    output: Path,
) -> None:
    """Write tables as LaTeX and Markdown, figures as PDF, and a paragraph of methods."""
    from noisynames.analysis import tables as table_files
    from noisynames.files import read_record
    from noisynames.reporting import drawing
    from noisynames.reporting import paper as papers

    data, findings = table_files.read_files(tables)
    papers.write(data, findings, config, read_record(manifest), output)
    drawing.draw_for_print(figures, data, findings, output)


@app.command()
@required("--results", type=PATH, help="A finished experiment.")
@config_option
@output_option
def crate(results: Path, config: Json, output: Path) -> None:
    """Describe an experiment as a research object (RO-Crate), with the code that made it."""
    from noisynames.reporting import crate as crates

    crates.write(results, config, output)
    print(output)


@app.command()
@argument("results", type=PATH, help="A results folder, of this machine or another.")
@optional("--runs", type=FROM_ONE, default=8, help="Number of runs, spread over all.")
def verify(results: Path, runs: int) -> None:
    """Train recorded runs again and compare them bit for bit; exit status 1 if one differs."""
    from noisynames.experiments.verifying import DIFFERS
    from noisynames.experiments.verifying import verify as verdicts

    differing = 0
    for verdict in verdicts(results, runs):
        print(verdict, flush=True)
        differing += verdict.outcome == DIFFERS
    if differing:
        sys.exit(1)


@app.command()
@arguments("names", help="Names; any spelling.")
@optional("--results", type=PATH, default=Path("results"), help="A results folder.")
@optional("--model", help="Ask only this model.")
@optional("--noise", help="Ask only runs trained under this noise.")
@optional("--seed", default="all", help="A seed, or all.")
@flag("--explain", help="Also answer after each character of a name.")
@flag("--json", "as_json", help="As JSON.")
def predict(
    names: tuple[str, ...],
    results: Path,
    model: str | None,
    noise: str | None,
    seed: str,
    explain: bool,
    as_json: bool,
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
@required("--split", type=PATH, help="A seed<N>.csv.")
@required("--seed", type=FROM_ZERO)
@noise_option
@characters_option
@settings_option
@output_option
def reference(
    split: Path, seed: int, noise: str, noise_characters: str, settings: Json, output: Path
) -> None:
    """Train every model briefly with both engines, and check that they agree on this machine."""
    from noisynames.evaluation import agreement

    (condition,) = _conditions(noise_characters, noise)
    agreement.compare(settings["models"], settings["training"], split, condition, seed, output)


@app.command()
@arguments("parts", type=PATH, help="Results folders, at least two.")
@required("--into", type=PATH, help="The results folder to make.")
def merge(parts: tuple[Path, ...], into: Path) -> None:
    """Join results of the same config from several machines; they must agree on what they share."""
    from noisynames.experiments import merging

    content = merging.merge(parts, into)
    seeds = sorted({seed for part in content["parts"] for seed in part["seeds"]})
    print(f"{into}: {len(seeds)} seeds of {len(content['parts'])} parts. In your config,")
    print(f"  seeds: {seeds}")
    print(f"and then: snakemake --directory {shlex.quote(str(into.parent))} --cores 4 …")


@app.command()
@arguments(
    "experiments", type=PATH,
    help="Results folders, zip files of them, or reports; the oldest first.",
)  # fmt: skip
@templates_option(default=TEMPLATES)
@optional("--names", help="What to call them: before,after.")
@optional("--title", help="Heading of the page.")
@optional("--output", type=PATH, help="The page; by default compare.html, or none with --json.")
@flag("--json", "as_json", help="Print the findings.")
def compare(
    experiments: tuple[Path, ...],
    templates: Path,
    names: str | None,
    title: str | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Say what changed between two experiments; given more, from the first to the last.

    Exit status 1 if something is worse, 2 if they cannot be compared.
    """
    try:
        worse = _compare(experiments, templates, names, title, output, as_json)
    except (UserError, OSError) as error:
        print(f"noisynames: {error}", file=sys.stderr)
        sys.exit(2)
    if worse:
        sys.exit(1)


def _compare(
    paths: Sequence[Path],
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


@app.command()
@required("--results", type=PATH, help="Folder with splits/ and runs/.")
@grid_option
@output_option
def find_missing(results: Path, grid: Json, output: Path) -> None:
    """Say which runs cannot be reported, and why."""
    from noisynames import grid as grids
    from noisynames.experiments import missing

    asked = grids.Grid(**grid)
    absent = missing.write(results, asked, output)
    for (model, noise, seed), reason in absent.items():
        print(f"missing: {model} noise {noise} seed {seed}: {reason}")
    print(f"{len(asked.cells) - len(absent)} of {len(asked.cells)} runs can be reported")

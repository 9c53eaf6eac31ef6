# The grid of the config, the functions that rules use, and what wildcards may be.
import hashlib
import json
import os
import shlex
import shutil
import sys
from dataclasses import asdict
from functools import cache
from itertools import chain
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

# A clone on this machine: its package, templates and schema are no files of a Snakefile's, which
# Snakemake would fetch one by one.
if not workflow.current_basedir.is_local:
    sys.exit(
        f"{workflow.current_basedir}: not on this disk; clone it, and name the clone's Snakefile"
    )
ROOT = Path(os.path.relpath(Path(workflow.current_basedir).parents[1]))

# As a module with a prefix, Snakemake puts it before the files of rules. What looks at files while
# the rules are read, or names them to a job that has them as no input, does so itself.
placed = workflow.modifier.path_modifier.replace_prefix
RESULTS = Path(placed("results/"))
if shlex.quote(str(RESULTS)) != str(RESULTS):
    sys.exit(
        f"module: found the prefix {str(RESULTS.parent)!r}, which is part of command lines;"
        " allowed: ASCII letters, digits and _@%+=:,./-"
    )


# With `--default-storage-provider s3` results are in a bucket, where looking at one is a request, and
# Snakemake looks at all of them at once.
ELSEWHERE = workflow.storage_settings.default_storage_provider is not None


def is_there(file):
    """Whether a result is there."""
    return exists(placed(file))


# Jobs run with the interpreter that runs Snakemake and with this clone's package, whatever else is on
# the PATH, whether its environment is activated or the package is installed.
sys.path.insert(0, str((ROOT / "src").absolute()))
os.environ.update(
    PATH=os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    ),
    PYTHONPATH=os.pathsep.join(
        filter(None, [sys.path[0], os.environ.get("PYTHONPATH")])
    ),
)

from noisynames.config import check_file, custom_source, resolve
from noisynames.dependencies import files_behind
from noisynames.errors import UserError
from noisynames.files import sweep
from noisynames.grid import ATTENTION as ATTENTION_TABLES
from noisynames.grid import (
    LOSSES,
    RECORD,
    RUN_FILES,
    SCORE_TABLES,
    TIMING,
    UNTRAINED,
    Grid,
    kept,
    parts_of,
)
from noisynames.models.spec import spec_from
from noisynames.names.dataset import local_files
from noisynames.names.noise import conditions
from noisynames.reporting import crate as research_object
from noisynames.reporting import playground, retraining
from noisynames.reporting.gallery import applying
from noisynames.reporting.paper import TABLES as PAPER
from noisynames.training.engines import modules_of, modules_of_model

for folder in (Path.cwd(), Path.cwd() / RESULTS):
    if folder.is_symlink() and not folder.exists():
        sys.exit(
            f"{folder}: a link to {folder.readlink()}, which does not exist;"
            " make that folder, or remove the link"
        )
    if folder.exists() and not folder.is_dir():
        sys.exit(f"{folder}: a file; move it away, or name another --directory")
    if folder.exists() and not os.access(folder, os.W_OK):
        sys.exit(f"{folder}: cannot be written; allow it, or name another --directory")

try:
    configs = [Path(file) for file in workflow.configfiles]
    for file in configs:
        check_file(file)
    config = resolve(
        config,
        ROOT / "workflow/schemas/config.schema.yaml",
        beside=[file.parent for file in configs],
    )
except UserError as error:
    sys.exit(f"config: {error}")
except OSError as error:
    sys.exit(f"config: {error.filename}: {error.strerror}")

# Apart from the rest, so that only the rule that uses it runs again when it is another.
COMPARE_WITH = config.pop("compare_with")
MODELS = list(config["models"])
ATTENTION_MODELS = [m for m in MODELS if config["models"][m]["readout"] == "attention"]
NOISES = [noise.name for noise in conditions(**config["noise"])]
CHARACTERS = config["noise"]["characters"]
BASELINES = config["baselines"]
SEEDS = config["seeds"]
# Tens of seeds that share a process: "" is 0 to 9, "1" is 10 to 19. Rules with the last digit spelt
# out are few patterns for Snakemake to find a run's files in, however many seeds there are.
TENS = [
    str(seed // 10 or "")
    for seed in SEEDS
    if seed % 10 == 0
    and config["training"]["seeds_per_job"] == 10
    and {*range(seed, seed + 10)} <= {*SEEDS}
]
IN_TENS = {int(f"{ten}{digit}") for ten in TENS for digit in range(10)}
# What is tested together: each part is a job for each model × noise.
PARTS = parts_of(SEEDS)
ASKED = Grid.of(config)
GRID = asdict(ASKED)
# All of it on which a run's result depends.
TRAINING = {
    key: value
    for key, value in config["training"].items()
    if key not in ("report_every", "seeds_per_job")
}
# What the report calls a model trains nothing again.
AS_TRAINED = {
    name: {key: value for key, value in model.items() if key not in UNTRAINED}
    for name, model in config["models"].items()
}
# What every seed draws with the first one, by model or baseline: nothing, unless the config says so.
KEPT = {
    name: kept(model["seeds_vary"], SEEDS[0])
    for name, model in config["models"].items()
}
KEPT |= dict.fromkeys(BASELINES, kept(config["seeds_vary"], SEEDS[0]))
# What the compiled engine trains the models with.
COMPILED = [
    modules_of("compiled", spec_from(model))
    for model in config["models"].values()
    if model["cell"] != "custom"
]
TABLES = ASKED.tables
FIGURES = applying(ASKED)

CELLS = {"model": MODELS, "noise": NOISES, "seed": SEEDS}
RECORDS = expand("results/runs/{model}/noise{noise}/seed{seed}/run.json", **CELLS)
RECORDED = ["csv", "json"]
SPLITS = expand("results/splits/seed{seed}.{type}", seed=SEEDS, type=RECORDED)
EVALUATION = expand(
    "results/evaluation/{model}/noise{noise}{part}{file}",
    model=[*MODELS, *BASELINES],
    noise=NOISES,
    part=PARTS,
    file=[".csv", ".json", *(f"-{name}.csv" for name in SCORE_TABLES)],
)
PROBES = expand(
    "results/probes/{model}/noise{noise}{part}.{type}",
    model=MODELS,
    noise=NOISES,
    part=PARTS,
    type=RECORDED,
)
ATTENTION = expand(
    "results/attention/{model}/noise{noise}{part}{file}",
    model=ATTENTION_MODELS,
    noise=NOISES,
    part=PARTS,
    file=[".csv", ".json", *(f"-{name}.csv" for name in ATTENTION_TABLES)],
)
ALL_TABLES = expand("results/tables/{table}.csv", table=[*TABLES, "timings"]) + expand(
    "results/tables/{record}.json", record=["findings", "timings"]
)
ALL_FIGURES = expand("results/figures/{figure}.svg", figure=FIGURES)
# What the page holds of runs: those that a reader can try, all of one seed, and those to train again.
TRIED = playground.wanted(config)
PLAYGROUND = sorted(
    map(
        str,
        playground.needs(Path("results"), config)
        | retraining.needs(Path("results"), config),
    )
)
PLAYGROUND_MODULES = {
    source
    for model, *_ in TRIED
    for source in modules_of_model(spec_from(config["models"][model]))
}
# Which runs there are not, for the unfinished report.
MISSING = "results/partial/missing.json"
# Where the parts come from, in a folder that `noisynames merge` made.
MERGED = [f for f in ["results/merged.json"] if is_there(f)]
COMPARISON = ROOT / "report/compare.html"
TEMPLATES = [
    file
    for file in sorted((ROOT / "report").rglob("*.*"))
    if file != COMPARISON and file.suffix != ".rst"
]

# Options of jobs on which no result depends: where the clone lies, how often a run logs.
os.environ.update(
    NOISYNAMES_TEMPLATES=str(ROOT / "report"),
    NOISYNAMES_REPORT_EVERY=str(config["training"]["report_every"]),
)


def beside(records, *names):
    """The files of those names beside each record of a run."""
    folders = [record.removesuffix(RECORD) for record in records]
    return [folder + name for folder in folders for name in names]


# A run is asked for by its record, which is written last, and a file beside that by name only where it
# was deleted. Snakemake takes a hundred times as long over a file as it takes to see that it is there.
DELETED = (
    beside(RECORDS, *RUN_FILES)
    if ELSEWHERE
    else [
        file
        for file in beside(filter(is_there, RECORDS), *RUN_FILES)
        if not is_there(file)
    ]
)


def one_of(values):
    """A pattern that matches any of some values, and nothing if there are none."""
    patterns = [str(value) for value in values]
    return f"(?:{'|'.join(patterns) if patterns else '(?!)'})"


wildcard_constraints:
    baseline=one_of(BASELINES),
    model=one_of(MODELS),
    noise=one_of(NOISES),
    seed=one_of(SEEDS),
    part=one_of(PARTS),


@cache
def digest(file):
    """The content of a file in few letters."""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:12]


def digests(folder, files):
    """Names and contents of files below a folder: what a rule's result depends on."""
    return " ".join(f"{os.path.relpath(file, folder)}:{digest(file)}" for file in files)


@cache
def code(*modules):
    """The source behind modules of the package: what a rule's result depends on.

    An edit to one of the files reruns the rule. A parameter, not inputs: what counts is the content,
    wherever the clone lies, and 2,000 jobs do not each look at a dozen files.
    """
    return digests(
        ROOT / "src/noisynames", map(os.path.relpath, files_behind(*modules))
    )


def local_names():
    """The user's own name files; an edit to one makes the data set again."""
    dataset = config["dataset"]
    if dataset["path"] is None:
        return []
    return local_files(dataset["source"], Path(dataset["path"]))


def literal(text):
    """A parameter in which braces are no wildcards: anything that a user may have written."""
    return lambda wildcards: text


def settings(section, *without, **more):
    """Keys of the config as a job is given them, but for some on which its result does not depend."""
    kept = {key: value for key, value in section.items() if key not in without}
    return literal(json.dumps({**kept, **more}))


def training_settings(wildcards):
    """What is asked of a model and its training, and of its noise, where it has any."""
    asked = dict(TRAINING)
    asked |= AS_TRAINED[wildcards.model]  # its own rate and batch size
    asked |= {"characters": CHARACTERS} if wildcards.noise != "0" else {}
    asked |= {"kept": KEPT[wildcards.model]} if KEPT[wildcards.model] else {}
    return json.dumps(asked)


def of_part(file):
    """An input function: a file for each seed of a part."""

    def files(wildcards):
        seeds = PARTS[wildcards.part]
        return [file.format(**wildcards, seed=seed) for seed in seeds]

    return files


def splits_of_part(type):
    """An input function: the split of each seed of a part, as a model's or a baseline's runs have it."""

    def files(wildcards):
        name = getattr(wildcards, "model", None) or wildcards.baseline
        seeds = [KEPT[name].get("split", seed) for seed in PARTS[wildcards.part]]
        return [f"results/splits/seed{seed}.{type}" for seed in seeds]

    return files


def splits_of_run(type):
    """An input function: the split of a run, or of each of ten runs."""

    def files(wildcards):
        first = KEPT[wildcards.model].get("split")
        ten = getattr(wildcards, "ten", None)
        seeds = (
            [wildcards.seed]
            if ten is None
            else [f"{ten}{digit}" for digit in range(10)]
        )
        return [
            f"results/splits/seed{seed if first is None else first}.{type}"
            for seed in seeds
        ]

    return files


def repeated(option, values):
    """An option of the command line, once for each of some values."""
    return [f"--{option} {value}" for value in values]


def unfinished(files):
    """The same files, of the unfinished report."""
    return [f.replace("results/", "results/partial/", 1) for f in files]


def training_code(wildcards):
    """The source behind a model's training: its engine's and its kernel's, not the others'."""
    model = config["models"][wildcards.model]
    engine = modules_of(config["training"]["engine"], spec_from(model))
    return f"{code('runs', 'training.run', *engine)} {custom_code(wildcards)}"


def inference_code(module):
    """The source behind a job on a trained model: its cell's and readout's, not the others'."""

    def of_model(wildcards):
        spec = spec_from(config["models"][wildcards.model])
        return code(module, *modules_of_model(spec))

    return of_model


def custom_code(wildcards):
    """The file of a model that is the user's own, and its content."""
    own = config["models"][wildcards.model]["module"]
    return digests(".", [custom_source(own)]) if own else ""


def after_failure():
    """What to do after a run that did not finish."""
    if shutil.disk_usage(".").free < 2**20:
        return "The disk is full. Free some space and give the same command again."
    if ELSEWHERE:
        return "What was finished is kept, and the same command does the rest."
    return (
        "What was finished is kept, and the same command does the rest."
        " For a report of what there is: snakemake --cores 1 report_partial"
    )


def compared_with(wildcards):
    """The results that these are held against: of a folder, the file that vouches for the others."""
    if COMPARE_WITH is None:
        raise WorkflowError(
            "compare_with: found null; allowed: a results folder, a zip file of one, or a report, as"
            " in --config compare_with=../before/results"
        )
    records = [
        Path(COMPARE_WITH, "tables", f"{n}.json") for n in ("findings", "statistics")
    ]
    # The user's own, wherever a prefix or a storage puts this experiment's results.
    return local(next((str(f) for f in records if f.exists()), COMPARE_WITH))


def results_in_a_folder(wildcards):
    """No file: what is made of the runs that there happen to be is refused where none can be seen."""
    if ELSEWHERE:
        raise WorkflowError(
            "report_partial: results are in storage, and this takes what a folder holds; copy them into"
            " ./results, and leave out --default-storage-provider"
        )
    return []


def reports():
    """The reports that there are, each with the time at which it was written."""
    names = ("report.html", "partial/report.html", "compare.html")
    files = [RESULTS / name for name in names]
    return {file: file.stat().st_mtime_ns for file in files if file.exists()}


def runs_on_disk():
    """The records of finished runs with their times, for a rule that takes what there is."""
    records = [Path(placed(f)) for f in RECORDS if is_there(f)]
    return " ".join(f"{f}@{f.stat().st_mtime_ns}" for f in records)


REPORTS_BEFORE = reports()
ALONE = one_of(seed for seed in SEEDS if seed not in IN_TENS)
TESTED_AT = repeated("noise", NOISES)


onstart:
    # What writers left that were killed in the middle of a file.
    sweep(RESULTS)


# What these two say goes through Snakemake's log, which keeps it behind the lines on jobs.
onsuccess:
    for file in reports().items() - REPORTS_BEFORE.items():
        logger.info(f"Report: {file[0]}")


onerror:
    logger.info(after_failure())

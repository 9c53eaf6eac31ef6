# The grid of the config, the functions that rules use, and what wildcards may be.
import atexit
import gc
import hashlib
import json
import os
import shlex
import shutil
import sys
from dataclasses import asdict
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from threading import Thread

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

# A plan is made of objects that stay. Looking for garbage among them takes a seventh of the time for
# 2,000 runs.
gc.freeze()
gc.set_threshold(100_000)
atexit.register(gc.freeze)

# Only a clone on this machine works: Snakemake would fetch the Snakefiles of a remote one, but not its
# package, templates and schema.
if not workflow.current_basedir.is_local:
    sys.exit(
        f"{workflow.current_basedir}: not on this disk; clone it, and name the clone's Snakefile"
    )
ROOT = Path(os.path.relpath(Path(workflow.current_basedir).parents[1]))

# For a module with a prefix, Snakemake puts it before the files of rules. Code that looks at files
# while the rules are read, or passes a job files that are not its inputs, has to do so itself.
placed = workflow.modifier.path_modifier.replace_prefix
RESULTS = Path(placed("results/"))
if shlex.quote(str(RESULTS)) != str(RESULTS):
    sys.exit(
        f"module: found the prefix {str(RESULTS.parent)!r}, which is part of command lines;"
        " allowed: ASCII letters, digits and _@%+=:,./-"
    )


# With `--default-storage-provider s3`, results are in a bucket, where checking a file is a request;
# Snakemake checks all of them at once.
ELSEWHERE = workflow.storage_settings.default_storage_provider is not None


def is_there(file):
    """Whether a result exists."""
    return exists(placed(file))


# Jobs run with the interpreter that runs Snakemake and with this clone's package, whatever else is on
# the PATH, and whether or not an environment is activated or the package installed.
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

# Apart from the rest, so that only the rule that uses it runs again when it changes.
COMPARE_WITH = config.pop("compare_with")
MODELS = list(config["models"])
ATTENTION_MODELS = [m for m in MODELS if config["models"][m]["readout"] == "attention"]
NOISES = [noise.name for noise in conditions(**config["noise"])]
CHARACTERS = config["noise"]["characters"]
BASELINES = config["baselines"]
SEEDS = config["seeds"]
# Tens of seeds that share a process: "" is 0 to 9, "1" is 10 to 19. With the last digit spelt out in
# the rule, Snakemake has few patterns to match a run's files with, however many seeds there are.
TENS = [
    str(seed // 10 or "")
    for seed in SEEDS
    if seed % 10 == 0
    and config["training"]["seeds_per_job"] == 10
    and {*range(seed, seed + 10)} <= {*SEEDS}
]
IN_TENS = {int(f"{ten}{digit}") for ten in TENS for digit in range(10)}
# Seeds that are tested together: each part is one job for each arm.
PARTS = parts_of(SEEDS)
ASKED = Grid.of(config)
GRID = asdict(ASKED)
# The settings on which a run's result depends.
TRAINING = {
    key: value
    for key, value in config["training"].items()
    if key not in ("report_every", "seeds_per_job")
}
# A new label for a model does not train it again.
AS_TRAINED = {
    name: {key: value for key, value in model.items() if key not in UNTRAINED}
    for name, model in config["models"].items()
}
# The draws that all seeds share with the first one, by model or baseline: none unless configured.
KEPT = {
    name: kept(model["seeds_vary"], SEEDS[0])
    for name, model in config["models"].items()
}
KEPT |= dict.fromkeys(BASELINES, kept(config["seeds_vary"], SEEDS[0]))
# The modules with which the compiled engine trains the models.
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
# The runs that the page holds: those that a reader can try, all of one seed, and those to train again.
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
# The record of missing runs, for the unfinished report.
MISSING = "results/partial/missing.json"
# The record of the parts, in a folder that `noisynames merge` made.
MERGED = [f for f in ["results/merged.json"] if is_there(f)]
COMPARISON = ROOT / "report/compare.html"
TEMPLATES = [
    file
    for file in sorted((ROOT / "report").rglob("*.*"))
    if file != COMPARISON and file.suffix != ".rst"
]

# Which job begins when several could. `FIRST`, splits, which all others wait for. Then `LONG` ones, of
# seconds: at the end, one would run by itself, where `SHORT` ones fill the time. `LATE`, `reference`, since
# only the report waits for it: it takes as long as the `LAST` tests and then `aggregate`, which would run
# by itself.
FIRST, LONG, SHORT, LATE, LAST = 4, 3, 2, 1, 0

# Options of jobs that do not affect results: where the clone is, how often a run logs.
os.environ.update(
    NOISYNAMES_TEMPLATES=str(ROOT / "report"),
    NOISYNAMES_REPORT_EVERY=str(config["training"]["report_every"]),
)
# On Linux, memory that a job frees is kept for its next arrays. Otherwise glibc returns each array of
# more than 128 KB to the system and asks for another, a fiftieth of the time of all jobs; see mallopt(3).
os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(32 * 2**20))
os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(256 * 2**20))


def beside(records, *names):
    """The files with the given names beside each record of a run."""
    folders = [record.removesuffix(RECORD) for record in records]
    return [folder + name for folder in folders for name in names]


# A run is requested by its record, which is written last; a file beside that is requested only if it
# was deleted. Requesting a file takes Snakemake a hundred times as long as seeing that it exists.
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
    """A short checksum of a file's content."""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:12]


def digests(folder, files):
    """The names and checksums of files in a folder, on which a rule's result depends."""
    return " ".join(f"{os.path.relpath(file, folder)}:{digest(file)}" for file in files)


@cache
def code(*modules):
    """The source files that modules of the package depend on, and so a rule's result.

    An edit to one of them reruns the rule. They are a parameter, not inputs: only their content
    counts, wherever the clone is, and 2,000 jobs need not each look at a dozen files.
    """
    return digests(
        ROOT / "src/noisynames", map(os.path.relpath, files_behind(*modules))
    )


def local_names():
    """The user's own files of names; an edit to one makes the data set again."""
    dataset = config["dataset"]
    if dataset["path"] is None:
        return []
    return local_files(dataset["source"], Path(dataset["path"]))


def literal(text):
    """A parameter whose braces are not wildcards, for anything that a user may have written."""
    return lambda wildcards: text


def settings(section, *without, **more):
    """Keys of the config as a job gets them, without those on which its result does not depend."""
    kept = {key: value for key, value in section.items() if key not in without}
    return literal(json.dumps({**kept, **more}))


def training_settings(wildcards):
    """The settings of a model, of its training and, if it has any, of its noise."""
    asked = dict(TRAINING)
    asked |= AS_TRAINED[wildcards.model]  # its own rate and batch size
    asked |= {"characters": CHARACTERS} if wildcards.noise != "0" else {}
    asked |= {"kept": KEPT[wildcards.model]} if KEPT[wildcards.model] else {}
    return json.dumps(asked)


def of_part(file):
    """An input function that returns a file for each seed of a part."""

    def files(wildcards):
        seeds = PARTS[wildcards.part]
        return [file.format(**wildcards, seed=seed) for seed in seeds]

    return files


def splits_of_part(type):
    """An input function that returns the split of each seed of a part, for a model or a baseline."""

    def files(wildcards):
        name = getattr(wildcards, "model", None) or wildcards.baseline
        seeds = [KEPT[name].get("split", seed) for seed in PARTS[wildcards.part]]
        return [f"results/splits/seed{seed}.{type}" for seed in seeds]

    return files


def splits_of_run(type):
    """An input function that returns the split of a run, or of each of ten runs."""

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
    """A command-line option, repeated for each of the values."""
    return [f"--{option} {value}" for value in values]


def unfinished(files):
    """The same files for the unfinished report."""
    return [f.replace("results/", "results/partial/", 1) for f in files]


def training_code(wildcards):
    """The source files behind a model's training: those of its engine and kernel, not of others."""
    model = config["models"][wildcards.model]
    engine = modules_of(config["training"]["engine"], spec_from(model))
    return f"{code('runs', 'training.run', *engine)} {custom_code(wildcards)}"


def inference_code(module):
    """The source files behind a job on a trained model: those of its cell and readout, not of others."""

    def of_model(wildcards):
        spec = spec_from(config["models"][wildcards.model])
        return code(module, *modules_of_model(spec))

    return of_model


def custom_code(wildcards):
    """The name and checksum of the file of a custom model."""
    own = config["models"][wildcards.model]["module"]
    return digests(".", [custom_source(own)]) if own else ""


def after_failure():
    """Say what to do after Snakemake did not finish."""
    if shutil.disk_usage(".").free < 2**20:
        return "The disk is full. Free some space and give the same command again."
    if ELSEWHERE:
        return "What was finished is kept, and the same command does the rest."
    return (
        "What was finished is kept, and the same command does the rest."
        " For a report of the finished runs: snakemake --cores 1 report_partial"
    )


def compared_with(wildcards):
    """The results that these are compared with; for a folder, the file that vouches for the others."""
    if COMPARE_WITH is None:
        raise WorkflowError(
            "compare_with: found null; allowed: a results folder, a zip file of one, or a report, as"
            " in --config compare_with=../before/results"
        )
    records = [
        Path(COMPARE_WITH, "tables", f"{n}.json") for n in ("findings", "statistics")
    ]
    # A local file, wherever a prefix or a storage puts this experiment's results.
    return local(next((str(f) for f in records if f.exists()), COMPARE_WITH))


def results_in_a_folder(wildcards):
    """Return no file; refuse results in storage, where a job cannot see which runs exist."""
    if ELSEWHERE:
        raise WorkflowError(
            "report_partial: found results in storage; allowed: results in a folder; copy them into"
            " ./results, and leave out --default-storage-provider"
        )
    return []


def reports():
    """The reports that exist, each with the time at which it was written."""
    names = ("report.html", "partial/report.html", "compare.html")
    files = [RESULTS / name for name in names]
    return {file: file.stat().st_mtime_ns for file in files if file.exists()}


def runs_on_disk():
    """The records of finished runs with their times, for a rule that uses whatever exists."""
    records = [Path(placed(f)) for f in RECORDS if is_there(f)]
    return " ".join(f"{f}@{f.stat().st_mtime_ns}" for f in records)


REPORTS_BEFORE = reports()
ALONE = one_of(seed for seed in SEEDS if seed not in IN_TENS)
TESTED_AT = repeated("noise", NOISES)


onstart:
    # Temporary files of writers that were killed.
    sweep(RESULTS)
    # Snakemake starts at most so many jobs a second. To keep to that, it looks for jobs to start once
    # more a second after each time that it looked, so with each job that ends it looks more often: after
    # a thousand jobs a thousand times a second, which takes a core; and it waits for the last second in
    # the end. A job on this machine waits for a core anyway. No option turns this off.
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None
    # When its first job ends, Snakemake imports pandas, for a fifth of a second in which no job begins;
    # so it is imported while that job runs.
    if find_spec("pandas"):
        Thread(target=import_module, args=["pandas"]).start()


# The two messages below go through Snakemake's log, so that they come after the lines on jobs.
onsuccess:
    for file in reports().items() - REPORTS_BEFORE.items():
        logger.info(f"Report: {file[0]}")


onerror:
    logger.info(after_failure())

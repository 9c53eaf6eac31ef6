# The grid of the config, the functions that rules use, and what wildcards may be.
import json
import os
import shlex
import sys
from pathlib import Path

from noisynames.config import resolve
from noisynames.errors import UserError

ROOT = Path(os.path.relpath(workflow.basedir))

try:
    config = resolve(config, ROOT / "workflow/schemas/config.schema.yaml")
except UserError as error:
    sys.exit(f"config: {error}")

MODELS = list(config["models"])
ATTENTION_MODELS = [m for m in MODELS if config["models"][m]["readout"] == "attention"]
NOISE_LEVELS = config["noise"]["levels"]
SEEDS = config["seeds"]
GRID = {
    "models": MODELS,
    "attention_models": ATTENTION_MODELS,
    "noise_levels": NOISE_LEVELS,
    "seeds": SEEDS,
}
TABLES = [
    "losses",
    "runs",
    "accuracy",
    "recall",
    "confusion",
    "mistakes",
    "yardsticks",
    "time_to_target",
]
FIGURES = [
    "loss_by_noise",
    "loss_by_model",
    "loss_by_seconds",
    "time_to_target",
    "cross",
    "accuracy_by_noise",
    "accuracy",
    "differences",
    "recall",
    "confusion",
    "rules",
]
if ATTENTION_MODELS:
    TABLES += [
        "attention",
        "attention_position",
        "attention_examples",
        "attention_agreement",
    ]
    FIGURES += [
        "attention_examples",
        "attention_position",
        "attention_noise",
        "occlusion_examples",
    ]


wildcard_constraints:
    model="|".join(MODELS),
    noise="|".join(map(str, NOISE_LEVELS)),
    seed="|".join(map(str, SEEDS)),


def code(*names):
    """Source files that a rule's result depends on: an edit to one of them reruns the rule."""
    return [str(ROOT / "src/noisynames" / name) for name in names]


def flags(options):
    """Command-line options for a mapping; None leaves an option out."""
    words = []
    for key, value in options.items():
        if value is not None:
            words += [f"--{key.replace('_', '-')}", str(value)]
    return shlex.join(words)


def run_files(name):
    """An input function: this file of each seed's run of a model × noise level."""
    return lambda wildcards: expand(
        f"results/runs/{wildcards.model}/noise{wildcards.noise}/seed{{seed}}/{name}",
        seed=SEEDS,
    )


NAMES_CODE = code("alphabet.py", "randomness.py", "splits.py")
TRAINING_CODE = code(
    "alphabet.py",
    "noise.py",
    "randomness.py",
    "sampling.py",
    "models.py",
    "modules.py",
    "training/__init__.py",
    "training/autograd.py",
    "training/fused.py",
    "training/compiled.py",
    "training/kernels.py",
)
EVALUATION_CODE = code(
    "alphabet.py",
    "noise.py",
    "randomness.py",
    "sampling.py",
    "modules.py",
    "evaluation.py",
)

"""Train with an earlier commit's kernels on demand; `speed.py` starts it with that package.

Reads lines "model noise updates" and answers each with the seconds per update.
"""

import sys
import time
from importlib import import_module
from typing import Any

spec_of: Any = import_module("noisynames.models")
sampling: Any = import_module("noisynames.sampling")
engines: Any = import_module("noisynames.training.fused")
noises: Any = import_module("noisynames.noise")
datasets: Any = import_module("noisynames.datasets")
splits: Any = import_module("noisynames.splits")

SPLIT = splits.split_names(datasets.load("surnames").rows, 0)
NAMES = sampling.Examples.of_names(SPLIT.train, SPLIT.languages)
ENGINES: dict[tuple[str, str, str], Any] = {}

for line in sys.stdin:
    model, noise, updates = asked = tuple(line.split())
    if asked not in ENGINES:
        spec = spec_of.WORKSHEET_MODELS[model]
        initial = spec_of.initial_parameters(spec, 57, len(SPLIT.languages), 0)
        stream = sampling.TrainingStream(NAMES, noises.Noise(int(noise)), 0)
        ENGINES[asked] = engines.FusedEngine(spec, initial, 0.005), stream.take(int(updates))
    engine, examples = ENGINES[asked]
    start = time.perf_counter()
    engine.advance(examples)
    print((time.perf_counter() - start) / len(examples), flush=True)

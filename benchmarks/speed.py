"""Time one SGD update: the worksheet's loop, plain PyTorch at its best, and the compiled engine.

    python benchmarks/speed.py [--rounds 5] [--folder benchmarks]

All do the same updates from the same weights, in alternation, on one thread; the kernels of an
earlier commit run in a process beside, with that commit's package from git's history. So does JAX,
ten runs at a time (`in_jax.py`), with `--jax PYTHON`, an interpreter that has `.[jax]`. The tables
give medians over the rounds, in microseconds an example, their ratios, and the share of this core's
single-precision matrix-multiply peak (measured in the same process with NumPy's BLAS, whose kind is
printed) that the compiled engine reaches. Only the multiply-adds of matrix products, the output
layer and the input rows count as work, 2 operations each; activations and the updates of biases do
not.

`OPENBLAS_CORETYPE` in the environment may halve the peak and double the share: unset it.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported
os.environ.setdefault("MKL_NUM_THREADS", "1")

import csv
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from threadpoolctl import threadpool_info
from torch import Tensor, nn
from torch.nn import functional as F

from noisynames.models.reference import Classifier, load_classifier
from noisynames.models.spec import (
    FEEDFORWARD,
    RECURRENT,
    WORKSHEET_MODELS,
    ModelSpec,
    Parameters,
    description,
)
from noisynames.models.weights import initial_parameters
from noisynames.names import dataset as datasets
from noisynames.names import splits
from noisynames.names.alphabet import WORKSHEET
from noisynames.names.examples import Examples, TrainingStream
from noisynames.names.noise import Noise
from noisynames.training.autograd import AutogradEngine
from noisynames.training.compiled.engine import CompiledEngine
from noisynames.training.hyperparameters import Hyperparameters

RATE = 0.005
FEW, MANY = 300, 20_000
"""Updates that are timed at a time, of a slow loop and of a fast one."""
EARLIER = "7d49131"
"""The last commit whose kernels were fast on one kind of processor and other numbers elsewhere."""

Update = Callable[[Examples, int], None]


def worksheet(module: Classifier, languages: int) -> Update:
    """The worksheet's loop: one-hot tensors built per sample, autograd, an SGD optimiser."""
    optimiser = torch.optim.SGD(module.parameters(), lr=RATE)
    criterion = nn.NLLLoss()
    V, H = len(WORKSHEET), module.spec.hidden_size

    def forward(line: Tensor) -> Tensor:
        if module.spec.cell == "rnn":
            hidden = torch.zeros(1, H)
            weight = module.cell.get_parameter("weight_l0")
            bias = module.cell.get_parameter("bias_l0")
            for t in range(line.shape[0]):
                hidden = torch.tanh(F.linear(torch.cat((line[t], hidden), 1), weight, bias))
            return F.log_softmax(module.output(hidden), 1)
        states = module.cell(line.transpose(0, 1))[0][0]
        if module.spec.readout == "last":
            return F.log_softmax(module.output(states[-1:]), 1)
        alpha = module.score(states).softmax(0)
        return F.log_softmax(module.output((alpha * states).sum(0, keepdim=True)), 1)

    def update(examples: Examples, i: int) -> None:
        name = examples[i]
        line = torch.zeros(len(name), 1, V)
        for t, character in enumerate(name):
            line[t][0][int(character)] = 1
        target = torch.tensor([int(examples.targets[i])], dtype=torch.long)
        optimiser.zero_grad()
        loss = criterion(forward(line), target)
        loss.backward()
        optimiser.step()
        loss.item()

    return update


def pytorch(module: Classifier, languages: int) -> Update:
    """Plain PyTorch at its best for batch 1.

    Input columns are looked up rather than multiplied by one-hot vectors, the recurrence is
    PyTorch's own operator for GRU and LSTM, targets are prepared, the loss is cross entropy, and
    the update is one call for all weights.
    """
    parameters: list[Tensor] = list(module.parameters())
    targets = torch.arange(languages)[:, None]
    spec, H = module.spec, module.spec.hidden_size
    zeros = torch.zeros(1, H)
    eye = torch.eye(len(WORKSHEET))[:, None]

    def logits(characters: Tensor) -> Tensor:
        if spec.cell == "rnn":
            weight = module.cell.get_parameter("weight_l0")
            V = len(WORKSHEET)
            inputs = F.embedding(characters, weight[:, :V].T) + module.cell.get_parameter("bias_l0")
            recurrent, hidden = weight[:, V:].T, zeros[0]
            for row in inputs:
                hidden = torch.addmv(row, recurrent.T, hidden).tanh()
            return module.output(hidden[None])  # type: ignore[no-any-return]
        states = module.cell(eye[characters])[0][:, 0]
        if spec.readout == "last":
            return module.output(states[-1:])  # type: ignore[no-any-return]
        alpha = module.score(states).softmax(0)
        return module.output(alpha.T @ states)  # type: ignore[no-any-return]

    if spec.cell != "rnn":
        module.cell.batch_first = False  # type: ignore[assignment]

    def update(examples: Examples, i: int) -> None:
        characters = torch.from_numpy(examples[i].astype(np.int64))
        loss = F.cross_entropy(logits(characters), targets[int(examples.targets[i])])
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            torch._foreach_add_(parameters, gradients, alpha=-RATE)
        loss.item()

    return update


def operations(spec: ModelSpec, examples: Examples, languages: int) -> float:
    """Return the floating-point operations of one update's products, averaged over examples."""
    H, F = spec.hidden_size, FEEDFORWARD * spec.hidden_size
    ends, width = 2 if spec.bidirectional else 1, spec.width
    lengths = examples.lengths
    T = lengths.mean()
    if spec.cell in RECURRENT:
        G = description(spec.cell).GATES * H
        recurrent = 6 * H * G * (T - 1)  # forward, backward, update; h_0 = 0 is skipped
        inputs = 3 * G * T  # one addition of a row, one multiply-add of its update
        upper = 6 * width * G * T
        network = ends * (spec.num_layers * recurrent + inputs + (spec.num_layers - 1) * upper)
    else:
        square = 6 * 2 * H * (lengths**2).mean()
        network = spec.num_layers * (6 * H * (4 * H + 2 * F) * T + square)
    attention = 10 * width * T if spec.readout == "attention" else 0
    return float(network + 6 * width * languages + attention)


def matrix_multiply_peak() -> float:
    """Return this core's single-precision matrix-multiply rate in operations a second."""
    a = np.random.default_rng(0).random((1024, 1024), dtype=np.float32)
    times = []
    for _ in range(7):
        start = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - start)
    return 2 * 1024**3 / min(times[1:])


def load(spec: ModelSpec, initial: Parameters, languages: int) -> Classifier:
    """Return a fresh module with the initial weights."""
    return load_classifier(spec, len(WORKSHEET), languages, initial)


OTHERS = {
    "lstm_2": (ModelSpec("lstm", num_layers=2), 1),
    "gru_both_attention": (ModelSpec("gru", "attention", bidirectional=True), 1),
    "transformer": (ModelSpec("transformer", "mean"), 1),
    "gru_b8": (ModelSpec("gru"), 8),
    "gru_b64": (ModelSpec("gru"), 64),
    "gru_b512": (ModelSpec("gru"), 512),
}
"""Models that no engine before this one compiled, with their batch sizes."""


class Before:
    """The kernels of an earlier commit, in a process of their own with that commit's package."""

    def __init__(self, commit: str, folder: Path) -> None:
        archive = subprocess.run(["git", "archive", commit, "src"], capture_output=True, check=True)
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("before.py")],
            env={**os.environ, "PYTHONPATH": str(folder / "src")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def seconds(self, model: str, noise: int, updates: int) -> float:
        """Return the seconds of an update of a model."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(model, noise, updates, file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())


class Jax:
    """JAX, in a process of its own: an optional extra."""

    STYLES = ("jax", "jax_expert")

    def __init__(self, python: str) -> None:
        self._process = subprocess.Popen(
            [python, Path(__file__).with_name("in_jax.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def seconds(self, style: str, spec: ModelSpec, noise: int, batch: int, losses: Any) -> float:
        """Return the seconds of an example, once its first losses are the compiled engine's."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        keys = ("cell", "readout", "hidden_size", "num_layers", "bidirectional", "num_heads")
        asked = {
            "spec": {key: getattr(spec, key) for key in keys},
            "noise": noise,
            "batch": batch,
            "count": -(-400 // batch) * batch,
            "expert": style == "jax_expert",
        }
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        found = json.loads(self._process.stdout.readline())
        np.testing.assert_allclose(found["losses"], losses[: len(found["losses"])], atol=2e-4)
        return float(found["seconds"])


def timed(work: Callable[[], object], count: int) -> float:
    """Return the seconds that each of `count` examples took."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) / count


def row_of(
    name: str, noise: int, spec: ModelSpec, times: dict[str, list[float]], rate: float, peak: float
) -> dict[str, object]:
    """Return a row of the table from the seconds of an example of each loop, round by round."""
    medians = {loop: statistics.median(values) for loop, values in times.items()}
    compiled = medians["compiled"]
    others = {loop: t for loop, t in medians.items() if loop != "compiled"}
    return {
        "model": name,
        "noise": noise,
        **{f"{loop}_us": round(t * 1e6, 2) for loop, t in medians.items()},
        **{f"{loop}/compiled": round(t / compiled, 2) for loop, t in others.items()},
        "gflops": round(rate / compiled / 1e9, 1),
        "share_of_peak": round(rate / compiled / peak, 3),
    }


def default_models(
    names: Examples, L: int, rounds: int, before: Before, jax: Jax | None
) -> Iterator[dict[str, Any]]:
    """Yield a row for each of the worksheet's models × noise."""
    for model, spec in WORKSHEET_MODELS.items():
        for noise in (0, 5):
            initial = initial_parameters(spec, len(WORKSHEET), L, 0)
            some, many = (
                TrainingStream(names, Noise(noise), 0).take(count) for count in (FEW, MANY)
            )
            loops = {
                "worksheet": worksheet(load(spec, initial, L), L),
                "pytorch": pytorch(load(spec, initial, L), L),
            }
            engine = CompiledEngine(spec, initial, Hyperparameters(learning_rate=RATE))
            first, _ = engine.advance(some)  # compiled before the clock starts
            before.seconds(model, noise, 100)
            styles = Jax.STYLES if jax else ()
            times: dict[str, list[float]] = {
                loop: [] for loop in (*loops, "before", *styles, "compiled")
            }
            peaks = []
            for _ in range(rounds):
                for loop, update in loops.items():
                    each = partial(_all, update, some)
                    times[loop].append(timed(each, FEW))
                times["before"].append(before.seconds(model, noise, MANY))
                if jax:
                    for style in styles:
                        times[style].append(jax.seconds(style, spec, noise, 1, first))
                times["compiled"].append(timed(partial(engine.advance, many), MANY))
                peaks.append(matrix_multiply_peak())
            rate = operations(spec, many, L)
            yield row_of(model, noise, spec, times, rate, statistics.median(peaks))


def _all(update: Update, examples: Examples) -> None:
    for i in range(len(examples)):
        update(examples, i)


def other_models(names: Examples, L: int, rounds: int, jax: Jax | None) -> Iterator[dict[str, Any]]:
    """Yield a row for each of OTHERS, an example at a time, against the autograd engine."""
    for name, (spec, batch) in OTHERS.items():
        plan = Hyperparameters(learning_rate=RATE, batch_size=batch, record_every=batch)
        initial = initial_parameters(spec, len(WORKSHEET), L, 0)
        few, many = max(FEW // 3, 2 * batch), MANY // 5
        stream = TrainingStream(names, Noise(0), 0)
        some, more = stream.take(few), stream.take(many)
        compiled = CompiledEngine(spec, initial, plan)
        autograd = AutogradEngine(spec, initial, plan)
        first, _ = compiled.advance(some)
        styles = Jax.STYLES if jax else ()
        times: dict[str, list[float]] = {loop: [] for loop in ("autograd", *styles, "compiled")}
        peaks = []
        for _ in range(rounds):
            times["autograd"].append(timed(partial(autograd.advance, some), few))
            if jax:
                for style in styles:
                    times[style].append(jax.seconds(style, spec, 0, batch, first))
            times["compiled"].append(timed(partial(compiled.advance, more), many))
            peaks.append(matrix_multiply_peak())
        rate = operations(spec, more, L)
        yield row_of(name, 0, spec, times, rate, statistics.median(peaks))


def write(table: Path, rows: list[dict[str, Any]]) -> None:
    """Write a table of measurements."""
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    print(table)


@click.command(context_settings={"show_default": True})
@click.option("--rounds", type=click.IntRange(min=1), default=5)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("benchmarks"),
    help="Where the tables go.",
)
@click.option("--jax", help="An interpreter with JAX and what this project needs.")
def main(rounds: int, folder: Path, jax: str | None) -> None:
    """Time all loops and print the tables."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for pool in threadpool_info():
        print({key: pool.get(key) for key in ("internal_api", "num_threads", "architecture")})
    split = splits.split_names(datasets.load("surnames").rows, 0)
    names, L = Examples.of_names(split.train, split.languages), len(split.languages)
    rows, others = [], []
    in_jax = Jax(jax) if jax else None
    with tempfile.TemporaryDirectory() as old:
        for row in default_models(names, L, rounds, Before(EARLIER, Path(old)), in_jax):
            print(row, flush=True)
            rows.append(row)
    for loop in ("worksheet", "pytorch", "before", *(Jax.STYLES if jax else ())):
        ratios = [row["compiled_us"] / row[f"{loop}_us"] for row in rows]
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        print(f"compiled/{loop}: geometric mean {mean:.3f}, most {max(ratios):.3f}")
    for row in other_models(names, L, rounds, in_jax):
        print(row, flush=True)
        others.append(row)
    write(folder / "speed.csv", rows)
    write(folder / "speed-others.csv", others)


if __name__ == "__main__":
    main()

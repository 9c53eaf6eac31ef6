"""Time one SGD update: the worksheet's loop, plain PyTorch at its best, and the compiled engine.

    python benchmarks/speed.py [--rounds 5] [--csv benchmarks/speed.csv]

All three do the same updates from the same weights in one process, in alternation, on one thread.
The table gives medians over the rounds, in microseconds an update, their ratios, and the share of
this core's single-precision matrix-multiply peak (measured in the same process with NumPy's BLAS)
that the compiled engine reaches. Only the multiply-adds of matrix products, the output layer and
the input rows count as work, 2 operations each; activations and the updates of biases do not.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported
os.environ.setdefault("MKL_NUM_THREADS", "1")

import csv
import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor, nn
from torch.nn import functional as F

from noisynames.models.reference import Classifier, load_classifier
from noisynames.models.spec import GATES, WORKSHEET_MODELS, ModelSpec, Parameters
from noisynames.models.weights import initial_parameters
from noisynames.names import dataset as datasets
from noisynames.names import splits
from noisynames.names.alphabet import WORKSHEET
from noisynames.names.examples import Examples, TrainingStream
from noisynames.names.noise import Noise
from noisynames.training.compiled.engine import FusedEngine

RATE = 0.005
UPDATES = {"worksheet": 300, "pytorch": 300, "fused": 20_000}

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
    H, G = spec.hidden_size, GATES[spec.cell][0] * spec.hidden_size
    length = examples.lengths.mean()
    recurrent = 3 * 2 * H * G * (length - 1)  # forward, backward, update; h_0 = 0 is skipped
    inputs = (1 + 2) * G * length  # one addition of a row, one multiply-add of its update
    output = 3 * 2 * H * languages
    attention = 5 * 2 * H * length if spec.readout == "attention" else 0
    return float(recurrent + inputs + output + attention)


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


def main(
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    table: Annotated[Path, typer.Option("--csv")] = Path("benchmarks/speed.csv"),
) -> None:
    """Time the three loops and print the table."""
    torch.set_num_threads(1)
    split = splits.split_names(datasets.load("surnames").rows, 0)
    names, L = Examples.of_names(split.train, split.languages), len(split.languages)
    rows = []
    for model, spec in WORKSHEET_MODELS.items():
        for noise in (0, 5):
            initial = initial_parameters(spec, len(WORKSHEET), L, 0)
            sample = {
                loop: TrainingStream(names, Noise(noise), 0).take(n) for loop, n in UPDATES.items()
            }
            loops = {
                "worksheet": worksheet(load(spec, initial, L), L),
                "pytorch": pytorch(load(spec, initial, L), L),
            }
            engine = FusedEngine(spec, initial, RATE)
            engine.advance(sample["worksheet"])  # compiled before the clock starts
            times: dict[str, list[float]] = {loop: [] for loop in UPDATES}
            peaks = []
            for _ in range(rounds):
                for loop, update in loops.items():
                    examples = sample[loop]
                    start = time.perf_counter()
                    for i in range(len(examples)):
                        update(examples, i)
                    times[loop].append((time.perf_counter() - start) / len(examples))
                start = time.perf_counter()
                engine.advance(sample["fused"])
                times["fused"].append((time.perf_counter() - start) / len(sample["fused"]))
                peaks.append(matrix_multiply_peak())
            medians = {loop: statistics.median(values) for loop, values in times.items()}
            rate = operations(spec, sample["fused"], L) / medians["fused"]
            rows.append(
                {
                    "model": model,
                    "noise": noise,
                    **{f"{loop}_us": round(t * 1e6, 2) for loop, t in medians.items()},
                    "worksheet/fused": round(medians["worksheet"] / medians["fused"], 1),
                    "pytorch/fused": round(medians["pytorch"] / medians["fused"], 1),
                    "gflops": round(rate / 1e9, 1),
                    "share_of_peak": round(rate / statistics.median(peaks), 3),
                }
            )
            print(rows[-1], flush=True)
    ratios = [float(row["worksheet/fused"]) for row in rows]
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    print(f"worksheet/fused: geometric mean {mean:.1f}, least {min(ratios):.1f}")
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    print(table)


if __name__ == "__main__":
    typer.run(main)

"""The same bits on every processor: of any vector width, 64-bit Arm, and WebAssembly."""

import ctypes
import functools
import os
import shutil
from pathlib import Path
from typing import Any

import foreign
import llvmlite.binding as llvm
import numpy as np
import pytest

from noisynames.models.spec import ModelSpec
from noisynames.models.weights import initial_parameters
from noisynames.names import dataset as datasets
from noisynames.names import splits
from noisynames.names.examples import Examples, TrainingStream
from noisynames.names.noise import Noise
from noisynames.training.compiled import building, cache
from noisynames.training.compiled.engine import CompiledEngine
from noisynames.training.hyperparameters import Hyperparameters

SPLIT = splits.split_names(datasets.load("surnames").rows, 0)
SHORT = [(language, name) for language, name in SPLIT.train if len(name) <= 6]  # Arm is emulated
STREAM = TrainingStream(Examples.of_names(SHORT, SPLIT.languages), Noise(2), 0)
EXAMPLES = STREAM.take(5_000)
UNITS = 32
PLAIN = Hyperparameters(learning_rate=0.005)
BATCHES = Hyperparameters(learning_rate=0.02, batch_size=8)
ADAM = Hyperparameters(learning_rate=0.001, optimizer="adam", clip_norm=1.0)
CASES = [
    (ModelSpec("rnn"), PLAIN),
    (ModelSpec("rnn", "mean", num_layers=2), BATCHES),
    (ModelSpec("gru"), PLAIN),
    (ModelSpec("gru", "attention", bidirectional=True), BATCHES),
    (ModelSpec("gru", "attention"), ADAM),
    (ModelSpec("lstm"), PLAIN),
    (ModelSpec("lstm", "max", 32, 2, True), PLAIN),
    (ModelSpec("transformer", "mean"), PLAIN),
    (ModelSpec("transformer", "attention", 32, 2), BATCHES),
]
TOOLS = {
    "aarch64": ("qemu-aarch64", "ld.lld"),
    "wasm32": ("node", "wasm-ld"),
    "x86-64-v2": (),
    "x86-64-v3": (),
    "x86-64-v4": (),
}


def named(case: Any) -> str:
    spec, plan = case
    parts = [
        spec.cell,
        spec.readout,
        "2layers" * (spec.num_layers - 1),
        "both" * spec.bidirectional,
    ]
    return "-".join([*filter(None, parts), f"{plan.optimizer}{plan.batch_size}"])


@pytest.fixture(scope="module")
def codes() -> dict[str, str]:
    return {}


def code_of(cell: str, codes: dict[str, str]) -> str:
    if cell not in codes:
        codes[cell] = building.kernel_code(cell, UNITS, "float32")
    return codes[cell]


def x86(level: str) -> Any:
    """A processor of one of the levels that x86-64's makers agreed on."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(cpu=level, features="", opt=3, jit=True)


@functools.cache
def object_file(level: str, code: str) -> bytes:
    return building.machine_code(code, x86(level))


def trained_as(level: str, code: str, engine: CompiledEngine) -> dict[str, np.ndarray]:
    holder = llvm.create_mcjit_compiler(llvm.parse_assembly(""), building.host())
    holder.add_object_file(llvm.ObjectFileRef.from_data(object_file(level, code)))
    holder.finalize_object()
    engine.kernel = cache.callable_at(holder.get_function_address(building.ENTRY))
    losses, _ = engine.advance(EXAMPLES)
    return {"weights": engine.memory["weights"], "losses": losses}


@pytest.mark.parametrize("target", TOOLS)
@pytest.mark.parametrize("case", CASES, ids=named)
def test_5000_updates_end_in_the_same_bits(
    case: Any, target: str, codes: dict[str, str], tmp_path: Path
) -> None:
    spec, plan = case
    missing = [tool for tool in TOOLS[target] if shutil.which(tool) is None]
    if missing:
        message = f"needs {' and '.join(missing)} (Debian: qemu-user, lld, nodejs)"
        assert "NOISYNAMES_REQUIRE_TARGETS" not in os.environ, message
        pytest.skip(message)
    if target == "x86-64-v4" and not llvm.get_host_cpu_features().get("avx512f"):
        pytest.skip("this processor has no AVX-512")
    initial = initial_parameters(spec, 57, 18, 0)
    here, there = CompiledEngine(spec, initial, plan), CompiledEngine(spec, initial, plan)
    before = here.memory["weights"].copy()
    losses, _ = here.advance(EXAMPLES)
    code = code_of(spec.cell, codes)
    found: foreign.Arrays
    if target.startswith("x86"):
        found = trained_as(target, code, there)
    else:
        found = foreign.trained_elsewhere(target, code, there, EXAMPLES, tmp_path)
    np.testing.assert_array_equal(found["losses"], losses)
    np.testing.assert_array_equal(found["weights"], here.memory["weights"])
    assert np.abs(here.memory["weights"] - before).max() > 0.01, "the weights moved"


def test_machine_code_of_other_processors_is_other_code(codes: dict[str, str]) -> None:
    """Lest the tests above compare one thing with itself."""
    code = code_of("rnn", codes)
    machines = [x86("x86-64-v2"), x86("x86-64-v3"), foreign.machine_for("aarch64")]
    assert len({building.machine_code(code, machine) for machine in machines}) == 3
    assert ctypes.sizeof(ctypes.c_void_p) == 8

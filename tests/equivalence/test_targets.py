"""The same bits on every processor: of any vector width, 64-bit Arm, and WebAssembly."""

import ctypes
import os
import re
import shutil
from pathlib import Path
from typing import Any

import foreign
import llvmlite.binding as llvm
import numpy as np
import pytest
from conftest import Once

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
SHORT = [(language, name) for language, name in SPLIT.train if len(name) <= 5]
STREAM = TrainingStream(Examples.of_names(SHORT, SPLIT.languages), Noise(1), 0)
EXAMPLES = STREAM.take(5_000)
PLAIN = Hyperparameters(learning_rate=0.005)
BATCHES = Hyperparameters(learning_rate=0.02, batch_size=8)
ADAM = Hyperparameters(learning_rate=0.001, optimizer="adam", clip_norm=1.0)
# As small as a kernel's vectors are, but for one of the usual size: Arm's arithmetic is emulated.
CASES = [
    (ModelSpec("rnn", "last", 16), PLAIN),
    (ModelSpec("rnn", "mean", 16, 2), BATCHES),
    (ModelSpec("gru", "last", 32), PLAIN),
    (ModelSpec("gru", "attention", 16, 1, True), BATCHES),
    (ModelSpec("gru", "attention", 16), ADAM),
    (ModelSpec("lstm", "last", 16), PLAIN),
    (ModelSpec("lstm", "max", 16, 2, True), PLAIN),
    (ModelSpec("transformer", "mean", 16), PLAIN),
    (ModelSpec("transformer", "attention", 16, 2), BATCHES),
]
WIDE = "x86-64-v4"
"""The level with registers of 16 numbers."""
TOOLS = {
    "aarch64": ("qemu-aarch64", "ld.lld"),
    "wasm32": ("node", "wasm-ld"),
    "x86-64-v2": (),
    "x86-64-v3": (),
    WIDE: (),
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


def code_of(spec: ModelSpec, once: Once, wide: bool) -> str:
    def emit() -> str:
        return building.kernel_code(spec.cell, spec.hidden_size, "float32", wide)

    name = f"{spec.cell}-{spec.hidden_size}-{'wide' if wide else 'narrow'}.ll"
    return once(name, lambda path: path.write_text(emit())).read_text()


def x86(level: str) -> Any:
    """A processor of one of the standard levels of x86-64."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(cpu=level, features="", opt=3, jit=True)


def trained_as(
    level: str, spec: ModelSpec, once: Once, engine: CompiledEngine
) -> dict[str, np.ndarray]:
    code, name = code_of(spec, once, level == WIDE), f"{spec.cell}-{spec.hidden_size}-{level}.o"
    made = once(name, lambda path: path.write_bytes(building.machine_code(code, x86(level))))
    holder = llvm.create_mcjit_compiler(llvm.parse_assembly(""), building.host())
    holder.add_object_file(llvm.ObjectFileRef.from_data(made.read_bytes()))
    holder.finalize_object()
    engine.kernel = cache.callable_at(holder.get_function_address(building.ENTRY))
    losses, _ = engine.advance(EXAMPLES)
    return {"weights": engine.memory["weights"], "losses": losses}


@pytest.mark.parametrize("target", TOOLS)
@pytest.mark.parametrize("case", CASES, ids=named)
def test_5000_updates_give_the_same_bits(
    case: Any, target: str, once: Once, tmp_path: Path
) -> None:
    spec, plan = case
    missing = [tool for tool in TOOLS[target] if shutil.which(tool) is None]
    if missing:
        message = f"needs {' and '.join(missing)} (Debian: qemu-user, lld, nodejs)"
        assert "NOISYNAMES_REQUIRE_TARGETS" not in os.environ, message
        pytest.skip(message)
    if target == WIDE and not building.is_wide():
        pytest.skip("this processor has no AVX-512")
    initial = initial_parameters(spec, 57, 18, 0)
    here, there = CompiledEngine(spec, initial, plan), CompiledEngine(spec, initial, plan)
    before = here.memory["weights"].copy()
    losses, _ = here.advance(EXAMPLES)
    found: foreign.Arrays
    if target.startswith("x86"):
        found = trained_as(target, spec, once, there)
    else:
        code = code_of(spec, once, wide=False)
        found = foreign.trained_elsewhere(target, code, there, EXAMPLES, tmp_path)
    np.testing.assert_array_equal(found["losses"], losses)
    np.testing.assert_array_equal(found["weights"], here.memory["weights"])
    assert np.abs(here.memory["weights"] - before).max() > 0.01, "the weights moved"


def test_machine_code_differs_between_processors(once: Once) -> None:
    """Otherwise the tests above would compare code with itself."""
    code = code_of(ModelSpec("rnn", "last", 16), once, wide=False)
    machines = [x86("x86-64-v2"), x86("x86-64-v3"), foreign.machine_for("aarch64")]
    assert len({building.machine_code(code, machine) for machine in machines}) == 3
    assert ctypes.sizeof(ctypes.c_void_p) == 8


@pytest.mark.skipif(not building.is_wide(), reason="this processor has no AVX-512")
def test_loops_over_units_use_full_registers_on_every_make_of_processor(once: Once) -> None:
    """LLVM's own choice for Intel's is half registers, and its name for that may change."""
    machine = building.host()
    code = code_of(ModelSpec("rnn", "last", 32), once, wide=True)
    assembly = machine.emit_assembly(building.optimised(code, machine))
    # Only the loops over hidden units and over classes divide vectors.
    divisions = re.findall(r"vdivps\t.*%([yz])mm", assembly)
    assert divisions.count("z") > len(divisions) / 2

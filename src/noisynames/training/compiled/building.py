"""Compiles a kernel's source to machine code, for this processor or another.

Numba turns the source into LLVM's language, in a process of its own (`emission`); llvmlite, Numba's
own interface to LLVM, turns that into an object file for the given processor.
"""

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from noisynames.errors import UserError
from noisynames.models.spec import READOUTS, RECURRENT
from noisynames.training.compiled.rooms import network_of

ENTRY = "entry"
"""The function of a kernel that is called from outside."""
WIDE, NARROW = "wide", "narrow"
"""Kinds of processors, by their registers, as `emission` is told of them."""
_EMISSION = "noisynames.training.compiled.emission"
_C_LIBRARY = {"log", "logf", "exp", "memcpy", "memmove", "memset"}
"""Functions that machine code may call: those that are in every process."""


def kernel_modules(cell: str) -> list[str]:
    """Return the modules, relative to the package, that a cell's kernel is compiled from."""
    ours = ["kernels", "primitives", "vectors", "products", "optimisers", "interface", "layout"]
    ours += ["rooms", "building", "emission", network_of(cell)]
    ours += [f"readouts.{name}" for name in READOUTS]
    own = [f"models.cells.{cell}"] if cell in RECURRENT else []
    return [*(f"training.compiled.{name}" for name in ours), "models.elementary", *own]


def kernel_code(cell: str, H: int, real: str, wide: bool) -> str:
    """Return a kernel in LLVM's language, not yet optimised for any processor.

    Numba reads options from the environment (`NUMBA_BOUNDSCHECK=1`, …) and from a file in the
    working directory. Some change losses, and the cache would keep such kernels. So this is done in
    a process of its own, which has neither.

    Args:
        cell: A module of `models.cells`, or `transformer`.
        H: Hidden size, a multiple of `layout.LANES`.
        real: `float32` or `float64`.
        wide: Whether it is for a processor with registers of 16 numbers of `float32`. It runs on
            any other too, with the same bits, but slower.

    Raises:
        UserError: The compilation failed.
    """
    import subprocess  # like llvmlite below: only compiling needs them, and few jobs compile

    clean = {key: value for key, value in os.environ.items() if not key.startswith("NUMBA_")}
    clean |= {"NUMBA_OPT": "0", "NUMBA_DISABLE_ERROR_MESSAGE_HIGHLIGHTING": "1"}
    clean["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, filter(None, sys.path)))
    clean["PYTHONHASHSEED"] = "0"  # the order of sets affects the code
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "kernel.ll")
        registers = WIDE if wide else NARROW
        command = [sys.executable, "-m", _EMISSION, cell, str(H), real, registers, str(file)]
        done = subprocess.run(
            command, env=clean, cwd=folder, stderr=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
            raise UserError(f"kernels: the {cell} could not be compiled ({last})")
        return file.read_text(encoding="utf-8")


def is_wide() -> bool:
    """Return whether this machine's processor has registers of 16 numbers of `float32`."""
    import llvmlite.binding as llvm

    return bool(llvm.get_host_cpu_features().get("avx512f"))


def host() -> Any:
    """Return LLVM's description of this machine's processor.

    On Intel's, LLVM would make vectors of plain loops in half registers, of 256 bits of 512, since
    full ones lower the clock of the earliest. The products use full ones anyway, and updates would
    take an eighth longer.
    """
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    full = ",-prefer-256-bit" if is_wide() else ""
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten() + full,
        opt=3,
        jit=True,
    )


def machine_code(code: str, machine: Any) -> bytes:
    """Return the object file of a kernel for a processor, given LLVM's description of it."""
    return bytes(machine.emit_object(optimised(code, machine)))


def optimised(code: str, machine: Any) -> Any:
    """Return LLVM's module of a kernel, optimised for a processor."""
    import llvmlite.binding as llvm

    layout, triple = machine.target_data, machine.triple
    code = re.sub(r'(?m)^target datalayout = ".*"', f'target datalayout = "{layout}"', code)
    code = re.sub(r'(?m)^target triple = ".*"', f'target triple = "{triple}"', code)
    module = llvm.parse_assembly(code)
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = True
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    for function in module.functions:
        outside = function.is_declaration and not function.name.startswith("llvm.")
        assert not outside or function.name in _C_LIBRARY, f"{function.name} belongs to Numba"
    return module

"""A kernel in LLVM's language, from Numba: a process of its own, which `building` starts.

Numba makes machine code of every function at once, to be called from Python; ours are called by
nothing but each other. So Numba is given a target that emits none, which takes a third less time.
"""

import gc
import sys
from functools import cached_property
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
from numba import types
from numba.core.compiler_lock import global_compiler_lock
from numba.core.cpu import CPUContext
from numba.core.registry import CPUDispatcher, CPUTarget

from noisynames.training.compiled.building import ENTRY


class _Context(CPUContext):
    """Numba's own, whose functions cannot be called from Python."""

    def get_executable(self, library: Any, fndesc: Any, env: Any) -> Any:
        """Return what stands for a compiled function: callers find its code by it."""
        return [].append  # any built-in function that is no other's


class _Target(CPUTarget):
    """Numba's own target, for code that runs elsewhere."""

    @cached_property
    def target_context(self) -> Any:
        """What functions are compiled in."""
        context: Any = _Context(self.typing_context, "cpu")  # type: ignore[no-untyped-call]
        return context.with_aot_codegen("noisynames", cpu_name="host")


def emitted(cell: str, H: int, real: str) -> str:
    """Return what `building.kernel_code` does, with whatever options Numba has in this process."""
    CPUDispatcher.targetdescr = _Target("cpu")  # type: ignore[no-untyped-call]
    from noisynames.training.compiled.kernels import compile_entry

    dispatcher = compile_entry(cell, H, getattr(types, real))
    (compiled,) = dispatcher.overloads.values()
    with global_compiler_lock:
        module = llvm.parse_bitcode(compiled.library.emit_bitcode())
    for function in module.functions:
        if function.name == compiled.fndesc.llvm_func_name:
            function.name = ENTRY
        elif not function.is_declaration:
            function.linkage = "internal"
    for variable in module.global_variables:
        if not variable.is_declaration:
            variable.linkage = "internal"
    return str(module)


if __name__ == "__main__":
    gc.disable()  # a process of some seconds has the memory, and nothing to gain from the time
    _, name, units, kind, to = sys.argv
    Path(to).write_text(emitted(name, int(units), kind), encoding="utf-8")

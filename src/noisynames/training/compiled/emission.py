"""Writes a kernel in LLVM's language with Numba, in a process of its own that `building` starts.

Numba compiles every function to machine code at once, to be called from Python; ours only call each
other. So Numba is given a target that emits no machine code, which takes a third less time.
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

from noisynames.training.compiled.building import ENTRY, WIDE


class Context(CPUContext):
    """Numba's own context, but for functions that cannot be called from Python.

    Attributes:
        wide: Whether the kernel is for a processor with registers of 16 numbers. What is compiled
            reads it to decide how much of a product to work on at a time.
    """

    wide = False

    def get_executable(self, library: Any, fndesc: Any, env: Any) -> Any:
        """Return a stand-in for the compiled function, by which callers find its code."""
        return [].append  # any built-in function that is distinct from all others


class _Target(CPUTarget):
    """Numba's own target, for code that runs elsewhere."""

    @cached_property
    def target_context(self) -> Any:
        """The context in which functions are compiled."""
        context: Any = Context(self.typing_context, "cpu")  # type: ignore[no-untyped-call]
        return context.with_aot_codegen("noisynames", cpu_name="host")


def emitted(cell: str, H: int, real: str, wide: bool) -> str:
    """Return the result of `building.kernel_code`, with Numba's options in this process."""
    Context.wide = wide
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
    gc.disable()  # a process of a few seconds has enough memory, and collection only takes time
    _, name, units, kind, registers, to = sys.argv
    code = emitted(name, int(units), kind, registers == WIDE)
    Path(to).write_text(code, encoding="utf-8")

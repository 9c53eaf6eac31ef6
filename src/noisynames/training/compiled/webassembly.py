"""The kernels as WebAssembly, for the page to train with: `make wasm` writes them.

The files are part of the repository, so that running the pipeline does not need LLVM's linker.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from noisynames.training.compiled.building import ENTRY, kernel_code, machine_code

CELLS = ("rnn", "gru", "lstm")
UNITS = (16, 32, 64)
"""The padded hidden sizes for which there are kernels."""
FEATURES = "+simd128"

LIBRARY = """
define ptr @memset(ptr %to, i32 %byte, i64 %count) #0 {
start: %b = trunc i32 %byte to i8  br label %test
test: %i = phi i64 [0, %start], [%next, %body]  %more = icmp ult i64 %i, %count
  br i1 %more, label %body, label %end
body: %p = getelementptr i8, ptr %to, i64 %i  store volatile i8 %b, ptr %p
  %next = add i64 %i, 1  br label %test
end: ret ptr %to }
define ptr @memcpy(ptr %to, ptr %from, i64 %count) #0 {
start: br label %test
test: %i = phi i64 [0, %start], [%next, %body]  %more = icmp ult i64 %i, %count
  br i1 %more, label %body, label %end
body: %f = getelementptr i8, ptr %from, i64 %i  %b = load volatile i8, ptr %f
  %p = getelementptr i8, ptr %to, i64 %i  store volatile i8 %b, ptr %p
  %next = add i64 %i, 1  br label %test
end: ret ptr %to }
attributes #0 = { nounwind "no-builtins" }
"""
"""What kernels need from a C library, which WebAssembly lacks, in LLVM's language."""


def build(cell: str, units: int) -> bytes:
    """Return a kernel as a WebAssembly module.

    It exports `entry` (called as `cache.callable_at` says), its memory, and `__heap_base`, where
    the caller's part of the memory begins; it imports nothing.

    Args:
        cell: One of CELLS.
        units: The padded hidden size.
    """
    with tempfile.TemporaryDirectory() as folder:
        part, whole = Path(folder, "kernel.o"), Path(folder, "kernel.wasm")
        code = kernel_code(cell, units, "float32", wide=False)
        part.write_bytes(machine_code(code + LIBRARY, machine()))
        exported = [f"--export={name}" for name in (ENTRY, "__heap_base")]
        options = ["--no-entry", "--strip-all", *exported]
        subprocess.run(["wasm-ld", *options, part, "-o", whole], check=True)
        return whole.read_bytes()


def machine() -> Any:
    """Return LLVM's description of WebAssembly with vectors of 128 bits."""
    import llvmlite.binding as llvm  # the workflow reads this module, and need not wait for LLVM

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    target = llvm.Target.from_triple("wasm32-unknown-unknown")
    return target.create_target_machine(cpu="", features=FEATURES, opt=3, reloc="static")


def name_of(cell: str, units: int) -> str:
    """Return the name of a kernel's file."""
    return f"{cell}-{units}.wasm"


if __name__ == "__main__":
    (to,) = sys.argv[1:]
    for kind in CELLS:
        for size in UNITS:
            file = Path(to, name_of(kind, size))
            file.write_bytes(build(kind, size))
            print(file, file.stat().st_size)

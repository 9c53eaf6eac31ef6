"""Compiled kernels, kept on disk as machine code and loaded without Numba.

Numba takes more than a second to start, most of a short run. So Numba is imported only to compile
a kernel that this machine does not have yet, in a process of its own; from then on llvmlite, which
is Numba's own interface to LLVM, loads the machine code into the process.

The cache is a folder of the user's (`NOISYNAMES_CACHE`, by default in the platform's cache folder),
never the installed package, which may be read-only. A file's name holds all that its content
depends on: the kernels' source, the versions, the processor. Files are written whole, under a lock
that only saves double work: where a file system has no locks, two jobs write the same content.
"""

import ctypes
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm

from noisynames.errors import UserError
from noisynames.files import replacing
from noisynames.models.spec import READOUTS, RECURRENT

_SOURCES = Path(__file__).parents[2]
_DIGEST_BYTES = 32
_NAME = "entry"
_C_LIBRARY = {"log", "logf", "exp", "memcpy", "memmove", "memset"}
"""What machine code may call: functions that are in every process."""

_loaded: dict[tuple[str, int, str], tuple[Any, Any]] = {}
"""Functions, each with the engine whose memory it lives in."""


def kernel_modules(cell: str) -> list[str]:
    """Return the modules, relative to the package, that a cell's kernel is compiled from."""
    ours = ["kernels", "primitives", "interface", "layout", "rooms", "optimisers"]
    ours += ["recurrent", *(f"readouts.{name}" for name in READOUTS)]
    own = f"models.cells.{cell}" if cell in RECURRENT else "training.compiled.encoder"
    return [*(f"training.compiled.{name}" for name in ours), "models.elementary", own]


def load(cell: str, H: int, real: str = "float32") -> Any:
    """Return a kernel as a ctypes function; see `kernels.compile_entry`.

    Args:
        cell: A module of `models.cells`, or `transformer`.
        H: Hidden size, a multiple of `layout.LANES`.
        real: `float32` or `float64`.
    """
    key = (cell, H, real)
    if key not in _loaded:
        _loaded[key] = _link(_machine_code(*key))
    function, _ = _loaded[key]
    return function


def cache_folder() -> Path:
    """Return the folder that holds the machine code."""
    if folder := os.environ.get("NOISYNAMES_CACHE"):
        return Path(folder)
    from platformdirs import user_cache_path

    return user_cache_path("noisynames") / "kernels"


def _machine_code(cell: str, H: int, real: str) -> bytes:
    """Return the object file of a kernel, from the cache or else compiled into it."""
    identity = [
        *(
            (_SOURCES / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8")
            for name in ("training.compiled.cache", *kernel_modules(cell))
        ),
        str(READOUTS),
        *(version(package) for package in ("numba", "llvmlite", "numpy")),
        sys.version,
        llvm.get_process_triple(),
        llvm.get_host_cpu_name(),
        llvm.get_host_cpu_features().flatten(),
    ]
    digest = hashlib.sha256("\0".join(identity).encode()).hexdigest()[:16]
    path = cache_folder() / f"{cell}-{H}-{real}-{digest}.bin"
    code = _read(path)
    if code is not None:
        return code
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.with_suffix(".lock")):
            code = _read(path)  # another job may have compiled it meanwhile
            if code is None:
                code = _compile(cell, H, real)
                with replacing(path) as part:
                    part.write_bytes(hashlib.sha256(code).digest() + code)
    except OSError as error:
        print(f"kernels: {path.parent} cannot be written ({error.strerror})", file=sys.stderr)
        code = _compile(cell, H, real)
    return code


def _read(path: Path) -> bytes | None:
    """Return the machine code in a cache file; None if it is not there or not whole."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, code = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    return code if hashlib.sha256(code).digest() == digest else None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    from filelock import FileLock

    lock = FileLock(path)
    try:
        lock.acquire()
    except NotImplementedError:  # a file system without locks
        yield
        return
    try:
        yield
    finally:
        lock.release()


def _compile(cell: str, H: int, real: str) -> bytes:
    """Compile a kernel in a process of its own, on which nothing of the user's has an influence.

    Numba takes options from the environment (`NUMBA_OPT=0`, …) and from a file in the working
    directory. Some give other losses, which a cache would keep, so the process has neither.

    Raises:
        UserError: The compilation failed.
    """
    print(
        f"kernels: compiling the {cell} of {H} units, once on this machine (some seconds)",
        file=sys.stderr,
        flush=True,
    )
    clean = {key: value for key, value in os.environ.items() if not key.startswith("NUMBA_")}
    clean["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, filter(None, sys.path)))
    clean["PYTHONHASHSEED"] = "0"  # the order of sets has an influence on the machine code
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "kernel.bin")
        command = [sys.executable, "-m", __name__, cell, str(H), real, str(file)]
        done = subprocess.run(
            command, env=clean, cwd=folder, stderr=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
            raise UserError(f"kernels: the {cell} could not be compiled ({last})")
        return file.read_bytes()


def _compiled_here(cell: str, H: int, real: str) -> bytes:
    """Compile a kernel in this process, with whatever options Numba has here."""
    from numba import types

    from noisynames.training.compiled.kernels import compile_entry

    dispatcher = compile_entry(cell, H, getattr(types, real))
    (compiled,) = dispatcher.overloads.values()
    module = llvm.parse_assembly(compiled.library.get_llvm_str())
    for function in module.functions:
        if function.name == compiled.fndesc.llvm_func_name:
            function.name = _NAME
        outside = function.is_declaration and not function.name.startswith("llvm.")
        assert not outside or function.name in _C_LIBRARY, f"{function.name} belongs to Numba"
    return bytes(_target_machine().emit_object(module))


def _target_machine() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        jit=True,
    )


def _link(code: bytes) -> tuple[Any, Any]:
    """Load machine code into this process; return its function and the engine that holds it."""
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target_machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    # Numba's own convention: status = f(&result, &exception, arguments …)
    kind = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64
    )
    return kind(engine.get_function_address(_NAME)), engine


if __name__ == "__main__":
    _, cell, units, real, file = sys.argv
    Path(file).write_bytes(_compiled_here(cell, int(units), real))

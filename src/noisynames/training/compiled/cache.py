"""Compiled kernels, kept on disk as machine code and loaded without Numba and LLVM.

Numba takes more than a second to start, most of a short run, and LLVM 40 ms, a fifth of the
shortest. So they are imported only to compile a kernel that this machine does not have yet; from
then on `loading` places the machine code in the process. Where it cannot, llvmlite does, which is
Numba's own interface to LLVM.

The cache is a folder of the user's (`NOISYNAMES_CACHE`, by default in the platform's cache folder),
never the installed package, which may be read-only. A file's name depends on all that its content
depends on: the kernels' source, the versions, the processor. Files are written whole, under a lock
that only prevents double work.
"""

import ctypes
import hashlib
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import llvmlite
import numpy as np

from noisynames import machine
from noisynames.files import replacing
from noisynames.models.spec import READOUTS
from noisynames.training.compiled import building, loading

_SOURCES = Path(__file__).parents[2]
_DIGEST_BYTES = 32
_loaded: dict[tuple[str, int, str], tuple[Any, Any]] = {}
"""Functions, each with what holds the memory that it is in."""


def load(cell: str, H: int, real: str = "float32") -> Any:
    """Return a kernel as a ctypes function; see `kernels.compile_entry`.

    Args:
        cell: A module of `models.cells`, or `transformer`.
        H: Hidden size, a multiple of `layout.LANES`.
        real: `float32` or `float64`.
    """
    key = (cell, H, real)
    if key not in _loaded:
        _loaded[key] = placed(machine_code(*key))
    function, _ = _loaded[key]
    return function


def cache_folder() -> Path:
    """Return the folder that holds the machine code."""
    if folder := os.environ.get("NOISYNAMES_CACHE"):
        return Path(folder)
    from platformdirs import user_cache_path

    return user_cache_path("noisynames") / "kernels"


def machine_code(cell: str, H: int, real: str) -> bytes:
    """Return the object file of a kernel from the cache, after compiling it if needed."""
    identity = [
        *(
            (_SOURCES / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8")
            for name in ("training.compiled.cache", *building.kernel_modules(cell))
        ),
        str(READOUTS),
        numba_version(),
        llvmlite.__version__,
        np.__version__,
        sys.version,
        *_processor(),
    ]
    digest = hashlib.sha256("\0".join(identity).encode()).hexdigest()[:16]
    path = cache_folder() / f"{cell}-{H}-{real}-{digest}.bin"
    code = _read(path)
    if code is not None:
        return code
    from filelock import FileLock

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            code = _read(path)  # another job may have compiled it meanwhile
            if code is None:
                code = _compile(cell, H, real)
                with replacing(path) as part:
                    part.write_bytes(hashlib.sha256(code).digest() + code)
    except OSError as error:
        print(f"kernels: {path.parent} cannot be written ({error.strerror})", file=sys.stderr)
        code = _compile(cell, H, real)
    return code


def numba_version() -> str:
    """Return Numba's version file as text, without importing Numba.

    Importing it takes a second, and looking up the installed version takes as long as importing all
    of llvmlite. The file is internal to Numba, so a test compares its content with the version.
    """
    spec = find_spec("numba")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).with_name("_version.py").read_text(encoding="utf-8")


def _processor() -> list[str]:
    """Return what tells processors apart that need different machine code.

    LLVM knows best, but Linux and NumPy know enough. Under emulation, Linux describes the real
    processor, and NumPy the one that programs see.
    """
    fields = machine.processor_fields()
    kept = ("vendor_id", "cpu family", "model", "stepping", "flags")
    seen = np.show_config(mode="dicts")
    if not fields.keys() >= {*kept} or seen is None:
        import llvmlite.binding as llvm

        features = llvm.get_host_cpu_features().flatten()
        return [llvm.get_process_triple(), llvm.get_host_cpu_name(), features]
    return [*(fields[key] for key in kept), str(seen["SIMD Extensions"])]


def _read(path: Path) -> bytes | None:
    """Return the machine code in a cache file; None if it is missing or damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, code = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    return code if hashlib.sha256(code).digest() == digest else None


def _compile(cell: str, H: int, real: str) -> bytes:
    print(
        f"kernels: compiling the {cell} of {H} units, once on this machine (some seconds)",
        file=sys.stderr,
        flush=True,
    )
    code = building.kernel_code(cell, H, real, building.is_wide())
    return building.machine_code(code, building.host())


def placed(code: bytes) -> tuple[Any, Any]:
    """Load machine code into this process; return its function and what holds its memory."""
    try:
        address, memory = loading.load(code, building.ENTRY)
    except loading.UnsupportedError:
        address, memory = _placed_by_llvm(code)
    return callable_at(address), memory


def _placed_by_llvm(code: bytes) -> tuple[int, Any]:
    import llvmlite.binding as llvm

    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), building.host())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine.get_function_address(building.ENTRY), engine


def callable_at(address: int) -> Any:
    """Return the kernel at an address as a ctypes function.

    It has Numba's calling convention: status = f(&result, &exception, arguments …).
    """
    pointer, number = ctypes.c_void_p, ctypes.c_int64
    return ctypes.CFUNCTYPE(ctypes.c_int, pointer, pointer, number, number)(address)

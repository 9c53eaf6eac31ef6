"""Where kernels come from: machine code on disk, and how it gets into the process."""

import mmap
import platform
import struct
import sys
from typing import Any

import numba
import numpy as np
import pytest

from noisynames.models.spec import ModelSpec
from noisynames.models.weights import initial_parameters
from noisynames.names.alphabet import WORKSHEET
from noisynames.names.examples import Examples
from noisynames.training.compiled import building, cache, loading
from noisynames.training.compiled.engine import CompiledModel

SPEC = ModelSpec("rnn", "last", 16)

without_llvm = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"),
    reason="only LLVM loads kernels on this system",
)


@pytest.fixture
def code() -> bytes:
    return cache.machine_code(SPEC.cell, SPEC.hidden_size, "float32")


def test_a_kernel_is_known_by_the_version_of_numba_without_importing_it() -> None:
    assert f'"{numba.__version__}"' in cache.numba_version()


@without_llvm
def test_loaded_without_llvm_a_kernel_computes_the_same(
    code: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters = initial_parameters(SPEC, len(WORKSHEET), 2, 0)
    names = Examples.of_names([("a", "Ada"), ("b", "Bo")], ["a", "b"], WORKSHEET)

    def predicted() -> Any:
        kernel, memory = cache.placed(code)
        assert isinstance(memory, mmap.mmap) == (loading.load is not refuse)
        return CompiledModel(SPEC, parameters, lambda *key: kernel).predict(names)[0]

    def refuse(*args: Any) -> Any:
        raise loading.UnsupportedError("another format")

    here = predicted()
    monkeypatch.setattr(loading, "load", refuse)
    np.testing.assert_array_equal(predicted(), here)


@without_llvm
def test_what_only_llvm_can_load_is_left_to_it(
    code: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(at: int, value: int) -> bytes:
        return code[:at] + bytes([value]) + code[at + 1 :]

    (table,) = struct.unpack_from("<Q", code, 40)
    kinds = [struct.unpack_from("<I", code, at + 4)[0] for at in range(table, len(code), 64)]
    relocations = table + 64 * kinds.index(4)
    (first,) = struct.unpack_from("<Q", code, relocations + 24)
    files = {
        "another processor": changed(18, 183),
        "another kind of relocation": changed(first + 8, 2),
        "a variable": changed(table + 64 * kinds.index(1) + 8, 3),
    }
    for name, file in files.items():
        with pytest.raises(loading.UnsupportedError):
            pytest.fail(f"{name}: {loading.load(file, building.ENTRY)}")
    monkeypatch.setattr(mmap, "PROT_EXEC", 1 << 20)  # refused, as by a hardened system
    with pytest.raises(loading.UnsupportedError, match="executable"):
        loading.load(code, building.ENTRY)

"""The kernels that the page trains with are those of this source."""

import os
import shutil
import sys

import pytest
from conftest import ROOT

from noisynames.training.compiled.webassembly import CELLS, UNITS, build, name_of

SHIPPED = ROOT / "report/wasm"
BUILT_WITH = (3, 11)
"""Numba reads Python's bytecode, which differs from version to version."""


def test_there_is_a_kernel_for_every_cell_and_size() -> None:
    names = {name_of(cell, units) for cell in CELLS for units in UNITS}
    assert {file.name for file in SHIPPED.iterdir()} == names


@pytest.mark.skipif(sys.version_info[:2] != BUILT_WITH, reason="other bytecode, other kernels")
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    "units", [32, *(pytest.param(units, marks=pytest.mark.full) for units in UNITS if units != 32)]
)
def test_make_wasm_reproduces_the_shipped_bytes(cell: str, units: int) -> None:
    if shutil.which("wasm-ld") is None:
        assert "NOISYNAMES_REQUIRE_TARGETS" not in os.environ, "needs wasm-ld (Debian: lld)"
        pytest.skip("needs wasm-ld (Debian: lld)")
    shipped = (SHIPPED / name_of(cell, units)).read_bytes()
    assert build(cell, units) == shipped, "`make wasm` compiles them anew"

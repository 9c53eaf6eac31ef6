"""The house: imports run downward, and what a job depends on is computed from them."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from noisynames import dependencies
from noisynames.dependencies import imports_of, modules_behind
from noisynames.models.spec import ModelSpec
from noisynames.training.engines import modules_of

PACKAGE = dependencies.PACKAGE
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    for path in PACKAGE.rglob("*.py")
    if path.name != "__init__.py"
)
NAME, TYPES = "noisynames", "TYPE_CHECKING"
FLOORS = [
    ["__main__"],
    ["cli"],
    ["config"],
    ["experiments", "asking"],
    ["results"],
    ["reporting"],
    ["analysis", "evaluation"],
    ["runs"],
    ["grid", "training"],
    ["models"],
    ["names"],
    ["files", "mistakes", "randomness", "settings"],
    ["columns", "dependencies", "errors", "imports", "machine"],
]
"""From the roof down. A module imports from its own room and from lower floors."""


def floor_of(module: str) -> int:
    room = module.split(".", maxsplit=1)[0]
    (found,) = [i for i, rooms in enumerate(FLOORS) if room in rooms]
    return found


def test_imports_run_downward() -> None:
    upward = [
        (module, other)
        for module in MODULES
        for other in imports_of(module)
        if module.split(".")[0] != other.split(".")[0] and floor_of(other) <= floor_of(module)
    ]
    assert not upward


def test_no_module_imports_itself_by_way_of_others() -> None:
    for module in MODULES:
        direct = imports_of(module)
        assert module not in direct | modules_behind(*(direct - dependencies.NO_MATTER)), module


def test_an_init_file_has_no_logic() -> None:
    for file in PACKAGE.rglob("__init__.py"):
        body = ast.parse(file.read_text()).body
        kinds = {type(node) for node in body[1:]}
        assert isinstance(body[0], ast.Expr), f"{file} says what the folder is for"
        assert kinds <= {ast.Assign, ast.ImportFrom}, file
        assert kinds == set() or file.parent == PACKAGE, f"{file}: the version stands at the top"


def test_the_package_is_imported_at_no_cost() -> None:
    heavy = "sorted({'numpy', 'pandas', 'torch', 'safetensors'} & {*sys.modules})"
    command = [sys.executable, "-c", f"import sys, noisynames; print({heavy})"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def imported(block: list[ast.AST]) -> Iterator[tuple[str, str]]:
    """What a block imports from this package, as Python's parser sees it, except for types."""
    for statement in block:
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith(NAME):
            for name in statement.names:
                yield str(statement.module).removeprefix(NAME).strip("."), name.name
        types_only = isinstance(statement, ast.If) and ast.unparse(statement.test) == TYPES
        for part in ("body", "orelse", "finalbody", "handlers", "cases")[types_only:]:
            yield from imported(getattr(statement, part, []))


@pytest.mark.parametrize("module", MODULES)
def test_imports_are_those_that_python_sees(module: str) -> None:
    tree = ast.parse(PACKAGE.joinpath(*module.split(".")).with_suffix(".py").read_text())
    expected: set[str] = set()
    for place, name in imported([*tree.body]):
        inside = f"{place}.{name}".strip(".")
        alone = {inside if dependencies.is_module(inside) else place} - {""}
        expected |= dependencies.modules_in(inside) or alone
    assert imports_of(module) == expected


def test_a_new_import_is_a_new_dependency(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {
        "a": "from noisynames import b\n",
        "b": "def f():\n    from noisynames.room.c import x\n",
        "room/c": "x = 1\n",
        "d": "",
    }.items():
        path = tmp_path / f"noisynames/{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(dependencies, "PACKAGE", tmp_path / "noisynames")
    imports_of.cache_clear()
    assert modules_behind("a") == {"a", "b", "room.c"}
    (tmp_path / "noisynames/room/c.py").write_text("import json\nfrom noisynames import d\n")
    imports_of.cache_clear()
    assert modules_behind("a") == {"a", "b", "room.c", "d"}
    types = "if TYPE_CHECKING:\n    from noisynames import d\n"
    (tmp_path / "noisynames/room/c.py").write_text(types)
    imports_of.cache_clear()
    assert modules_behind("a") == {"a", "b", "room.c"}
    for block in (
        "if TYPE_CHECKING:\n    pass\nelse:\n",
        "try:\n    pass\nexcept OSError:\n",
        "try:\n    pass\nfinally:\n",
        "match 1:\n  case 1:\n",
        "class A:\n  def f(self):\n   with g():\n    for i in h:\n",
    ):
        (tmp_path / "noisynames/room/c.py").write_text(f"{block}     from noisynames import d\n")
        imports_of.cache_clear()
        assert modules_behind("a") == {"a", "b", "room.c", "d"}, block
    with pytest.raises(ValueError, match="there is no module 'e' in noisynames"):
        modules_behind("e")
    monkeypatch.undo()
    imports_of.cache_clear()


def test_importing_a_folder_depends_on_all_files_in_it() -> None:
    for module, folder in (("reporting.drawing", "figures"), ("reporting.page", "answers")):
        there = {m for m in MODULES if m.startswith(f"reporting.{folder}.")}
        assert len(there) > 5
        assert there <= modules_behind(module)


def test_a_run_depends_on_its_own_engine_cell_and_readout() -> None:
    gru = modules_behind(*modules_of("auto", ModelSpec("gru", "mean")))
    assert {"models.cells.gru", "training.compiled.readouts.mean"} <= gru
    assert "training.compiled.products" in gru, "kernels are made of it"
    others = {"models.cells.lstm", "training.compiled.readouts.max", "training.autograd"}
    assert not (others | {"models.reference"}) & gru
    transformer = modules_behind(*modules_of("auto", ModelSpec("transformer")))
    assert "training.compiled.encoder" in transformer
    assert not {"training.compiled.recurrent", "models.cells.gru"} & transformer
    own = modules_behind(*modules_of("auto", ModelSpec("custom", module="mine:Mine")))
    assert {"training.autograd", "models.custom"} <= own
    assert not {module for module in own if module.startswith("training.compiled")}


def test_no_job_depends_on_anothers_room() -> None:
    training = modules_behind("runs", "training.run")
    assert not {m for m in training if m.split(".")[0] in ("evaluation", "analysis", "reporting")}
    tables = modules_behind("analysis.tables", "analysis.findings.summary")
    # Neither a label nor a contrast trains anything again.
    assert not {"models.labels", "models.respects"} & training
    rooms = ("evaluation", "models", "reporting")
    assert {m for m in tables if m.split(".")[0] in rooms} == {
        "models.labels", "models.respects"
    }  # fmt: skip
    assert "evaluation.inference" not in modules_behind("evaluation.baselines")
    report = modules_behind("reporting.page", "reporting.drawing")
    assert not {m for m in report if m.startswith(("analysis.findings", "analysis.statistics"))}

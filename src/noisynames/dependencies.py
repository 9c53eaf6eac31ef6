"""What a job's result depends on: the modules that its own module imports, directly or not.

Imports are read from the source; nothing is run. Importing a folder counts as importing every
module in it. Modules imported by a name that is built at run time (an engine, a cell's kernel) are
not found here; the rules name those that a job uses.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent
NO_MATTER = {"cli", "config", "dependencies", "errors", "files", "machine", "training.progress"}
"""Parsing commands, reading configs, writing files, describing the machine and showing progress do
not affect a result."""


def files_behind(*modules: str) -> list[Path]:
    """Return the source files of modules and of all that they import from this package, sorted.

    Args:
        modules: Names relative to the package, such as `names.splits`.

    Raises:
        ValueError: There is no such module.
    """
    return [_file(module) for module in sorted(modules_behind(*modules))]


def modules_behind(*modules: str) -> set[str]:
    """Return modules and all that they import from this package, except NO_MATTER.

    Raises:
        ValueError: There is no such module.
    """
    found: set[str] = set()
    waiting = [*modules]
    while waiting:
        module = waiting.pop()
        if module not in found and module not in NO_MATTER:
            found.add(module)
            waiting += imports_of(module)
    return found


@cache
def imports_of(module: str) -> frozenset[str]:
    """Return the modules of this package that a module imports, except those only for types.

    Raises:
        ValueError: There is no such module.
    """
    if not is_module(module):
        raise ValueError(f"there is no module {module!r} in {PACKAGE.name}")
    tree = ast.parse(_file(module).read_text(encoding="utf-8"))
    found = set()
    for node in _without_types([*tree.body]):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            top, *place = node.module.split(".")
            if top == PACKAGE.name:
                for name in node.names:
                    inside = ".".join([*place, name.name])
                    found |= modules_in(inside) or {
                        inside if is_module(inside) else ".".join(place)
                    }
    return frozenset(found - {""})


def is_module(name: str) -> bool:
    """Whether there is a module with that name, relative to the package."""
    return _file(name).is_file()


def modules_in(folder: str) -> set[str]:
    """Return the modules in a folder of the package; none if there is no such folder."""
    files = PACKAGE.joinpath(*folder.split(".")).glob("*.py")
    return {f"{folder}.{file.stem}" for file in files if file.stem != "__init__"}


def _file(module: str) -> Path:
    return PACKAGE.joinpath(*module.split(".")).with_suffix(".py")


_TYPES = "TYPE_CHECKING"
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


def _without_types(block: list[ast.AST]) -> Iterator[ast.AST]:
    """Yield every statement, however deep, except those that only a type checker sees."""
    for statement in block:
        yield statement
        types_alone = isinstance(statement, ast.If) and ast.unparse(statement.test) == _TYPES
        for name in _BLOCKS[types_alone:]:
            yield from _without_types(getattr(statement, name, []))

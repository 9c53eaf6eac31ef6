"""What a job's result depends on: the modules that its own module imports, directly or not.

Imports are read from the source; nothing is run. Importing a folder counts as importing every
module in it. Modules imported by a name that is built at run time (an engine, a cell's kernel) are
not found here; the rules name those that a job uses.
"""

import re
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent
NO_MATTER = {"cli", "config", "dependencies", "errors", "files", "machine", "training.progress"}
"""Parsing commands, reading configs, writing files, describing the machine and showing progress do
not affect a result."""

# Python's parser would take 0.2 s for all modules, a tenth of the time to plan; a test compares.
_FOR_TYPES = re.compile(r"^( *)if TYPE_CHECKING:.*\n(?:\1 +.*\n|\n)+", re.MULTILINE)
_IMPORT = re.compile(r"^ *from noisynames\.?([\w.]*) import (?:\(([^)]*)\)|(.*))$", re.MULTILINE)
_COMMENT = re.compile("#.*")


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
    found = set()
    text = _file(module).read_text(encoding="utf-8")
    for place, several, one in _IMPORT.findall(_FOR_TYPES.sub("", text)):
        for name in re.findall(r"\w+(?: as \w+)?", _COMMENT.sub("", several or one)):
            inside = f"{place}.{name.split()[0]}".strip(".")
            found |= modules_in(inside) or {inside if is_module(inside) else place}
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

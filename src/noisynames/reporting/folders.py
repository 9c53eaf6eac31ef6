"""Finds figures and answers by the folder that they are in."""

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType


def import_all(folder: ModuleType) -> None:
    """Import every module of a folder of the package; their functions register themselves."""
    for module in iter_modules(folder.__path__):
        import_module(f"{folder.__name__}.{module.name}")

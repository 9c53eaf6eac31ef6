"""Imports of libraries without what they import and this project does not need."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*modules: str) -> Iterator[None]:
    """Make imports of these modules fail meanwhile, unless they are there already.

    A library that cannot do without them fails, too; one that can leaves them out, and where it
    needs them later says so or imports them then.
    """
    absent = {*modules} - sys.modules.keys()
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type] # None has an import fail
    try:
        yield
    finally:
        for module in absent:
            del sys.modules[module]

"""From the config's sections to the functions that use them: a key is the name of an argument."""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any, TypeVar

from noisynames.errors import UserError

T = TypeVar("T")


def call(function: Callable[..., T], settings: Mapping[str, Any], *given: Any, **more: Any) -> T:
    """Call a function with what is given, and with those settings that it has arguments for.

    Raises:
        UserError: One that it needs is not among them.
    """
    arguments = signature(function)
    taken = {key: value for key, value in settings.items() if key in arguments.parameters}
    try:
        arguments.bind(*given, **more, **taken)
    except TypeError as error:
        raise UserError(f"settings: {error}") from None
    return function(*given, **more, **taken)

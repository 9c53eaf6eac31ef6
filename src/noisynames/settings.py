"""Passes the config's settings to the functions that use them: a key is an argument's name."""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any, TypeVar

from noisynames.errors import UserError

T = TypeVar("T")


def call(function: Callable[..., T], settings: Mapping[str, Any], *given: Any, **more: Any) -> T:
    """Call a function with the given arguments, and with the settings that it has arguments for.

    Raises:
        UserError: An argument that it needs is missing.
    """
    arguments = signature(function)
    taken = {key: value for key, value in settings.items() if key in arguments.parameters}
    try:
        arguments.bind(*given, **more, **taken)
    except TypeError as error:
        raise UserError(f"settings: {error}") from None
    return function(*given, **more, **taken)

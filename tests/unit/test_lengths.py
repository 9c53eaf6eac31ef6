"""No function is longer than what is seen at once."""

import ast

import pytest

from noisynames.dependencies import PACKAGE

LONGEST = 60
ROOMS = ["analysis", "evaluation", "experiments", "names", "reporting"]


@pytest.mark.parametrize("room", ROOMS)
def test_no_function_is_longer_than_sixty_lines(room: str) -> None:
    functions = [
        (f"{path.relative_to(PACKAGE)}: {node.name}", (node.end_lineno or 0) - node.lineno + 1)
        for path in (PACKAGE / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    ]
    assert functions
    assert [(name, lines) for name, lines in functions if lines > LONGEST] == []

"""No function is longer than a screen."""

import ast

from noisynames.dependencies import PACKAGE

LONGEST = 60


def test_no_function_is_longer_than_sixty_lines() -> None:
    functions = [
        (f"{path.relative_to(PACKAGE)}: {node.name}", (node.end_lineno or 0) - node.lineno + 1)
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    ]
    assert functions
    assert [(name, lines) for name, lines in functions if lines > LONGEST] == []

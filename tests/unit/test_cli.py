"""What the command line says, and how it ends."""

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from noisynames import asking
from noisynames.cli import app


def test_help_lists_the_commands_in_the_order_of_the_workflow() -> None:
    told = CliRunner().invoke(app, ["--help"]).stdout
    names = re.findall(r"^  ([a-z-]+)  ", told.partition("Commands:")[2], re.MULTILINE)
    assert names[:4] == ["dataset", "split", "train", "evaluate"]
    assert names.index("aggregate") < names.index("plot") < names.index("report")


@pytest.mark.parametrize("name", app.commands)
def test_a_commands_help_says_what_it_does_and_what_its_arguments_are(name: str) -> None:
    command = app.commands[name]
    told = CliRunner().invoke(app, [name, "--help"]).stdout
    assert command.help
    assert command.help.split()[0] in told
    for argument in command.params:
        if isinstance(argument, click.Argument):
            assert argument.help
            assert re.search(rf"^  {argument.human_readable_name}(...)?  \w", told, re.MULTILINE)


def test_ctrl_c_ends_a_command_with_status_130_and_no_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(asking, "ask", interrupted)
    done = CliRunner().invoke(app, ["predict", "Ivanov"])
    assert (done.exit_code, done.output) == (130, "")


def test_jobs_on_tables_do_not_wait_for_pyarrow(tmp_path: Path) -> None:
    program = """
import sys
from noisynames.cli import main
sys.argv = ["noisynames", "plot", "none.csv", "--figure", "accuracy", "--output", "figures"]
try:
    main()
except SystemExit as end:
    assert end.code == 1
assert "pandas" in sys.modules
assert "pyarrow" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)

"""What the command line says, and how it ends."""

import re

import pytest
from click.testing import CliRunner

from noisynames import asking
from noisynames.cli import app


def test_help_lists_the_commands_in_the_order_of_the_workflow() -> None:
    told = CliRunner().invoke(app, ["--help"]).stdout
    names = re.findall(r"^  ([a-z-]+)  ", told.partition("Commands:")[2], re.MULTILINE)
    assert names[:4] == ["dataset", "split", "train", "evaluate"]
    assert names.index("aggregate") < names.index("plot") < names.index("report")


@pytest.mark.parametrize("command", app.commands)
def test_a_commands_help_says_what_it_does_and_what_its_files_are(command: str) -> None:
    done = CliRunner().invoke(app, [command, "--help"])
    assert done.exit_code == 0
    _, _, arguments = done.stdout.partition("Positional arguments:\n")
    undescribed = re.findall(r"^  [A-Z]+(?:\.\.\.)?$", arguments, re.MULTILINE)
    assert not undescribed
    assert app.commands[command].get_short_help_str()


def test_ctrl_c_ends_a_command_with_status_130_and_no_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(asking, "ask", interrupted)
    done = CliRunner().invoke(app, ["predict", "Ivanov"])
    assert (done.exit_code, done.output) == (130, "")

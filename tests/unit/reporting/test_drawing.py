"""Writing figures to files."""

from pathlib import Path

import pytest

from noisynames.errors import UserError
from noisynames.reporting import drawing


def test_an_unknown_figure_is_refused_before_any_is_drawn(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"figure 'nothing' is not one of .*, cross, "):
        drawing.draw(["rules", "nothing"], {}, {}, tmp_path)
    assert list(tmp_path.iterdir()) == []

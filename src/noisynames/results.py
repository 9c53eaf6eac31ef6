"""Access to the results in Python: a run's losses, weights, split and predictions for names.

Heavy modules are imported only where they are needed, so `import noisynames` costs nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

    from noisynames.grid import Cell
    from noisynames.names.splits import Split
    from noisynames.runs import FinishedRun


@dataclass(frozen=True)
class OpenRun:
    """A finished run, its files checked against its record.

    Attributes:
        folder: The folder of its files.
        run: Its record, model and split.
    """

    folder: Path
    run: "FinishedRun"

    @property
    def record(self) -> "dict[str, Any]":
        """What was trained, and how: the content of `run.json`."""
        return {**self.run.record}

    @property
    def split(self) -> "Split":
        """The training names and the held-out names, as (language, name) pairs."""
        return self.run.split

    @property
    def languages(self) -> list[str]:
        """The labels, in the order of the model's outputs."""
        return self.run.languages

    @property
    def losses(self) -> "pd.DataFrame":
        """The training curve: `update`, and the mean `loss` (nats) since the previous point.

        Raises:
            UserError: The file is missing or damaged.
        """
        from noisynames.files import read_table
        from noisynames.grid import LOSSES

        return read_table(self.folder / LOSSES, self.run.record)

    def module(self) -> "nn.Module":
        """Return the torch module with the trained weights, in evaluation mode.

        It takes alphabet indices (batch, longest) and lengths (batch,), and returns
        log-probabilities (batch, languages) and the attention weights or None; see
        `noisynames.models.reference.Classifier.forward`.
        """
        from noisynames.models.custom import load_model

        model = self.run.model
        inputs = len(self.split.alphabet)
        return load_model(model.spec, inputs, model.outputs, model.parameters).train(False)

    def predict(self, names: Sequence[str]) -> "pd.DataFrame":
        """Return the probability of each language, one row per name, labelled as given.

        Names are normalised like those of the data set; see `normalised`.

        Raises:
            UserError: A name has no symbol of the alphabet.
        """
        return self._probabilities([self.normalised(name) for name in names], [*names], "name")

    def explain(self, name: str) -> "pd.DataFrame":
        """Return the probability of each language after each character, one row per character.

        Raises:
            UserError: The name has no symbol of the alphabet.
        """
        read = self.normalised(name)
        beginnings = [read[: end + 1] for end in range(len(read))]
        return self._probabilities(beginnings, beginnings, "read")

    def normalised(self, name: str) -> str:
        """Return a name in the symbols of the run's alphabet, without any others.

        Raises:
            UserError: Nothing of the name is left.
        """
        from noisynames.errors import UserError
        from noisynames.names.alphabet import WORKSHEET, normalise

        alphabet = self.split.alphabet
        read = normalise(name, alphabet, "NFD" if alphabet == WORKSHEET else "NFC").strip()
        if not read:
            known = f"the {len(alphabet)} symbols of this run's alphabet"
            raise UserError(f"name: found {name!r}; allowed: at least one of {known}")
        return read

    def _probabilities(self, texts: list[str], index: list[str], called: str) -> "pd.DataFrame":
        import numpy as np
        import pandas as pd

        from noisynames.evaluation.inference import predict

        examples = self.run.examples([(self.languages[0], text) for text in texts])
        log_probabilities, _ = predict(self.run.model, examples)
        rows = pd.Index(index, name=called)
        columns = pd.Index(self.languages, name="language")
        return pd.DataFrame(np.exp(log_probabilities), index=rows, columns=columns)


def open_run(results: Path | str, model: str, noise: int | str = 0, seed: int = 0) -> OpenRun:
    """Open a finished run of a results folder.

    Args:
        results: The folder.
        model: The model's name in the config.
        noise: The training noise: a level, or LEVEL-PLACEMENT.
        seed: The seed of the run.

    Raises:
        UserError: There is no such run, it diverged, or a file is damaged.
    """
    from noisynames.errors import UserError

    results = Path(results)
    for cell in matching(results, model, str(noise), seed):
        run = open_cell(results, cell)
        if run is not None:
            return run
    raise UserError(
        f"{results}: {model} under noise {noise}, seed {seed} diverged: it has no model"
    )


def open_cell(results: Path, cell: "Cell") -> OpenRun | None:
    """Open a run of a results folder; None if it diverged.

    Raises:
        UserError: A file is missing or damaged.
    """
    from noisynames.files import read_record
    from noisynames.grid import RECORD, run_folder, split_file
    from noisynames.runs import open_finished

    folder = run_folder(results, cell)
    kept = read_record(folder / RECORD).get("kept", {})  # the split may be another seed's
    run = open_finished(folder / RECORD, split_file(results, kept.get("split", cell[2])))
    return None if run is None else OpenRun(folder, run)


def matching(
    results: Path, model: str | None = None, noise: str | None = None, seed: int | None = None
) -> "list[Cell]":
    """Return the runs of a results folder, by model, then noise, then seed; None means all.

    Raises:
        UserError: There is no such run.
    """
    from noisynames.errors import UserError

    cells = _recorded(results)
    if not cells:
        raise UserError(f"{results}: found no run; allowed: a results folder with runs/")
    for i, (key, wanted) in enumerate((("model", model), ("noise", noise), ("seed", seed))):
        there = [*dict.fromkeys(cell[i] for cell in cells)]
        if wanted is not None and wanted not in there:
            raise UserError(f"{key}: found {wanted!r}; allowed: {', '.join(map(str, there))}")
        cells = [cell for cell in cells if wanted in (None, cell[i])]
    return cells


def _recorded(results: Path) -> "list[Cell]":
    from noisynames.grid import RECORD
    from noisynames.names.noise import Noise

    cells = []
    for record in (results / "runs").glob(f"*/noise*/seed*/{RECORD}"):
        model, noise, seed = record.parts[-4:-1]
        cells.append((model, noise.removeprefix("noise"), int(seed.removeprefix("seed"))))
    return sorted(cells, key=lambda cell: (cell[0], Noise.named(cell[1]).level, *cell[1:]))

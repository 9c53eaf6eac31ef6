"""How a run reports its progress: with a bar on a terminal, with plain lines in a log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from noisynames.training.hyperparameters import Hyperparameters
from noisynames.training.run import Progress


@contextmanager
def report_to(
    stream: TextIO, title: str, hyperparameters: Hyperparameters
) -> Iterator[Callable[[Progress], None]]:
    """Yield a function that reports each recording interval of a run to `stream`.

    Every `report_every` updates it prints what the worksheet's loop prints: update, percentage,
    seconds, loss, the last name, the guess and whether it was right. On a terminal, a bar also
    shows updates per second and the loss.
    """
    every = hyperparameters.report_every
    told = 0

    def is_due(progress: Progress) -> bool:
        nonlocal told
        due = progress.update // every > told or progress.update == progress.updates
        told = progress.update // every
        return due

    if not stream.isatty():

        def plain(progress: Progress) -> None:
            if is_due(progress):
                print(progress, file=stream, flush=True)

        yield plain
        return

    from tqdm import tqdm

    with tqdm(total=hyperparameters.updates, desc=title, unit="update", file=stream) as bar:

        def live(progress: Progress) -> None:
            bar.set_postfix(loss=f"{progress.loss:.4f}", refresh=False)
            bar.update(progress.update - bar.n)
            if is_due(progress):
                bar.write(str(progress), file=stream)

        yield live

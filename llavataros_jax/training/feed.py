"""The batches of calls, on the devices: read ahead by threads of the host, or gathered there."""

from collections.abc import Iterator
from typing import Protocol

import jax
import numpy as np

from llavataros_jax.batch import Batch
from llavataros_jax.data.loader import LaneSource, batches
from llavataros_jax.training.parallel import Launcher


class Feed(Protocol):
    """Gives the batches of the next steps; use it as a context manager."""

    def __enter__(self) -> "Feed": ...

    def __exit__(self, *_: object) -> None: ...

    def __call__(self, steps: int) -> Batch:
        """Returns the batch of the next step, or of so many with an axis of steps in front."""
        ...


class HostFeed:
    """Reads batches on the host, ahead of the steps, and puts them on the devices."""

    def __init__(self, source: LaneSource, launcher: Launcher, *, start: int, stop: int):
        """Begins with the batch of step `start`; there are those up to before `stop`."""
        self._launcher = launcher
        self._batches: Iterator[Batch] = batches(source, start, stop)

    def __enter__(self) -> "HostFeed":
        return self

    def __exit__(self, *_: object) -> None:
        # Its end is that of the threads.
        self._batches = iter(())

    def __call__(self, steps: int) -> Batch:
        """Returns the batch of the next step, or of so many with an axis of steps in front."""
        if steps == 1:
            return self._launcher.place(next(self._batches))
        taken = [next(self._batches) for _ in range(steps)]
        stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *taken)
        return self._launcher.place(stacked, segments=steps)

"""The batches of calls, on the devices: read ahead by threads of the host, or gathered there."""

import collections
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from llavataros_jax.batch import Batch
from llavataros_jax.data.loader import LaneSource, batches
from llavataros_jax.training.parallel import Launcher

# Calls that may wait on the devices, each with its batch, while the host goes on.
MOST_UNDER_WAY = 3


class Feed(ABC):
    """Gives the batches of calls, one of which it puts on the devices while another call runs.

    Use it as a context manager. It reads on from where it began, whatever was read ahead: how far
    training is, the state alone knows.
    """

    def __init__(self) -> None:
        self._next: tuple[int, Batch | Exception] | None = None
        self._under_way: collections.deque[Any] = collections.deque()

    def __enter__(self) -> "Feed":
        return self

    def __exit__(self, *_: object) -> None:
        self._next = None

    def __call__(self, segments: int) -> Batch:
        """Returns the next segment of every lane, or so many with an axis of segments in front.

        Raises:
            Exception: What went wrong with it when it was read ahead.
        """
        (count, batch), self._next = self._next or (segments, None), None
        assert count == segments, "what was read ahead is taken"
        if isinstance(batch, Exception):
            raise batch
        return self._read(segments) if batch is None else batch

    def ahead(self, segments: int, *, after: Any) -> None:
        """Puts what is asked for next on the devices, while the call that gives `after` runs.

        It waits for the call `MOST_UNDER_WAY` before that one, because the devices hold the batches
        of all calls that they have not come to yet.
        """
        self._under_way.append(after)
        if len(self._under_way) > MOST_UNDER_WAY:
            jax.block_until_ready(self._under_way.popleft())
        try:
            self._next = segments, self._read(segments)
        except Exception as problem:  # what the call gives is written down and saved before
            self._next = segments, problem

    @abstractmethod
    def _read(self, segments: int) -> Batch: ...


class HostFeed(Feed):
    """Reads batches on the host, ahead of the steps, and puts them on the devices."""

    def __init__(self, source: LaneSource, launcher: Launcher, *, start: int, stop: int):
        """Begins with segment `start` of the lanes; there are those up to before `stop`."""
        super().__init__()
        self._launcher = launcher
        self._batches: Iterator[Batch] = batches(source, start, stop)

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        # Its end is that of the threads.
        self._batches = iter(())

    def _read(self, segments: int) -> Batch:
        if segments == 1:
            return self._launcher.place(next(self._batches))
        taken = [next(self._batches) for _ in range(segments)]
        stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *taken)
        return self._launcher.place(stacked, segments=segments)

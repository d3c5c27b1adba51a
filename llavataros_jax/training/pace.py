"""How fast training is, without the time that validation, samples and checkpoints take."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Clock = Callable[[], float]


class Pace:
    """Adds up the seconds of training between two looks at it; it stands still until `start`."""

    def __init__(self, clock: Clock = time.monotonic):
        """Takes a clock that gives seconds from anywhere on."""
        self._clock = clock
        self._spent_seconds, self._since = 0.0, None

    def start(self) -> None:
        """Goes, or goes on."""
        if self._since is None:
            self._since = self._clock()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leaves out the time of a block, if it goes at all."""
        going = self._since is not None
        if self._since is not None:
            self._spent_seconds += self._clock() - self._since
            self._since = None
        yield
        if going:
            self.start()

    def per_second(self, amount: float) -> float | None:
        """Divides by the seconds since the last call; `None` when there were none.

        To be called while it is paused.
        """
        spent, self._spent_seconds = self._spent_seconds, 0.0
        return amount / spent if spent > 0 else None

"""Features of frames that wait for the network."""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float16


class Row(NamedTuple):
    """Features of one person in a frame.

    Attributes:
        audio: Audio features.
        words: Vector of the active word.
        has_word: Whether there is one.
        heard_monotonic: When the last of it came.
        ready_monotonic: When the features were there.
    """

    audio: Float16[np.ndarray, " A"]
    words: Float16[np.ndarray, " E"]
    has_word: bool
    heard_monotonic: float
    ready_monotonic: float


class Rows:
    """Rows of one person in the order of frames; None where that person was not there.

    Nothing here locks.
    """

    def __init__(self, kept: int = 0):
        """Begins empty; so many rows are kept after they were taken, for `take_back`."""
        self._rows: deque[Row | None] = deque()
        self._taken: deque[Row | None] = deque(maxlen=kept)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def first(self) -> Row | None:
        """The next row."""
        return self._rows[0]

    def add(self, rows: Iterable[Row]) -> None:
        """Puts rows behind the others."""
        self._rows.extend(rows)

    def take(self) -> Row | None:
        """Removes and returns the next row."""
        row = self._rows.popleft()
        self._taken.append(row)
        return row

    def skip(self) -> None:
        """Lets a frame pass without a row."""
        self._taken.append(None)

    def take_back(self, count: int) -> None:
        """Puts the last rows that were taken, or nobody in the place of older ones, in front."""
        known = [self._taken.pop() for _ in range(min(count, len(self._taken)))]
        self._rows.extendleft(known)
        self._rows.extendleft([None] * (count - len(known)))

    def clear(self) -> None:
        """Forgets all."""
        self._rows.clear()
        self._taken.clear()

"""Smooth movement of a vector along paths of key poses.

A movement starts from the present place, speed and acceleration, passes its key poses at their
times and ends at rest. It is the spline of the fifth degree through them, which has the least
integrated squared jerk of all such paths (Flash and Hogan, The coordination of arm movements,
1985); with one key pose it is the well-known minimum-jerk movement.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.interpolate import BSpline, make_interp_spline


class Movement:
    """A vector that is moved from key pose to key pose, and may be interrupted at any time."""

    def __init__(self, start: Float[np.ndarray, " n"]) -> None:
        self._still = np.array(start, dtype=np.float64)
        self._pieces: list[tuple[float, float, BSpline]] = []

    @property
    def target(self) -> Float[np.ndarray, " n"]:
        """Where the last movement ends."""
        if not self._pieces:
            return self._still
        _, end, piece = self._pieces[-1]
        return piece(end)

    def move(
        self,
        start_seconds: float,
        key_seconds: Sequence[float],
        keys: Sequence[Float[np.ndarray, " n"]],
    ) -> None:
        """Adds a movement; calls must come in the order of their starts."""
        place, speed, acceleration = (self.at(start_seconds, order) for order in range(3))
        rest = np.zeros_like(place)
        piece = make_interp_spline(
            [start_seconds, *key_seconds],
            [place, *keys],
            k=5,
            bc_type=([(1, speed), (2, acceleration)], [(1, rest), (2, rest)]),
        )
        self._pieces.append((start_seconds, key_seconds[-1], piece))

    def at(self, seconds: float, order: int = 0) -> Float[np.ndarray, " n"]:
        """Returns the vector's derivative of an order at one time."""
        for start, end, piece in reversed(self._pieces):
            if start <= seconds:
                if seconds >= end and order:
                    return np.zeros_like(self._still)
                return piece(min(seconds, end), nu=order)
        return self._still if order == 0 else np.zeros_like(self._still)

    def sample(self, seconds: Float[np.ndarray, " T"]) -> Float[np.ndarray, "T n"]:
        """Returns the vector at each of rising times."""
        out = np.tile(self._still, (len(seconds), 1))
        starts = [start for start, _, _ in self._pieces]
        for index, (start, end, piece) in enumerate(self._pieces):
            first = np.searchsorted(seconds, start)
            stop = np.searchsorted(seconds, [*starts, np.inf][index + 1])
            out[first:stop] = piece(np.minimum(seconds[first:stop], end))
        return out

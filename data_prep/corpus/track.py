"""Smooth movement of a vector from target to target.

Every movement is a quintic from the present place, speed and acceleration to rest at its target:
the minimum-jerk movement of Flash and Hogan (1985), which stays smooth when it is interrupted.
"""

import numpy as np
from jaxtyping import Float


class Track:
    """A vector moved by quintics; each starts from wherever the vector is and ends at rest."""

    def __init__(self, start: np.ndarray) -> None:
        self._pieces = [(0.0, 1.0, np.vstack((start, np.zeros((5, len(start))))))]

    def move(self, start_seconds: float, seconds: float, target: np.ndarray) -> None:
        """Adds a movement; calls must come in the order of their starts."""
        place, speed, acceleration = self._state(start_seconds)
        known = np.stack((place, speed * seconds, acceleration * seconds**2 / 2))
        gap = target - known.sum(axis=0)
        slope = -known[1] - 2 * known[2]
        bend = -2 * known[2]
        rest = np.stack(
            (
                10 * gap - 4 * slope + bend / 2,
                -15 * gap + 7 * slope - bend,
                6 * gap - 3 * slope + bend / 2,
            )
        )
        self._pieces.append((start_seconds, seconds, np.vstack((known, rest))))

    def sample(self, seconds: Float[np.ndarray, " T"]) -> Float[np.ndarray, "T n"]:
        """Returns the vector at each time."""
        return np.stack([self._state(time)[0] for time in seconds])

    def _state(self, seconds: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        start, length, piece = next(p for p in reversed(self._pieces) if p[0] <= seconds)
        phase = min((seconds - start) / length, 1.0)
        powers = phase ** np.arange(6)
        order = np.arange(1, 6)
        first = (order * powers[:-1]) @ piece[1:] / length
        second = (order[1:] * order[:-1] * powers[:-2]) @ piece[2:] / length**2
        return powers @ piece, first, second

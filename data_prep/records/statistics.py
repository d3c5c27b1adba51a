"""Mean and deviation of features that come one clip at a time."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

# A feature that varies less is as good as constant, and dividing by its deviation would blow up
# whatever another recording has there.
SMALLEST_DEVIATION = 1e-3


class RunningMoments:
    """Counts up rows and joins their moments by Chan's update (1979), which loses no digits."""

    def __init__(self, size: int) -> None:
        self._count = 0
        self._mean = np.zeros(size)
        self._scatter = np.zeros(size)

    def add(self, rows: Float[np.ndarray, "N F"]) -> None:
        """Adds the rows of one clip."""
        if not len(rows):
            return
        rows = rows.astype(np.float64)
        mean = rows.mean(axis=0)
        total = self._count + len(rows)
        shift = mean - self._mean
        self._scatter += ((rows - mean) ** 2).sum(axis=0)
        self._scatter += shift**2 * (self._count * len(rows) / total)
        self._mean += shift * (len(rows) / total)
        self._count = total

    def mean(self) -> Sequence[float]:
        """Returns the means; zeros if there were no rows."""
        return self._mean.tolist()

    def deviation(self) -> Sequence[float]:
        """Returns the standard deviations, 1 where a feature is as good as constant."""
        deviation = np.sqrt(self._scatter / max(self._count, 1))
        return np.where(deviation < SMALLEST_DEVIATION, 1.0, deviation).tolist()

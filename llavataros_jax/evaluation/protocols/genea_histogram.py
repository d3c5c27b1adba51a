"""Histograms of joints' speeds as the GENEA challenges make them, and their Hellinger distance.

Source: `calc_histogram.py` and `hellinger_distance.py` of the GENEA numerical evaluations.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from llavataros_jax.evaluation.histograms import hellinger_distance

# What of an array [:, cut:] cuts off: joints of (T, J, 3), or numbers of the flat (T, 3 J).
Rank = Literal["joints", "columns"]
# Of the joints that are left in GENEA 2020's order, those of the columns -5 and -2 of its table.
_COLUMNS_2020 = (-4, -1)


@dataclass(frozen=True)
class SpeedBins:
    """How speeds are counted.

    Attributes:
        last: End of the last bin but one's width, cm/s: bins are `arange(0, last + width, width)`.
        width: Of a bin, cm/s.
        cut: What is taken for the fixed hips and cut off the front of the array.
        rank: Of the array that is cut. The reference's `bvh2npy.py` writes flat arrays: 8 numbers
            are cut, and every triplet after them takes coordinates of two joints.
        keeps_fast: Whether speeds beyond the last bin count in it; the reference drops them.
        two_joints: Weighs bins by the share of two joints in them, as the code of 2020 does, which
            calls them wrists; in the order of its files they are the right hand and the head.
    """

    last: float = 49.0
    width: float = 0.05
    cut: int = 8
    rank: Rank = "columns"
    keeps_fast: bool = False
    two_joints: bool = False

    @property
    def edges(self) -> Float[np.ndarray, " edges"]:
        """Returns the ends of the bins, cm/s."""
        return np.arange(0, self.last + self.width, self.width)

    def speeds(
        self, centimetres: Float[np.ndarray, "T J 3"], fps: float
    ) -> Float[np.ndarray, "T-1 K"]:
        """Returns what is counted, cm/s."""
        flat = centimetres.reshape(len(centimetres), -1)
        flat = flat[:, self.cut * (3 if self.rank == "joints" else 1) :]
        steps = np.diff(flat[:, : flat.shape[1] // 3 * 3], axis=0)
        return np.linalg.norm(steps.reshape(len(steps), steps.shape[1] // 3, 3), axis=2) * fps

    def counts(
        self, centimetres: Float[np.ndarray, "T J 3"], fps: float
    ) -> Float[np.ndarray, " P"]:
        """Returns how many speeds are in each bin: of all joints, then of the two."""
        speeds, edges = self.speeds(centimetres, fps), self.edges
        if self.keeps_fast:
            # The last bin has both its ends.
            speeds = np.minimum(speeds, edges[-1])
        groups = [speeds, speeds[:, list(_COLUMNS_2020)]] if self.two_joints else [speeds]
        return np.concatenate([np.histogram(group, edges)[0] for group in groups]).astype(float)

    def distance(self, first: Float[np.ndarray, " P"], second: Float[np.ndarray, " P"]) -> float:
        """Returns the Hellinger distance of two `counts`, 0 to 1; NaN when one is empty."""
        if not self.two_joints:
            return hellinger_distance(first, second)
        bins = len(self.edges) - 1
        shares = []
        for counts in (first, second):
            total = counts[:bins]
            # The reference divides by nothing here, and has no number where a bin is empty.
            shares.append(np.divide(counts[bins:], total, np.zeros(bins), where=total > 0))
        return hellinger_distance(*shares)

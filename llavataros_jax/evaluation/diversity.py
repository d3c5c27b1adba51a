"""How much a motion varies over time, and between samples for the same speech."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float


def absolute_deviation(positions: Float[np.ndarray, "T J 3"]) -> float:
    """Sums |p - mean over the clip's frames| over frames, joints and coordinates, in metres.

    Over all clips and by all frames it is EMAGE's L1 diversity (emage_evaltools/mertic.py): a sum
    over coordinates, so it grows with the number of joints.
    """
    return float(np.abs(positions - positions.mean(axis=0)).sum())


def sample_variance(samples: Sequence[Float[np.ndarray, "T J 3"]]) -> float:
    """Averages the variance between samples over frames and coordinates, m².

    The variance is over the number of samples. NaN of fewer than 2.
    """
    return float(np.var(samples, axis=0).mean()) if len(samples) > 1 else float("nan")

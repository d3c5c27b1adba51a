"""What a measure says of something that knows nothing: other times, and poses that are held."""

import numpy as np
from jaxtyping import Float

SHIFTS = 100
_LEAST_SHIFT_SECONDS = 2.0


def shifted_times(
    times_seconds: Float[np.ndarray, " n"],
    total_seconds: float,
    *,
    seed: int,
    count: int = SHIFTS,
) -> list[Float[np.ndarray, " n"]]:
    """Returns times of speech, pushed along the clip by random amounts, round its end.

    Rhythm and number stay, only the place is wrong, so a measure of timing must fall. A shift is
    at least 2 s or a quarter of the clip either way, whichever is less.
    """
    times = np.asarray(times_seconds, np.float64)
    least = min(_LEAST_SHIFT_SECONDS, total_seconds / 4)
    shifts = np.random.default_rng(seed).uniform(least, total_seconds - least, count)
    return [np.sort((times + shift) % total_seconds) for shift in shifts]


def mean_pose(positions: Float[np.ndarray, "T J 3"]) -> Float[np.ndarray, "1 J 3"]:
    """Returns the mean of a motion's positions, which need not be a pose that a body can take."""
    return positions.mean(axis=0, keepdims=True)

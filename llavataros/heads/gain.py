"""The gain that gives hands the recorded speed: the best that a volume control can do."""

from collections.abc import Callable, Sequence

from scipy.optimize import root_scalar

# What `film.size` takes.
MOST = 3.0
_TOLERANCE = 1e-3


def size_for_real_speed(ratio: Callable[[float], float], *, most: float = MOST) -> float:
    """Returns the size of movements at which hands are as fast as the recorded ones.

    Rotations do not move hands in proportion to the size, so it is searched for by Brent's method,
    on the very clips that are measured: no gain found elsewhere does better.

    Args:
        ratio: From a size to the speed of hands by the recorded speed, pooled over clips.
        most: Greatest size; it is returned where it is too little.
    """
    if ratio(most) <= 1:
        return most
    if ratio(0.0) >= 1:
        return 0.0
    found = root_scalar(
        lambda size: ratio(size) - 1, bracket=(0.0, most), method="brentq", xtol=_TOLERANCE
    )
    return float(found.root)


def pooled_ratio(lengths: Sequence[tuple[float, float]]) -> float:
    """Returns the ratio of sums over clips of a motion's value and the recorded one's."""
    ours, theirs = (sum(column) for column in zip(*lengths, strict=True))
    return ours / theirs if theirs > 0 else float("nan")

"""What a measure is: sums over takes, and the value that sums have.

A mean, a ratio, a histogram's distance and a Fréchet distance all follow from sums over clips. So
one pass over the clips serves every measure, memory does not grow with their number, values are
pooled over clips and not averaged, and a bootstrap draws clips by adding their sums again.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from llavataros_jax.evaluation.take import Take

Sums = Float[np.ndarray, " P"]
Towards = Literal["real", "low", "high", "one", "zero", "none"]


@dataclass(frozen=True)
class Measure:
    """One line of a table.

    Attributes:
        key: Name with its unit, as in `jerk_metres_per_second3`.
        title: As it is printed, with its unit.
        says: What the number means, in one sentence.
        source: Paper, equation or reference file that it follows or departs from.
        gather: Sums of a take, always of one length, or None where there is nothing to measure.
        finish: Value of sums that were added over takes; NaN where there is none.
        towards: Where good values lie: near the `real` motion's, `low`, `high`, near `one` or
            `zero`, or nowhere (`none`).
        hears: It depends on the speech.
        compares: It compares with the recorded motion frame by frame, so that the recorded motion
            itself has no value.
        distribution: It compares clouds of poses, so that the recorded motion is compared with
            itself in halves.
        several: It needs several samples of a system.
        resamples: Draws of the bootstrap, fewer where `finish` is slow.
    """

    key: str
    title: str
    says: str
    source: str
    gather: Callable[[Take], Sums | None]
    finish: Callable[[Sums], float]
    towards: Towards = "real"
    hears: bool = False
    compares: bool = False
    distribution: bool = False
    several: bool = False
    resamples: int = 1000


def weighted(value: float, weight: float) -> Sums | None:
    """Returns the sums of a mean of which this is one value, or None when it is not finite."""
    return np.array([value * weight, weight]) if math.isfinite(value) and weight > 0 else None


def mean(sums: Sums) -> float:
    """Finishes a mean of which `weighted` gathered the parts."""
    return float(sums[0] / sums[1]) if sums[1] else math.nan


def by_seconds(value: Callable[[Take], float]) -> Callable[[Take], Sums | None]:
    """Returns what gathers the mean of a value over takes, each weighted by its length."""

    def gather(take: Take) -> Sums | None:
        return weighted(value(take), take.motion.seconds)

    return gather

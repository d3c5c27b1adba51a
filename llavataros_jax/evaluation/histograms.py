"""Histograms that no value falls out of, and how far two of them are apart."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from llavataros_jax.evaluation.measure import Measure, Sums
from llavataros_jax.evaluation.remembered import remembered
from llavataros_jax.evaluation.take import Take
from llavataros_jax.motion.trajectories import Trajectories

Counts = Float[np.ndarray, " bins"]


def histogram(values: Float[np.ndarray, "..."], edges: Float[np.ndarray, " bins"]) -> Counts:
    """Counts values from each edge to the next; the last bin is open above.

    Args:
        values: Any number of them, in any shape.
        edges: Lower edges, rising; what lies below the first counts in its bin.
    """
    places = np.searchsorted(edges, np.asarray(values).ravel(), side="right") - 1
    return np.bincount(np.maximum(places, 0), minlength=len(edges)).astype(np.float64)


def hellinger_distance(first: Counts, second: Counts) -> float:
    """Computes √(1 - Σ √(p q)) of two histograms, each divided by its sum.

    It is 0 for equal shares and 1 where no bin is shared (hellinger_distance.py of
    genea_numerical_evaluations). NaN where one of them is empty.
    """
    if not (first.sum() > 0 and second.sum() > 0):
        return float("nan")
    shared = np.sqrt(first / first.sum() * (second / second.sum())).sum()
    return float(np.sqrt(max(1.0 - shared, 0.0)))


def hellinger_measure(
    key: str, title: str, counts: Callable[[Trajectories], Counts], *, says: str, source: str
) -> Measure:
    """Returns the Hellinger distance of a motion's histogram from the recorded motion's.

    Args:
        key: Of the measure; the distance has no unit.
        title: Of the measure.
        counts: Histogram of a motion, always of the same bins; added over clips.
        says: Of the measure.
        source: Of the measure.
    """
    counts = remembered(counts)

    def gather(take: Take) -> Sums | None:
        ours, theirs = counts(take.motion), counts(take.real)
        return np.concatenate([ours, theirs]) if ours.any() and theirs.any() else None

    def finish(sums: Sums) -> float:
        half = len(sums) // 2
        return hellinger_distance(sums[:half], sums[half:])

    return Measure(
        key=key,
        title=title,
        says=says,
        source=source,
        gather=gather,
        finish=finish,
        towards="low",
        distribution=True,
    )

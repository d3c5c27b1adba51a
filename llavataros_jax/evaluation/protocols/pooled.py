"""Fréchet distances of all samples of a system together from the recorded motion once."""

from collections.abc import Callable

import numpy as np

from llavataros_jax.evaluation.frechet import Points, frechet_of_moments
from llavataros_jax.evaluation.measure import Measure, Sums
from llavataros_jax.evaluation.moments import moments
from llavataros_jax.evaluation.remembered import remembered
from llavataros_jax.evaluation.take import Take
from llavataros_jax.motion.trajectories import Trajectories


def pooled_frechet(
    key: str, title: str, points: Points, *, says: str, source: str, resamples: int
) -> Measure:
    """Returns the distance of the points of all samples from the recorded motion's.

    As `frechet.frechet_measure`, which reads the first sample alone.
    """
    sums_of: Callable[[Trajectories], Sums] = remembered(lambda motion: moments(points(motion)))

    def gather(take: Take) -> Sums | None:
        ours = np.sum([sums_of(motion) for motion in (take.motion, *take.others)], axis=0)
        theirs = sums_of(take.real)
        return np.concatenate([ours, theirs]) if ours[0] and theirs[0] else None

    return Measure(
        key=key,
        title=title,
        says=says,
        source=source,
        gather=gather,
        finish=frechet_of_moments,
        towards="low",
        distribution=True,
        resamples=resamples,
    )

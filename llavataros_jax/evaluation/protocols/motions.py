"""All motions of a performance at once."""

import dataclasses
from collections.abc import Callable

from llavataros_jax.evaluation.take import Performance
from llavataros_jax.motion.trajectories import Trajectories


def changed(
    performance: Performance, change: Callable[[Trajectories], Trajectories]
) -> Performance:
    """Returns the performance with every motion changed alike."""
    return dataclasses.replace(
        performance,
        real=change(performance.real),
        predicted=tuple(map(change, performance.predicted)),
    )

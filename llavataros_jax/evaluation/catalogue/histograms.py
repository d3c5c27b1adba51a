"""Whether fast and slow moments are as common as in the recorded motion."""

import numpy as np
from jaxtyping import Float

from llavataros_jax.evaluation.histograms import Counts, hellinger_measure, histogram
from llavataros_jax.evaluation.measure import Measure
from llavataros_jax.evaluation.statistics import derivative_lengths
from llavataros_jax.motion.trajectories import Trajectories

# Hands of people who talk stay below 3 m/s and 40 m/s²; what jitters goes further.
SPEED_EDGES_METRES_PER_SECOND: Float[np.ndarray, " bins"] = np.arange(0, 4, 0.05)
ACCELERATION_EDGES_METRES_PER_SECOND2: Float[np.ndarray, " bins"] = np.arange(0, 60, 0.5)


def speed_counts(motion: Trajectories) -> Counts:
    """Counts the speeds of all joints and frames, in bins of 0.05 m/s; the last is open."""
    speeds = derivative_lengths(motion.positions, motion.fps, order=1)
    return histogram(speeds, SPEED_EDGES_METRES_PER_SECOND)


def acceleration_counts(motion: Trajectories) -> Counts:
    """Counts the accelerations of all joints and frames, in bins of 0.5 m/s²; the last is open."""
    accelerations = derivative_lengths(motion.positions, motion.fps, order=2)
    return histogram(accelerations, ACCELERATION_EDGES_METRES_PER_SECOND2)


SPEED_HELLINGER = hellinger_measure(
    "speed_hellinger",
    "speeds, Hellinger",
    speed_counts,
    says="How the shares of slow and fast moments of all joints differ from the recorded ones; 0 "
    "equal, 1 nothing in common.",
    source="genea_numerical_evaluations calc_histogram.py and hellinger_distance.py, with bins of "
    "0.05 m/s of all joints, the last one open",
)
ACCELERATION_HELLINGER = hellinger_measure(
    "acceleration_hellinger",
    "accelerations, Hellinger",
    acceleration_counts,
    says="The same of accelerations, which sees jitter that speeds hide.",
    source="as the speeds, with bins of 0.5 m/s²",
)

HISTOGRAMS: tuple[Measure, ...] = (SPEED_HELLINGER, ACCELERATION_HELLINGER)

"""How varied a motion is, and whether gestures go where the recorded ones go."""

import math

import numpy as np

from llavataros_jax.evaluation.diversity import absolute_deviation, sample_variance
from llavataros_jax.evaluation.gesture_area import FIRST_JOINT, Area, gesture_area
from llavataros_jax.evaluation.measure import Measure, Sums, by_seconds, mean
from llavataros_jax.evaluation.remembered import remembered
from llavataros_jax.evaluation.take import Take
from llavataros_jax.motion.trajectories import Trajectories


@remembered
def _deviation(motion: Trajectories) -> Sums:
    return np.array([absolute_deviation(motion.positions), motion.num_frames])


@remembered
def _area(motion: Trajectories) -> Area:
    """Stands the mean of the root's path in the middle, for worlds have their origins anywhere."""
    middle = motion.positions[:, 0].mean(axis=0) * [1.0, 0.0, 0.0]
    return gesture_area(motion.positions - middle, motion.skeleton)


def _areas(take: Take) -> Sums | None:
    if take.motion.skeleton.num_joints <= FIRST_JOINT:
        return None
    ours, theirs = _area(take.motion), _area(take.real)
    counts = [np.count_nonzero(area) for area in (ours, theirs, ours & theirs)]
    return np.array(counts, np.float64)


def _between_samples(take: Take) -> float:
    return sample_variance([motion.positions for motion in (take.motion, *take.others)])


L1_DIVERSITY = Measure(
    key="l1_diversity_metres",
    title="L1 diversity (m)",
    says="How far all joints are from their clip's mean, summed over coordinates; jitter and "
    "drift raise it too, so it is good near the recorded value, not above it.",
    source="L1div, PantoMatrix emage_evaltools/mertic.py",
    gather=lambda take: _deviation(take.motion),
    finish=mean,
)
SAMPLE_DIVERSITY = Measure(
    key="sample_diversity_metres2",
    title="sample diversity (m²)",
    says="How much samples for the same speech differ: 0 for a system that always does the same.",
    source="Div-sample of the GENEA leaderboard: mean over frames and coordinates of the variance "
    "across samples, here of positions",
    gather=by_seconds(_between_samples),
    finish=mean,
    towards="none",
    several=True,
)
AREA_DICE = Measure(
    key="gesture_area_dice",
    title="gesture area, Dice",
    says="Overlap of the areas that the body sweeps, seen from the front: 1 where gestures go to "
    "the same places, in whatever order.",
    source="Gesture Area Coverage, Tonoli et al. 2024, AI-Unicamp/gesture-area-coverage; each "
    "motion about its root's mean, areas added over clips",
    gather=_areas,
    finish=lambda sums: float(2 * sums[2] / (sums[0] + sums[1])) if sums[:2].any() else math.nan,
    towards="high",
    distribution=True,
)
AREA_RATIO = Measure(
    key="gesture_area_ratio",
    title="gesture area / real",
    says="The area that the body sweeps by the recorded one's; below 1 gestures "
    "stay at few places.",
    source="TGAC of the same, as a ratio",
    gather=_areas,
    finish=lambda sums: float(sums[0] / sums[1]) if sums[1] else math.nan,
    towards="one",
)

VARIETY: tuple[Measure, ...] = (L1_DIVERSITY, SAMPLE_DIVERSITY, AREA_DICE, AREA_RATIO)

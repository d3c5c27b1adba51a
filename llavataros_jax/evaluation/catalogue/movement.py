"""How much a motion moves, how smoothly, and whether its bones keep their lengths."""

import math
from collections.abc import Callable

import numpy as np

from llavataros_jax.evaluation.amplitude import (
    hand_paths,
    jerk_at_equal_amplitude,
    squared_amplitude,
)
from llavataros_jax.evaluation.bones import bone_length_errors
from llavataros_jax.evaluation.measure import Measure, Sums, mean
from llavataros_jax.evaluation.remembered import remembered
from llavataros_jax.evaluation.statistics import derivative_lengths, hand_joints
from llavataros_jax.evaluation.take import Take
from llavataros_jax.motion.trajectories import Trajectories

# A hand whose squares sum to less than this by frame is still, up to the rounding of kinematics.
_STILL_METRES2 = 1e-18


def summed(values: np.ndarray) -> Sums | None:
    """Returns the sums of a mean over all values, or None when there are none."""
    return np.array([values.sum(), values.size]) if values.size else None


def _ratio(sums: Sums) -> float:
    return float(sums[0] / sums[1]) if sums[1] > 0 else math.nan


@remembered
def _hand_amplitude(motion: Trajectories) -> float:
    paths = hand_paths(motion)
    squares = squared_amplitude(paths)
    return squares if squares > _STILL_METRES2 * paths.shape[0] * paths.shape[1] else 0.0


@remembered
def _hand_speeds(motion: Trajectories) -> np.ndarray:
    hands = list(hand_joints(motion.skeleton).values())
    return derivative_lengths(motion.positions[:, hands], motion.fps, order=1)


@remembered
def _hand_jerks(motion: Trajectories) -> np.ndarray:
    return derivative_lengths(hand_paths(motion), motion.fps, order=3)


def _speed_of(side: str) -> Callable[[Take], Sums | None]:
    def gather(take: Take) -> Sums | None:
        hands = list(hand_joints(take.motion.skeleton))
        return summed(_hand_speeds(take.motion)[:, hands.index(side)]) if side in hands else None

    return gather


def _of_all_joints(order: int) -> Callable[[Take], Sums | None]:
    @remembered
    def gather(motion: Trajectories) -> Sums | None:
        return summed(derivative_lengths(motion.positions, motion.fps, order=order))

    return lambda take: gather(take.motion)


def _amplitudes(take: Take) -> Sums | None:
    sums = np.array([_hand_amplitude(take.motion), _hand_amplitude(take.real)])
    return sums if hand_joints(take.motion.skeleton) else None


def _speeds(take: Take) -> Sums | None:
    speeds = _hand_speeds(take.motion)
    return np.array([speeds.sum(), _hand_speeds(take.real).sum()]) if speeds.size else None


def _jerk_and_amplitudes(take: Take) -> Sums | None:
    jerks, amplitudes = summed(_hand_jerks(take.motion)), _amplitudes(take)
    return None if jerks is None or amplitudes is None else np.concatenate([jerks, amplitudes])


def _bones(take: Take) -> Sums | None:
    motion = take.motion
    return summed(
        bone_length_errors(motion.positions, take.real.positions, motion.skeleton.parents)
    )


HAND_SPEED_LEFT, HAND_SPEED_RIGHT = (
    Measure(
        key=f"hand_speed_{side}_metres_per_second",
        title=f"{side} hand's speed (m/s)",
        says=f"Mean speed of the {side} wrist, in the world.",
        source="the path's length by time",
        gather=_speed_of(side),
        finish=mean,
    )
    for side in ("left", "right")
)
HAND_SPEED_RATIO = Measure(
    key="hand_speed_ratio",
    title="hand speed / real",
    says="How fast the wrists move by how fast the recorded ones do; below 1 the motion is tame.",
    source="ours: the ratio of the lengths of paths, pooled over clips",
    gather=_speeds,
    finish=_ratio,
    towards="one",
)
AMPLITUDE_RATIO = Measure(
    key="amplitude_ratio",
    title="amplitude / real",
    says="How far the wrists go from their mean place beside the chest, by how far the recorded "
    "ones go; below 1 gestures are too small.",
    source="ours: the ratio of standard deviations, from variances pooled over clips",
    gather=_amplitudes,
    finish=lambda sums: math.sqrt(_ratio(sums)) if sums[1] > 0 else math.nan,
    towards="one",
)
ACCELERATION = Measure(
    key="acceleration_metres_per_second2",
    title="acceleration (m/s²)",
    says="Mean acceleration of all joints.",
    source="AA, genea_numerical_evaluations calk_jerk_or_acceleration.py, in metres and pooled",
    gather=_of_all_joints(2),
    finish=mean,
)
JERK = Measure(
    key="jerk_metres_per_second3",
    title="jerk (m/s³)",
    says="Mean jerk of all joints: far above the recorded motion's it jitters, far below it "
    "floats or hardly moves.",
    source="AJ, genea_numerical_evaluations calk_jerk_or_acceleration.py, in metres and pooled",
    gather=_of_all_joints(3),
    finish=mean,
)
SMOOTHNESS = Measure(
    key="jerk_at_real_amplitude_metres_per_second3",
    title="hands' jerk at the real amplitude (m/s³)",
    says="Jerk of the wrists beside the chest after a gain has given them the recorded "
    "amplitude, so that small motion does not pass for smooth motion.",
    source="ours: jerk by the amplitude ratio, see evaluation/amplitude.py",
    gather=_jerk_and_amplitudes,
    finish=lambda sums: jerk_at_equal_amplitude(mean(sums[:2]), sums[2], sums[3]),
)
BONE_LENGTH_ERROR = Measure(
    key="bone_length_error_metres",
    title="bone length error (m)",
    says="How far bones are from their mean lengths in the recorded clip; 0 for a rigid body.",
    source="ours: the mean over frames and bones of the difference",
    gather=_bones,
    finish=mean,
    towards="real",
)

MOVEMENT: tuple[Measure, ...] = (
    AMPLITUDE_RATIO,
    HAND_SPEED_RATIO,
    HAND_SPEED_LEFT,
    HAND_SPEED_RIGHT,
    ACCELERATION,
    JERK,
    SMOOTHNESS,
    BONE_LENGTH_ERROR,
)

"""How far hands go, and how smoothly for how far."""

import numpy as np
from jaxtyping import Float

from llavataros_jax.evaluation.statistics import hand_joints
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.motion.trajectories import Trajectories


def chest_joint(skeleton: Skeleton) -> int:
    """Finds the joint on which both arms hang, or the root where names tell fewer than two hands.

    It is the lowest common ancestor of the hands: the upper spine, however it is called.
    """
    hands = hand_joints(skeleton)
    if len(hands) < 2:
        return 0
    left, right = (_line(skeleton, joint) for joint in hands.values())
    return max(set(left) & set(right))


def hand_paths(motion: Trajectories) -> Float[np.ndarray, "T hands 3"]:
    """Returns the places of the wrists beside the chest, metres, along the world's axes.

    Walking and shifting weight do not count as gesture; turning the trunk does, for positions
    alone do not tell which way it faces.
    """
    positions = motion.positions
    hands = list(hand_joints(motion.skeleton).values())
    return positions[:, hands] - positions[:, [chest_joint(motion.skeleton)]]


def squared_amplitude(paths: Float[np.ndarray, "T hands 3"]) -> float:
    """Sums the squared distances of hands from their means, m², over frames and hands.

    The root of it by frames and hands is the standard deviation of the hands' places.
    """
    return float(np.square(paths - paths.mean(axis=0)).sum())


def jerk_at_equal_amplitude(
    jerk_metres_per_second3: float, squared_amplitude: float, real_squared_amplitude: float
) -> float:
    """Returns the jerk that a motion would have with the recorded motion's amplitude, m/s³.

    A gain about the mean multiplies amplitude and jerk alike, so the jerk is divided by the ratio
    of amplitudes: a motion that hardly moves does not count as smooth. The spectral arc length
    (SPARC, Balasubramanian et al. 2012) and the dimensionless jerk also know no size, but they
    judge one movement from rest to rest, and of minutes without rest they tell the length.

    Returns:
        The jerk; NaN where one of the motions has no amplitude.
    """
    if not (squared_amplitude > 0 and real_squared_amplitude > 0):
        return float("nan")
    return float(jerk_metres_per_second3 * np.sqrt(real_squared_amplitude / squared_amplitude))


def _line(skeleton: Skeleton, joint: int) -> list[int]:
    """Returns the ancestors of a joint."""
    line = []
    while (joint := skeleton.parents[joint]) >= 0:
        line.append(joint)
    return line

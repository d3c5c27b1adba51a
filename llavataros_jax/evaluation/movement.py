"""How much and how smoothly one motion moves, with nothing to compare it with."""

import math

from llavataros_jax.evaluation.statistics import SIDES, hand_joints, mean_derivative
from llavataros_jax.motion.motion import Motion


def movement(motion: Motion) -> dict[str, float]:
    """Measures a motion: mean speed of each wrist, and mean acceleration and jerk of all joints.

    A value is NaN where the skeleton's names tell no hand or there are too few frames.
    """
    hands, fps = hand_joints(motion.skeleton), motion.fps
    lengths = mean_derivative(motion.positions, fps, order=1)
    speeds = {side: float(lengths[hands[side]]) if side in hands else math.nan for side in SIDES}
    accelerations, jerks = (mean_derivative(motion.positions, fps, order=n) for n in (2, 3))
    return {
        "hand_speed_left_metres_per_second": speeds["left"],
        "hand_speed_right_metres_per_second": speeds["right"],
        "acceleration_metres_per_second2": float(accelerations.mean()),
        "jerk_metres_per_second3": float(jerks.mean()),
    }

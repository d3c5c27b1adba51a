"""A body as alignment sees it: six points, in the lengths of its own arms, 20 times a second."""

import numpy as np
from jaxtyping import Float, Float32
from scipy.ndimage import gaussian_filter1d

from llavataros_jax.errors import UserError
from llavataros_jax.motion.joints import joint_roles
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.motion.trajectories import Trajectories

FRAMES_PER_SECOND = 20
# Points of a body in the order of their rows; what a mirror swaps are neighbours.
POINTS = ("left hand", "right hand", "left forearm", "right forearm", "head", "trunk")
HEAD = POINTS.index("head")
# Faster changes than this are the jitter of cameras and networks, and none of them is speech's.
SMOOTHED_SECONDS = 0.05

_SIDES = ("left", "right")
_LEAST_ARM_METRES = 1e-3


def body_points(trajectories: Trajectories) -> Float32[np.ndarray, "N 6 3"]:
    """Returns where hands, forearms, head and trunk are, whatever the skeleton, size and facing.

    The first five are seen from the middle of the shoulders: x to the left, y up, in lengths of an
    arm. The trunk is that middle, seen from its mean place in the clip, along the axes of the
    clip's mean facing. A body without a head has it resting at the origin. Positions are smoothed
    by a Gaussian of 50 ms, then interpolated at 20 frames per second; frame k shows time k / 20.

    Raises:
        UserError: When the skeleton has no two whole arms.
    """
    arms, head = body_joints(_named(trajectories))
    positions = _resampled(trajectories)
    shoulders = {side: positions[:, arms["upperarm", side]] for side in _SIDES}
    middle = (shoulders["left"] + shoulders["right"]) / 2
    left = shoulders["left"] - shoulders["right"]
    axes, facing = _axes(left), _axes(left.mean(axis=0, keepdims=True))[0]
    arm = _arm_metres(positions, arms)

    def seen(joint: int) -> np.ndarray:
        return np.einsum("tij,tj->ti", axes, positions[:, joint] - middle) / arm

    points = [seen(arms[role, side]) for role in ("hand", "forearm") for side in _SIDES]
    points.append(seen(head) if head >= 0 else np.zeros_like(middle))
    points.append((middle - middle.mean(axis=0)) @ facing.T / arm)
    return np.stack(points, axis=1).astype(np.float32)


def body_joints(skeleton: Skeleton) -> tuple[dict[tuple[str, str], int], int]:
    """Returns the joints of both arms by role and side, and that of the head, -1 without one.

    Raises:
        UserError: When the skeleton has no two whole arms.
    """
    roles = joint_roles(skeleton)
    arms = {}
    for side in _SIDES:
        for role in ("upperarm", "forearm", "hand"):
            arms[role, side] = roles.find(role, side)
            if arms[role, side] < 0:
                raise UserError(
                    f"motion of {', '.join(skeleton.names[:8])} … has no {side} "
                    f"{role} by its names, but alignment looks at both arms from shoulder to hand; "
                    "rename its joints"
                )
    return arms, roles.find("head")


def _named(trajectories: Trajectories) -> Skeleton:
    """Returns the skeleton; bones that were only guessed, which hide arms under heads, left out."""
    skeleton = trajectories.skeleton
    if trajectories.motion is not None:
        return skeleton
    parents = (-1, *[0] * (skeleton.num_joints - 1))
    return Skeleton(skeleton.names, parents, np.zeros((skeleton.num_joints, 3)))


def _resampled(trajectories: Trajectories) -> Float[np.ndarray, "N J 3"]:
    fps, positions = trajectories.fps, trajectories.positions
    smooth = gaussian_filter1d(positions, SMOOTHED_SECONDS * fps, axis=0, mode="nearest")
    count = max(1, round(trajectories.seconds * FRAMES_PER_SECOND))
    place = np.minimum(np.arange(count) / FRAMES_PER_SECOND * fps, len(positions) - 1)
    before = np.floor(place).astype(int)
    after = np.minimum(before + 1, len(positions) - 1)
    share = (place - before)[:, None, None]
    return smooth[before] * (1 - share) + smooth[after] * share


def _axes(left: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3 3"]:
    """Returns the axes of bodies whose left is there: rows left, up and forward."""
    tiny = 1e-9
    x = left / (np.linalg.norm(left, axis=1, keepdims=True) + tiny)
    y = np.array([0.0, 1.0, 0.0]) - x * x[:, 1:2]
    y /= np.linalg.norm(y, axis=1, keepdims=True) + tiny
    return np.stack([x, y, np.cross(x, y)], axis=1)


def _arm_metres(positions: Float[np.ndarray, "N J 3"], arms: dict[tuple[str, str], int]) -> float:
    """Returns the length of an arm, shoulder to wrist, mean of both."""
    bones = [
        np.median(np.linalg.norm(positions[:, arms[a, s]] - positions[:, arms[b, s]], axis=1))
        for a, b in (("hand", "forearm"), ("forearm", "upperarm"))
        for s in _SIDES
    ]
    return max(float(sum(bones)) / 2, _LEAST_ARM_METRES)

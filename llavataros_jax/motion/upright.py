"""Which way is up in a recording, and turning it so that it is y."""

import dataclasses

import numpy as np
from scipy.spatial.transform import Rotation

from llavataros_jax.motion import rotations
from llavataros_jax.motion.joints import joint_roles
from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.motion.skeleton import Skeleton

# Proper rotations that bring an axis to y. A person whose z is up faces -y by custom, then +z.
_TO_Y = {
    "y": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "z": [[1, 0, 0], [0, 0, 1], [0, -1, 0]],
    "-z": [[1, 0, 0], [0, 0, -1], [0, 1, 0]],
    "-y": [[1, 0, 0], [0, -1, 0], [0, 0, -1]],
    "x": [[0, -1, 0], [1, 0, 0], [0, 0, 1]],
    "-x": [[0, 1, 0], [-1, 0, 0], [0, 0, 1]],
}
# Rotations about y that bring an axis to z.
_TO_Z = {
    "x": [[0, 0, -1], [0, 1, 0], [1, 0, 0]],
    "-x": [[0, 0, 1], [0, 1, 0], [-1, 0, 0]],
    "-z": [[-1, 0, 0], [0, 1, 0], [0, 0, -1]],
}
# Who leans or turns further than this, on the mean of a recording, points nowhere in particular.
_LEAST_COSINE = 0.8
_LOOKED_AT_FRAMES = 200


def up_axis(motion: Motion) -> str | None:
    """Returns the axis along which the head is above the hips on average, such as `y` or `-z`.

    Returns:
        None when no joint is called so, or they point along no axis.
    """
    roles = joint_roles(motion.skeleton)
    step = max(1, motion.num_frames // _LOOKED_AT_FRAMES)
    places = motion.positions[::step]

    def middle(role: str) -> np.ndarray | None:
        pair = [roles.find(role, side) for side in ("left", "right")]
        return places[:, pair].mean(axis=1) if min(pair) >= 0 else None

    top = next((roles.find(role) for role in ("head", "neck") if roles.find(role) > 0), None)
    above = places[:, top] if top else middle("upperarm")
    hips = middle("thigh")
    below = places[:, 0] if hips is None else hips
    return None if above is None else _axis((above - below).mean(axis=0))


def upright(motion: Motion, up: str) -> Motion:
    """Turns a recording so that `up` becomes y, and who faces another axis than z faces z.

    A skeleton whose rest pose lies in the same way is turned with it; one that stands is kept.
    """
    turn = np.array(_TO_Y[up], float)
    facing = _facing(motion, turn)
    if facing in _TO_Z:
        turn = np.array(_TO_Z[facing], float) @ turn
    quaternion = Rotation.from_matrix(turn).as_quat()
    frames = np.concatenate(
        (
            motion.positions @ turn.T,
            rotations.multiply(
                np.broadcast_to(quaternion, motion.quaternions.shape), motion.quaternions
            ),
        ),
        axis=-1,
    )
    skeleton = motion.skeleton
    if up == "y" or up_axis(_at_rest(skeleton)) != up:
        return Motion(frames, motion.fps, skeleton)
    offsets = skeleton.offsets.copy()
    offsets[0] = turn @ offsets[0]
    rest = skeleton.rest_rotations
    lying = dataclasses.replace(
        skeleton,
        offsets=offsets,
        rest_rotations=np.asarray(rotations.multiply(np.tile(quaternion, (len(rest), 1)), rest)),
    )
    return Motion(frames, motion.fps, lying).with_rest(rest)


def _at_rest(skeleton: Skeleton) -> Motion:
    """Returns the rest pose as one frame."""
    rest = skeleton.rest_rotations[None]
    local = rest.copy()
    parents = list(skeleton.parents[1:])
    local[:, 1:] = rotations.multiply(
        np.asarray(rotations.conjugate(rest[:, parents])), rest[:, 1:]
    )
    root = skeleton.offsets[None, 0]
    return motion_from_local(local, skeleton.offsets, root, fps=1.0, skeleton=skeleton)


def _facing(motion: Motion, turn: np.ndarray) -> str | None:
    """Returns the axis which the shoulders face on average after a turn that makes y up."""
    roles = joint_roles(motion.skeleton)
    left, right = (roles.find("upperarm", side) for side in ("left", "right"))
    if min(left, right) < 0:
        return None
    across = turn @ (motion.positions[:, left] - motion.positions[:, right]).mean(axis=0)
    return _axis(np.cross(across, [0.0, 1.0, 0.0]))


def _axis(direction: np.ndarray) -> str | None:
    length = np.linalg.norm(direction)
    if not length > 0:
        return None
    axis = int(np.abs(direction).argmax())
    if abs(direction[axis]) < _LEAST_COSINE * length:
        return None
    return ("-" if direction[axis] < 0 else "") + "xyz"[axis]

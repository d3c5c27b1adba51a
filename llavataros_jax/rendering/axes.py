"""Axes for joints of which only positions are known, so that a body can be drawn around them.

A drawn body hangs palms, head and torso on the axes of joints. Here y points along the bone that
leaves a joint, or that reaches it where none leaves; the trunk is one board from its lowest joint
to the middle of the shoulders; x points to the body's left as far as y allows. How a bone turns
about itself cannot be seen in positions and does not matter to capsules.
"""

import numpy as np
from jaxtyping import Float

from llavataros_jax.motion import rotations
from llavataros_jax.motion.joints import JointRoles, joint_roles
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.trajectories import Trajectories

UP = np.array([0.0, 1.0, 0.0])
LEFT = np.array([1.0, 0.0, 0.0])
_SHORTEST_METRES = 1e-6
# Beyond this mean cosine a bone lies so near the body's left that it cannot steer by it.
_ALONG = 0.8


def drawable(motion: Trajectories) -> Motion:
    """Returns the movement with rotations: its own, or ones made up for the eye."""
    if motion.motion is not None:
        return motion.motion
    positions, skeleton = motion.positions, motion.skeleton
    roles = joint_roles(skeleton)
    left, up = _board(positions, roles)
    forward = np.cross(left, up)
    axes = np.empty((*positions.shape[:2], 3, 3))
    for joint, parent in enumerate(skeleton.parents):
        children = [child for child, above in enumerate(skeleton.parents) if above == joint]
        if roles.role[joint] == "trunk":
            along, across = up, left
        elif children and roles.role[joint] != "head":
            along = _unit(positions[:, children].mean(axis=1) - positions[:, joint], up)
            across = left if np.abs((along * left).sum(-1)).mean() < _ALONG else forward
        elif roles.role[joint] == "head":
            along, across = _unit(positions[:, joint] - positions[:, parent], up), left
        else:
            axes[:, joint] = axes[:, parent]
            continue
        across = _unit(across - along * (along * across).sum(-1, keepdims=True), forward)
        axes[:, joint] = np.stack([across, along, np.cross(across, along)], axis=-1)
    quaternions = np.asarray(rotations.from_matrix(axes))
    return Motion(np.concatenate([positions, quaternions], axis=-1), motion.fps, skeleton)


def _board(
    positions: Float[np.ndarray, "T J 3"], roles: JointRoles
) -> tuple[Float[np.ndarray, "T 3"], Float[np.ndarray, "T 3"]]:
    """Returns the trunk's left and up, unit vectors at right angles."""
    arms = [roles.find("upperarm", side) for side in ("left", "right")]
    if min(arms) < 0:
        shape = positions[:, 0].shape
        return np.broadcast_to(LEFT, shape), np.broadcast_to(UP, shape)
    shoulders = positions[:, arms].mean(axis=1)
    left = _unit(positions[:, arms[0]] - positions[:, arms[1]], LEFT)
    up = _unit(shoulders - positions[:, 0], UP)
    up = _unit(up - left * (left * up).sum(-1, keepdims=True), UP)
    return left, up


def _unit(vector: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    return np.where(length > _SHORTEST_METRES, vector / np.maximum(length, 1e-12), otherwise)

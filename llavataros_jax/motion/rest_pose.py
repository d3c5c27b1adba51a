"""Two rest poses of one body: how they differ, and motion told in the other one.

A BVH file turns joints from the pose of its OFFSETs. With the arms out in one file and down in the
next, the same numbers are other postures.
"""

import dataclasses

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.skeleton import Skeleton

# Shorter bones have no direction to rely on.
_LEAST_METRES = 0.01


def rest_difference(skeleton: Skeleton, other: Skeleton) -> tuple[float, str]:
    """Returns by how many degrees a bone points elsewhere at most, and the joint at its end."""
    angles = np.zeros(skeleton.num_joints)
    for joint, parent in enumerate(skeleton.parents):
        ours, theirs = (_world(s, parent).apply(s.offsets[joint].copy()) for s in (skeleton, other))
        if parent >= 0 and min(np.linalg.norm(ours), np.linalg.norm(theirs)) > _LEAST_METRES:
            sine, cosine = np.linalg.norm(np.cross(ours, theirs)), ours @ theirs
            angles[joint] = np.degrees(np.arctan2(sine, cosine))
    joint = int(angles.argmax())
    return float(angles[joint]), skeleton.names[joint]


def with_rest_pose_of(motion: Motion, other: Skeleton) -> Motion:
    """Tells the same motion in the rest pose of another skeleton of the same structure.

    World positions do not change. Each joint's axes are turned by what brings the other's bones
    onto its own: by all of a joint's bones, and where there is one, without a twist against the
    joint before.
    """
    skeleton = motion.skeleton
    turns = _turns(skeleton, other)
    turned = motion.with_rest(
        (Rotation.from_quat(skeleton.rest_rotations.copy()) * turns).as_quat()
    )
    rest = dataclasses.replace(turned.skeleton, rest_rotations=other.rest_rotations)
    return Motion(turned.frames, motion.fps, rest)


def _turns(skeleton: Skeleton, other: Skeleton) -> Rotation:
    """Returns for each joint the turn, in its own frame, from the other's bones to its own."""
    turns: list[Rotation] = []
    for joint, parent in enumerate(skeleton.parents):
        turn = turns[parent] if parent >= 0 else Rotation.identity()
        theirs, ours = _bones(skeleton, other, joint)
        if len(ours):
            turn = _least_turn(turn.apply(theirs), ours) * turn
        turns.append(turn)
    return Rotation.concatenate(turns)


def _bones(
    skeleton: Skeleton, other: Skeleton, joint: int
) -> tuple[Float[np.ndarray, "B 3"], Float[np.ndarray, "B 3"]]:
    """Returns the directions of the bones that hang on a joint, of the other and its own."""
    children = [child for child, parent in enumerate(skeleton.parents) if parent == joint]
    pairs = [(other.offsets[child], skeleton.offsets[child]) for child in children]
    tips = (s.end_sites.get(joint, []) for s in (other, skeleton))
    pairs += list(zip(*tips, strict=False))
    units = [
        (theirs / np.linalg.norm(theirs), ours / np.linalg.norm(ours))
        for theirs, ours in pairs
        if min(np.linalg.norm(theirs), np.linalg.norm(ours)) > _LEAST_METRES
    ]
    bones = np.reshape(units, (-1, 2, 3))
    return bones[:, 0], bones[:, 1]


def _least_turn(start: Float[np.ndarray, "B 3"], end: Float[np.ndarray, "B 3"]) -> Rotation:
    """Returns the turn that brings directions onto others; about no more than is needed."""
    if np.allclose(start, end, atol=1e-9):
        return Rotation.identity()
    spread = np.linalg.svd(start, compute_uv=False)
    if len(start) > 1 and spread[1] < 0.1:  # all along one line, which leaves a twist open
        start, end = start[:1], end[:1]
    return Rotation.align_vectors(end, start)[0]


def _world(skeleton: Skeleton, joint: int) -> Rotation:
    return Rotation.from_quat(skeleton.rest_rotations[max(joint, 0)].copy())

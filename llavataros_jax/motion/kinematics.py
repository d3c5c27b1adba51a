"""Forward kinematics and its inverse, one array operation for each level of the skeleton.

Rotations may be matrices (..., J, 3, 3) or unit quaternions (..., J, 4); the functions tell them
apart by the last axis. NumPy in, NumPy out; JAX in, JAX out.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float

from llavataros_jax.motion.rotations import (
    AnyArray,
    apply_matrices,
    conjugate,
    multiply,
    multiply_matrices,
    namespace,
    rotate,
)

Rotations = Float[AnyArray, "... J 3 3"] | Float[AnyArray, "... J 4"]


def forward(
    local_rotations: Rotations,
    local_offsets: Float[AnyArray, "... J 3"],
    root: Float[AnyArray, "... 3"],
    parents: Sequence[int],
) -> tuple[Float[AnyArray, "... J 3"], Rotations]:
    """Places every joint in the world.

    Args:
        local_rotations: Rotation of each joint in its parent's frame; the root's in the world.
        local_offsets: Place of each joint in its parent's frame; leading axes broadcast. The
            root's row is not used.
        root: Place of the root in the world.
        parents: Parent of each joint; joint 0 is the root.

    Returns:
        World positions and world rotations of the joints.
    """
    xp = namespace(local_rotations, local_offsets, root)
    compose, apply, _, axis = _algebra(local_rotations)
    levels, order = _levels(tuple(parents))
    world = [xp.take(local_rotations, np.zeros(1, int), axis=axis)]
    places = [xp.broadcast_to(root[..., None, :], (*world[0].shape[:axis], 1, 3))]
    for joints, parent_slots in levels:
        parent = xp.take(world[-1], parent_slots, axis=axis)
        offset = apply(parent, xp.take(local_offsets, joints, axis=-2))
        places.append(xp.take(places[-1], parent_slots, axis=-2) + offset)
        world.append(compose(parent, xp.take(local_rotations, joints, axis=axis)))
    positions = xp.take(xp.concat(places, axis=-2), order, axis=-2)
    return positions, xp.take(xp.concat(world, axis=axis), order, axis=axis)


def local_rotations_of(world_rotations: Rotations, parents: Sequence[int]) -> Rotations:
    """Returns each joint's rotation in its parent's frame; the root keeps its own."""
    xp = namespace(world_rotations)
    compose, _, invert, axis = _algebra(world_rotations)
    root, rest, parent = _split(world_rotations, parents, axis)
    return xp.concat((root, compose(invert(parent), rest)), axis=axis)


def local_offsets_of(
    positions: Float[AnyArray, "... J 3"], world_rotations: Rotations, parents: Sequence[int]
) -> Float[AnyArray, "... J 3"]:
    """Returns each joint's place in its parent's frame; the root keeps its place in the world."""
    xp = namespace(positions, world_rotations)
    _, apply, invert, axis = _algebra(world_rotations)
    root, rest, parent = _split(positions, parents, -2)
    parent_rotation = _split(world_rotations, parents, axis)[2]
    return xp.concat((root, apply(invert(parent_rotation), rest - parent)), axis=-2)


def _algebra(rotations: Any) -> tuple[Callable, Callable, Callable, int]:
    """Returns composition, application, inverse and the joint axis for a kind of rotation."""
    if rotations.shape[-1] == 4:
        return multiply, rotate, conjugate, -2
    return multiply_matrices, apply_matrices, lambda m: namespace(m).matrix_transpose(m), -3


def _split(values: Any, parents: Sequence[int], axis: int) -> tuple[Any, Any, Any]:
    """Returns the root's values, those of the other joints, and those of their parents."""
    xp = namespace(values)
    others = np.arange(1, len(parents))
    return (
        xp.take(values, np.zeros(1, int), axis=axis),
        xp.take(values, others, axis=axis),
        xp.take(values, np.asarray(parents, int)[1:], axis=axis),
    )


@lru_cache(maxsize=64)
def _levels(parents: tuple[int, ...]) -> tuple[list[tuple[np.ndarray, np.ndarray]], np.ndarray]:
    """Groups joints by depth: (joints, slot of each one's parent in the level above) per level.

    Also returns the order that sorts the levels' concatenation back into joints.
    """
    depth = [0] * len(parents)
    for joint, parent in enumerate(parents[1:], start=1):
        depth[joint] = depth[parent] + 1
    members = [
        [joint for joint in range(len(parents)) if depth[joint] == level]
        for level in range(max(depth) + 1)
    ]
    levels = [
        (np.array(joints), np.array([members[level].index(parents[joint]) for joint in joints]))
        for level, joints in enumerate(members[1:])
    ]
    return levels, np.argsort(np.concatenate(members).astype(int))

"""Forward kinematics and its inverse, one array operation for each level of the skeleton.

Rotations may be matrices (..., J, 3, 3) or unit quaternions (..., J, 4); the functions tell them
apart by the last axis. NumPy in, NumPy out; JAX in, JAX out.
"""

import itertools
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

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
from llavataros_jax.motion.selection import select

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
    levels = _levels(tuple(parents))
    turns = xp.split(select(local_rotations, levels.joints, axis), levels.starts, axis=axis)
    steps = xp.split(select(local_offsets, levels.joints, -2), levels.starts, axis=-2)
    world = [turns[0]]
    places = [xp.broadcast_to(root[..., None, :], (*world[0].shape[:axis], 1, 3))]
    for slots, turn, step in zip(levels.parent_slots, turns[1:], steps[1:], strict=True):
        parent = select(world[-1], slots, axis)
        places.append(select(places[-1], slots, -2) + apply(parent, step))
        world.append(compose(parent, turn))
    positions = select(xp.concat(places, axis=-2), levels.slots, -2)
    return positions, select(xp.concat(world, axis=axis), levels.slots, axis)


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
    return (
        select(values, [0], axis),
        select(values, range(1, len(parents)), axis),
        select(values, parents[1:], axis),
    )


class _Levels(NamedTuple):
    """Joints in the order of their depth.

    Attributes:
        joints: In that order.
        starts: Where each level but the first begins.
        parent_slots: For each level but the first, places of its joints' parents in the one above.
        slots: Place of each joint in that order.
    """

    joints: tuple[int, ...]
    starts: tuple[int, ...]
    parent_slots: tuple[tuple[int, ...], ...]
    slots: tuple[int, ...]


@lru_cache(maxsize=64)
def _levels(parents: tuple[int, ...]) -> _Levels:
    """Groups joints by depth."""
    depth = [0] * len(parents)
    for joint, parent in enumerate(parents[1:], start=1):
        depth[joint] = depth[parent] + 1
    members = [
        [joint for joint in range(len(parents)) if depth[joint] == level]
        for level in range(max(depth) + 1)
    ]
    joints = tuple(joint for level in members for joint in level)
    return _Levels(
        joints=joints,
        starts=tuple(np.cumsum([len(level) for level in members[:-1]]).tolist()),
        parent_slots=tuple(
            tuple(above.index(parents[joint]) for joint in level)
            for above, level in itertools.pairwise(members)
        ),
        slots=tuple(np.argsort(joints).tolist()),
    )

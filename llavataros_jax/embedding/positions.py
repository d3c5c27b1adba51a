"""Positions as an embedding wants them: its joints, its unit, its rate, its doubled offsets."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
from jaxtyping import Float

from llavataros_jax.embedding.embedding import Embedding
from llavataros_jax.errors import UserError
from llavataros_jax.listing import listed
from llavataros_jax.motion.bvh import read_bvh_hierarchy
from llavataros_jax.motion.kinematics import forward
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.trajectories import Trajectories

# 29.97 frames per second are taken for 30.
_RATE_TOLERANCE = 2e-3
_LISTED = 4


def positions_for(
    embedding: Embedding, trajectories: Trajectories, *, doubled: Collection[str] | None = None
) -> Float[np.ndarray, "T J 3"]:
    """Returns the embedding's joints in its order and unit.

    Args:
        embedding: What they are for.
        trajectories: Any joints, metres.
        doubled: Joints whose offset is doubled, if the embedding wants that; all when not given.

    Raises:
        UserError: When a joint is missing, the rate is another one, or offsets must be doubled and
            rotations are not known.
    """
    names = trajectories.skeleton.names
    if missing := [name for name in embedding.joints if name not in names]:
        raise UserError(
            f"the embedding needs {len(embedding.joints)} joints, but {listed(missing, _LISTED)} "
            f"are missing among the {len(names)} here ({listed(names, _LISTED)}); use an embedding "
            "of this skeleton (llavataros evaluate fit-embedding)"
        )
    if abs(trajectories.fps - embedding.fps) > _RATE_TOLERANCE * embedding.fps:
        raise UserError(
            f"the motion has {trajectories.fps:g} frames per second, but the embedding was trained "
            f"at {embedding.fps:g}; resample the motion"
        )
    positions = trajectories.positions
    if embedding.doubled_offsets:
        if trajectories.motion is None:
            raise UserError(
                "the embedding wants positions with doubled BVH offsets, which cannot be had from "
                "positions alone; give motion with rotations, such as a BVH file"
            )
        positions = doubled_positions(trajectories.motion, doubled)
    columns = [names.index(name) for name in embedding.joints]
    return positions[:, columns] * embedding.units_per_metre


def doubled_positions(
    motion: Motion, joints: Collection[str] | None = None
) -> Float[np.ndarray, "T J 3"]:
    """Returns where PyMO puts the joints of a BVH file, metres.

    Its `MocapParameterizer("position")` adds a joint's position channels to its OFFSET, though they
    hold the offset already. GENEA's positions, from files that have such channels for every joint,
    are those of bodies twice as large, about a root in its true place.

    Args:
        motion: The motion, its skeleton's offsets those of the file.
        joints: Those that have position channels; all when not given.
    """
    skeleton = motion.skeleton
    again = [joints is None or name in joints for name in skeleton.names]
    offsets = motion.local_offsets() + np.where(np.array(again)[:, None], skeleton.offsets, 0.0)
    root = motion.positions[:, 0]
    return np.asarray(forward(motion.local_quaternions(), offsets, root, skeleton.parents)[0])


def joints_with_places(path: Path | str) -> frozenset[str]:
    """Returns the joints of a BVH file that have position channels.

    Raises:
        UserError: When the file is missing or its hierarchy malformed.
    """
    hierarchy = read_bvh_hierarchy(path)
    return frozenset(
        name
        for name, channels in zip(hierarchy.skeleton.names, hierarchy.channels, strict=True)
        if any(channel.endswith("position") for channel in channels)
    )

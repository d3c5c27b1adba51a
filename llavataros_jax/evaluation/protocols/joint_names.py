"""Joints of a motion by their names, in a protocol's order, and which protocols a body fits."""

import dataclasses
import functools
from collections.abc import Iterable, Sequence

from llavataros_jax.errors import UserError
from llavataros_jax.evaluation.protocols.genea_joints import GENEA_2020, GENEA_UPPER_BODY
from llavataros_jax.evaluation.protocols.smplx_joints import BEAT_JOINTS, ROOT
from llavataros_jax.listing import listed
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.motion.trajectories import Trajectories

_LISTED = 5
# Protocols by the joints that they cannot do without; `torso` takes any body.
_NEEDS = (
    (("emage", "rag", "leaderboard", "genea2026"), (ROOT, *BEAT_JOINTS)),
    (("genea",), GENEA_UPPER_BODY),
    (("genea2020",), GENEA_2020),
)


def plain(name: str) -> str:
    """Returns a joint's name in small letters, without a namespace as in `mixamorig:Hips`."""
    return name.rpartition(":")[2].lower()


def has(skeleton: Skeleton, names: Iterable[str]) -> bool:
    """Says whether a skeleton has all of these joints."""
    return set(map(plain, names)) <= set(map(plain, skeleton.names))


def fitting(skeleton: Skeleton) -> tuple[str, ...]:
    """Returns the names of the protocols that a skeleton fits."""
    found = [name for names, needs in _NEEDS if has(skeleton, needs) for name in names]
    return ("torso", *found)


def require(skeleton: Skeleton, names: Sequence[str], *, protocol: str, clip: str) -> None:
    """Refuses a skeleton that has not all of these joints.

    Raises:
        UserError: With the joints that are missing and the protocols that fit.
    """
    there = set(map(plain, skeleton.names))
    missing = [name for name in names if plain(name) not in there]
    if missing:
        *others, last = fitting(skeleton)
        fit = f"{', '.join(others)} or {last}" if others else last
        raise UserError(
            f"clip {clip} lacks {len(missing)} of the {len(names)} joints that the protocol "
            f"{protocol} measures ({listed(missing, _LISTED)}); for its {skeleton.num_joints} "
            f"joints choose {fit} (--protocol)"
        )


def chosen(trajectories: Trajectories, names: Sequence[str]) -> Trajectories:
    """Returns those of the joints that a motion has, in this order.

    A joint's parent is its nearest ancestor among those before it, or else the first joint.
    """
    joints, skeleton = _chosen(trajectories.skeleton, tuple(names))
    motion = trajectories.motion
    return dataclasses.replace(
        trajectories,
        positions=trajectories.positions[:, joints],
        skeleton=skeleton,
        motion=motion and Motion(motion.frames[:, joints], motion.fps, skeleton),
    )


def chosen_skeleton(skeleton: Skeleton, names: Sequence[str]) -> Skeleton:
    """Returns the skeleton that `chosen` gives."""
    return _chosen(skeleton, tuple(names))[1]


@functools.lru_cache(maxsize=16)
def _chosen(skeleton: Skeleton, names: tuple[str, ...]) -> tuple[list[int], Skeleton]:
    place = {plain(name): joint for joint, name in enumerate(skeleton.names)}
    wanted = [place[plain(name)] for name in names if plain(name) in place]
    parents = [_nearest(skeleton, joint, wanted[:rank]) for rank, joint in enumerate(wanted)]
    return wanted, Skeleton(
        tuple(skeleton.names[joint] for joint in wanted),
        tuple(parents),
        skeleton.offsets[wanted],
        skeleton.rest_rotations[wanted],
    )


def _nearest(skeleton: Skeleton, joint: int, before: list[int]) -> int:
    """Returns the place in `before` of a joint's nearest ancestor, 0 if none is; -1 if empty."""
    ancestor = skeleton.parents[joint]
    while ancestor >= 0 and ancestor not in before:
        ancestor = skeleton.parents[ancestor]
    return before.index(ancestor) if ancestor >= 0 else min(len(before), 1) - 1

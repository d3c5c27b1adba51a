"""A skeleton: names, parents, offsets and the pose in which it rests."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float

from llavataros_jax.errors import UserError
from llavataros_jax.motion import rotations
from llavataros_jax.motion.sides import twins


@dataclass(frozen=True, eq=False)
class Skeleton:
    """The bones of one body.

    Attributes:
        names: Name of each joint; parents come before their children.
        parents: Index of each joint's parent; -1 for the root, which is joint 0.
        offsets: Place of each joint in its parent's frame in metres; the root's is its place in
            the rest pose.
        rest_rotations: World quaternions of the rest pose; identities when not given.
        end_sites: Tips of bones beyond the last joints, in the joint's frame in metres.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: Float[np.ndarray, "J 3"]
    rest_rotations: Float[np.ndarray, "J 4"] = None  # pyright: ignore[reportAssignmentType]
    end_sites: dict[int, list[Float[np.ndarray, " 3"]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names, parents = tuple(map(str, self.names)), tuple(map(int, self.parents))
        rest = self.rest_rotations
        rest = np.tile([0.0, 0.0, 0.0, 1.0], (len(names), 1)) if rest is None else rest
        offsets = np.array(self.offsets, dtype=np.float64)
        rest = rotations.normalise(np.array(rest, dtype=np.float64))
        tips = {
            int(joint): [np.array(tip, dtype=np.float64) for tip in tips]
            for joint, tips in self.end_sites.items()
        }
        _check(names, parents, offsets, np.asarray(rest), tips)
        values = (names, parents, offsets, rest, tips)
        for name, value in zip(self.__dataclass_fields__, values, strict=True):
            if isinstance(value, np.ndarray):
                value.flags.writeable = False
            object.__setattr__(self, name, value)

    @property
    def num_joints(self) -> int:
        """Number of joints, end sites not counted."""
        return len(self.names)

    @cached_property
    def left_right_pairs(self) -> tuple[tuple[int, int], ...]:
        """Pairs of (left, right) joints, found by their names."""
        return twins(self.names)

    @cached_property
    def mirror_order(self) -> tuple[int, ...]:
        """For each joint the one that takes its place in a mirror: its twin, or itself."""
        order = list(range(self.num_joints))
        for left, right in self.left_right_pairs:
            order[left], order[right] = right, left
        return tuple(order)

    def same_structure(self, other: "Skeleton") -> bool:
        """Says whether names and parents agree; lengths of bones may differ."""
        return self.names == other.names and self.parents == other.parents

    def to_dict(self) -> dict[str, Any]:
        """Returns plain lists that JSON keeps exactly."""
        return {
            "names": list(self.names),
            "parents": list(self.parents),
            "offsets": self.offsets.tolist(),
            "rest_rotations": self.rest_rotations.tolist(),
            "end_sites": {
                str(joint): [tip.tolist() for tip in tips] for joint, tips in self.end_sites.items()
            },
        }

    @classmethod
    def from_dict(cls, tree: dict[str, Any]) -> "Skeleton":
        """Rebuilds what `to_dict` wrote."""
        # JSON has lists for tuples and arrays, and texts for numbers that are keys.
        values = {
            "names": tuple(tree["names"]),
            "parents": tuple(tree["parents"]),
            "end_sites": {
                int(joint): [np.array(tip) for tip in tips]
                for joint, tips in tree["end_sites"].items()
            },
        }
        arrays = {key: np.array(tree[key]) for key in ("offsets", "rest_rotations") if key in tree}
        return cls(**{**tree, **values, **arrays})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Skeleton) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.names, self.parents, self.offsets.tobytes()))


def _check(
    names: tuple[str, ...],
    parents: tuple[int, ...],
    offsets: np.ndarray,
    rest: np.ndarray,
    tips: dict[int, list[np.ndarray]],
) -> None:
    joints = len(names)
    if not joints or len(parents) != joints or parents[0] != -1:
        raise UserError(
            f"a skeleton needs a root first and a parent for each joint, but has {joints} names "
            f"and parents {list(parents)}"
        )
    for joint, parent in enumerate(parents[1:], start=1):
        if not 0 <= parent < joint:
            raise UserError(
                f"joint {names[joint]} ({joint}) has parent {parent}; parents must come before "
                "their children and there can be only one root"
            )
    if len(set(names)) != joints:
        doubled = next(name for name in names if names.count(name) > 1)
        raise UserError(f"two joints are called {doubled!r}; give each joint a name of its own")
    if offsets.shape != (joints, 3) or rest.shape != (joints, 4):
        raise UserError(
            f"{joints} joints need offsets ({joints}, 3) and rest rotations ({joints}, 4), not "
            f"{offsets.shape} and {rest.shape}"
        )
    if not all(0 <= joint < joints and t.shape == (3,) for joint in tips for t in tips[joint]):
        raise UserError(f"end sites must be vectors of 3 at joints 0 to {joints - 1}")
    if not (np.isfinite(offsets).all() and np.isfinite(rest).all()):
        raise UserError("the skeleton's offsets and rest rotations must be finite numbers")


_RIGHT_ARM, _LEFT_ARM = (
    [0.0, 0.0, np.sqrt(0.5), np.sqrt(0.5)],
    [0.0, 0.0, -np.sqrt(0.5), np.sqrt(0.5)],
)

# The nine joints of AvatarOS (named as in ZeroEGGS, from which they derive): y up, facing +z, the
# right side at negative x. Limbs lie along +y of their parent's frame and elbows bend about its x,
# so the T-pose turns the arms by a quarter. Joints 1, 3 and 6 hang on bones that were left out;
# theirs are mean offsets, the others are rigid to 2e-7 m in the recordings.
AVATAROS_9 = Skeleton(
    names=(
        "Hips", "Spine2", "Spine3",
        "RightArm", "RightForeArm", "RightHand",
        "LeftArm", "LeftForeArm", "LeftHand",
    ),
    parents=(-1, 0, 1, 2, 3, 4, 2, 6, 7),
    offsets=np.array(
        [
            [0.0, 0.886, 0.0],
            [0.0, 0.2912, 0.0087],
            [0.0, 0.117467, 0.0],
            [-0.129, 0.1095, 0.018],
            [0.0, 0.2962842, 0.0],
            [0.0, 0.22857611, 0.0],
            [0.133, 0.1125, 0.0155],
            [0.0, 0.28724781, 0.0],
            [0.00644384, 0.25716167, -0.00328871],
        ]
    ),
    rest_rotations=np.array([[0.0, 0.0, 0.0, 1.0]] * 3 + [_RIGHT_ARM] * 3 + [_LEFT_ARM] * 3),
    end_sites={5: [np.array([0.0, 0.1, 0.0])], 8: [np.array([0.0, 0.1, 0.0])]},
)  # fmt: skip

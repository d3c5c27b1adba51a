"""Motion of a person as VRM tells it: rotations from the T-pose, the same for every skeleton.

With W the world rotation of a bone and R that of its T-pose, D = W R⁻¹ is how it is turned, in the
world's axes. Relative to the nearest bone above, D_parent⁻¹ D, it is the "normalised" rotation of
`getNormalizedPose` in @pixiv/three-vrm, of VMC and of a VRMA file whose nodes rest unturned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from llavataros_jax.motion import rotations as turns
from llavataros_jax.motion.kinematics import local_rotations_of
from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.rig.humanoid import SIDES, find_humanoid, nearest_parents
from llavataros_jax.rig.t_pose import rest_pose, t_pose

# Of Drillis and Contini (see `motion/smplx.py`): hips at 0.530 of the height, shoulders at 0.818.
_HIPS_BY_TRUNK = 0.530 / 0.288
# Where the lowest joint of a leg is above the ground, in metres: a toe, or an ankle.
_LOWEST_METRES, _HIGHEST_METRES = -0.05, 0.2
_LEAST_HIPS_METRES = 0.3


@dataclass(frozen=True, eq=False)
class HumanoidMotion:
    """Movement of the bones of VRM 1.0.

    Attributes:
        bones: Those that move, parents first; the first is `hips`.
        rotations: Of each relative to the bone above it, from the T-pose, in axes that are the
            world's in the T-pose (x, y, z, w); continuous in sign.
        hips: Place of the hips in the world, in metres.
        rest: Places of the bones in the T-pose, in metres, feet on the ground.
        fps: Frames per second.
    """

    bones: tuple[str, ...]
    rotations: Float[np.ndarray, "T B 4"]
    hips: Float[np.ndarray, "T 3"]
    rest: Float[np.ndarray, "B 3"]
    fps: float

    @property
    def num_frames(self) -> int:
        """Number of frames."""
        return len(self.rotations)

    @cached_property
    def skeleton(self) -> Skeleton:
        """The bones as a skeleton that rests in the T-pose with no joint turned."""
        return t_pose_skeleton(self.bones, self.rest)

    def to_motion(self) -> Motion:
        """Returns the bones in the world; joints are called as bones, and rest unturned."""
        skeleton = self.skeleton
        return motion_from_local(
            self.rotations, skeleton.offsets, self.hips, fps=self.fps, skeleton=skeleton
        )


class Humanoid:
    """Tells frames of one skeleton as rotations from the T-pose.

    Attributes:
        bones: The bones that were found, parents first.
        joints: The joint of each.
        rest: Places of the bones in the T-pose, in metres, feet on the ground.
        rest_rotations: World quaternions of their joints in the T-pose.
        parents: For each bone the place in `bones` of the one above it, -1 for the hips.
    """

    def __init__(self, skeleton: Skeleton, *, place: str = "the skeleton") -> None:
        """Finds the bones and the T-pose of a skeleton.

        Args:
            skeleton: Its joints and rest pose.
            place: What a refusal calls it.

        Raises:
            UserError: When hips, spine or arms are not found.
        """
        found = find_humanoid(skeleton.names, skeleton.parents, place=place)
        self.bones = tuple(found)
        self.joints = tuple(found.values())
        self.parents = bone_parents(self.bones)
        places, world = t_pose(*rest_pose(skeleton), skeleton.parents, found)
        self.rest_rotations = world[list(self.joints)]
        self.rest = _grounded(places, skeleton, found)[list(self.joints)]
        self._back = np.asarray(turns.conjugate(self.rest_rotations))

    def __call__(
        self, frames: Float[np.ndarray, "T J 7"]
    ) -> tuple[Float[np.ndarray, "T B 4"], Float[np.ndarray, "T 3"]]:
        """Returns rotations of the bones, with w not negative, and places of the hips."""
        chosen = frames[:, list(self.joints)]
        turned = turns.multiply(chosen[..., 3:], self._back)
        local = np.asarray(local_rotations_of(turned, self.parents))
        local = np.where(local[..., 3:] < 0, -local, local)
        return np.asarray(turns.normalise(local)), chosen[:, 0, :3]


def humanoid_motion(motion: Motion, *, place: str = "the motion") -> HumanoidMotion:
    """Tells a motion as rotations of VRM's bones from the T-pose.

    Offsets that move, as of the shoulders of AvatarOS, cannot be told so and stay at rest.

    Raises:
        UserError: When hips, spine or arms are not found.
    """
    humanoid = Humanoid(motion.skeleton, place=place)
    rotations, hips = humanoid(motion.frames)
    rotations = np.asarray(turns.continuous(rotations))
    return HumanoidMotion(humanoid.bones, rotations, hips, humanoid.rest, motion.fps)


def bone_parents(bones: Sequence[str]) -> tuple[int, ...]:
    """Returns for each of some bones the place among them of the one above it, or -1."""
    above = nearest_parents(bones)
    return tuple(-1 if (parent := above[bone]) is None else bones.index(parent) for bone in bones)


def t_pose_skeleton(bones: Sequence[str], rest: Float[np.ndarray, "B 3"]) -> Skeleton:
    """Returns bones, whose places in the T-pose are given in metres, as a skeleton."""
    parents = bone_parents(bones)
    offsets = rest - rest[list(parents)]
    offsets[0] = rest[0]
    return Skeleton(tuple(bones), parents, offsets)


def _grounded(
    places: Float[np.ndarray, "J 3"], skeleton: Skeleton, found: dict[str, int]
) -> Float[np.ndarray, "J 3"]:
    """Puts the hips of a T-pose above the origin, at a height that a standing body has.

    Readers of VRMA scale the way of the hips by their height at rest, and many skeletons rest with
    their root at the origin.
    """
    hips = places[found["hips"]]
    legs = [found[f"{side}UpperLeg"] for side in SIDES if f"{side}UpperLeg" in found]
    below = [_is_below(joint, legs, skeleton.parents) for joint in range(skeleton.num_joints)]
    height = float(hips[1])
    if any(below):
        lowest = float(places[below, 1].min())
        if not _LOWEST_METRES <= lowest <= _HIGHEST_METRES:
            height -= lowest
    elif height < _LEAST_HIPS_METRES:
        shoulders = np.mean([places[found[f"{side}UpperArm"], 1] for side in SIDES])
        height = float(shoulders - hips[1]) * _HIPS_BY_TRUNK
    return places - hips + [0.0, height, 0.0]


def _is_below(joint: int, others: list[int], parents: Sequence[int]) -> bool:
    while joint >= 0 and joint not in others:
        joint = parents[joint]
    return joint >= 0

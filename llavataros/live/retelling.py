"""A clip of any person told in the poses of a run: as it is, or through the bones of VRM."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from llavataros_jax.motion import rotations as turns
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.kinematics import local_rotations_of
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.rotations import matrix_to_sixd, to_matrix
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.rig.humanoid import SIDES, find_humanoid
from llavataros_jax.rig.normalised import Humanoid, humanoid_motion

_TRUNK = ("spine", "chest", "upperChest", "neck", "head")
_NO_ARM = ("UpperLeg", "LowerLeg", "Foot", "Toes", "Eye")
# An arm of which no joint turns further than this from the clip's first frame rests in it.
_RESTS_DEGREES = 4.0


class Retold(NamedTuple):
    """A clip in poses.

    Attributes:
        poses: Un-normalised poses, in which only the numbers below mean something.
        arms: Numbers of the arms that the clip moves, from shoulders to fingers.
        trunk: Numbers of the trunk, the neck and the head, and of offsets that move.
    """

    poses: Float[np.ndarray, "T P"]
    arms: Bool[np.ndarray, " P"]
    trunk: Bool[np.ndarray, " P"]


def retold(motion: Motion, codec: PoseCodec, *, place: str) -> Retold:
    """Tells a motion in the poses of a codec.

    That of a skeleton with the same joints and rest pose is encoded as it is. Any other is told by
    the rotations of its bones from the T-pose, which the codec's bones of the same names take.

    Args:
        motion: The motion.
        codec: Whose poses.
        place: What a refusal calls the motion.

    Raises:
        UserError: When hips, spine or arms are not found in one of the two skeletons.
    """
    target, clip = codec.skeleton, motion.skeleton
    theirs = find_humanoid(clip.names, clip.parents, place=place)
    ours = find_humanoid(target.names, target.parents, place="the run's skeleton")
    is_same = _is_same(clip, target)
    poses = codec.encode(motion) if is_same else _through_bones(motion, codec, place)
    told = {bone: joint for bone, joint in ours.items() if bone in theirs}
    moving = _moving_sides(motion, theirs)
    arms = [joint for bone, joint in told.items() if _side_of_arm(bone) in moving]
    trunk = [told[bone] for bone in _TRUNK if bone in told]
    added = _numbers(codec, trunk)
    added[3 + 6 * target.num_joints :] = is_same
    return Retold(poses.astype(np.float64), _numbers(codec, arms), added)


def _is_same(clip: Skeleton, target: Skeleton) -> bool:
    return clip.same_structure(target) and np.allclose(
        clip.rest_rotations, target.rest_rotations, atol=1e-3
    )


def _through_bones(motion: Motion, codec: PoseCodec, place: str) -> Float[np.ndarray, "T P"]:
    """Turns the codec's bones in the world as the motion's are turned, each from its T-pose."""
    told, target = humanoid_motion(motion, place=place), codec.skeleton
    body = Humanoid(target, place="the run's skeleton")
    turned = told.to_motion().quaternions
    worlds = np.empty((motion.num_frames, target.num_joints, 4))
    rest = target.rest_rotations
    for joint, parent in enumerate(target.parents):
        bone = body.bones[body.joints.index(joint)] if joint in body.joints else None
        if bone in told.bones:
            own = body.rest_rotations[body.joints.index(joint)]
            worlds[:, joint] = turns.multiply(turned[:, told.bones.index(bone)], own)
        elif parent < 0:
            worlds[:, joint] = rest[joint]
        else:
            local = turns.multiply(turns.conjugate(rest[parent]), rest[joint])
            worlds[:, joint] = turns.multiply(worlds[:, parent], local)
    local = to_matrix(np.asarray(local_rotations_of(worlds, target.parents)))
    poses = np.zeros((motion.num_frames, codec.pose_size))
    sixd = np.asarray(matrix_to_sixd(local)).reshape(motion.num_frames, -1)
    poses[:, 3 : 3 + sixd.shape[1]] = sixd
    return poses


def _moving_sides(motion: Motion, bones: dict[str, int]) -> set[str]:
    """Returns the sides of which an arm does not rest."""
    local = motion.local_quaternions()
    turned = turns.multiply(turns.conjugate(local[:1]), local)
    most = np.degrees(2 * np.arccos(np.clip(np.abs(turned[..., 3]), 0, 1))).max(axis=0)
    return {
        side
        for bone, joint in bones.items()
        if (side := _side_of_arm(bone)) and most[joint] > _RESTS_DEGREES
    }


def _side_of_arm(bone: str) -> str:
    """Returns the side of a bone of an arm, nothing for other bones."""
    side = next((side for side in SIDES if bone.startswith(side)), "")
    return "" if bone.endswith(_NO_ARM) else side


def _numbers(codec: PoseCodec, joints: Sequence[int]) -> Bool[np.ndarray, " P"]:
    """Returns which numbers of a pose turn some joints."""
    chosen = np.zeros(codec.pose_size, bool)
    for joint in joints:
        chosen[3 + 6 * joint : 9 + 6 * joint] = True
    return chosen

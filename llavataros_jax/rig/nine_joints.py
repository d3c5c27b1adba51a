"""Motion of any person on the nine joints of AvatarOS, as `.npy` files have them."""

import numpy as np

from llavataros_jax.motion import rotations
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.skeleton import AVATAROS_9
from llavataros_jax.rig.normalised import Humanoid

_ARM = ("UpperArm", "LowerArm", "Hand")
# The two joints of the back are the upper ones, wherever there are three.
_BONES = (
    *(("hips",), ("chest", "spine"), ("upperChest", "chest", "spine")),
    *((f"{side}{part}",) for side in ("right", "left") for part in _ARM),
)


def on_nine_joints(motion: Motion) -> Motion:
    """Returns the places of a person's own joints, turned as AvatarOS turns them.

    A motion of these nine joints is returned as it is. Of a back with one joint both are that one.

    Raises:
        UserError: When hips, spine or arms are not found.
    """
    if motion.skeleton.same_structure(AVATAROS_9):
        return motion
    humanoid = Humanoid(motion.skeleton, place="the motion")
    chosen = []
    for names in _BONES:
        wanted = names
        if names == ("chest", "spine") and "upperChest" not in humanoid.bones:
            wanted = ("spine",)
        chosen.append(next(humanoid.bones.index(bone) for bone in wanted if bone in humanoid.bones))
    joints = [humanoid.joints[slot] for slot in chosen]
    back = np.asarray(rotations.conjugate(humanoid.rest_rotations[chosen]))
    turned = rotations.multiply(motion.quaternions[:, joints], back)
    turns = rotations.multiply(turned, np.asarray(AVATAROS_9.rest_rotations))
    frames = np.concatenate((motion.positions[:, joints], np.asarray(turns)), axis=-1)
    return Motion(frames, motion.fps, AVATAROS_9)

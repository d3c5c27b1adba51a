"""Where the bones of a receiver's own character are, so that it gets its own offsets back."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from llavataros_jax.rig.character import read_character
from llavataros_jax.rig.character_pose import character_pose
from llavataros_jax.rig.humanoid import SIDES
from llavataros_jax.rig.normalised import HumanoidMotion

_ARM, _LEG = ("UpperArm", "LowerArm", "Hand"), ("UpperLeg", "LowerLeg", "Foot")


def avatar_places(
    path: Path, bones: tuple[str, ...], rest: Float[np.ndarray, "M 3"]
) -> dict[str, Float[np.ndarray, " 3"]]:
    """Returns the place of each bone of a character in its T-pose, in metres.

    Args:
        path: Its `.vrm` or `.glb`, whose unit is a metre.
        bones: Bones of the motion that it will be moved by.
        rest: Their places in the T-pose.

    Raises:
        UserError: When it is no character.
    """
    upright = np.tile([0.0, 0.0, 0.0, 1.0], (1, len(bones), 1))
    straight = HumanoidMotion(bones, upright, rest[:1], _straight(bones, rest), 1.0)
    pose = character_pose(read_character(path), straight)
    hips = pose.places["hips"]
    ground = np.array([hips[0], hips[1] - pose.hips_height, hips[2]])
    return {bone: place - ground for bone, place in pose.places.items()}


def _straight(bones: tuple[str, ...], rest: Float[np.ndarray, "M 3"]) -> Float[np.ndarray, "M 3"]:
    """Returns a T-pose whose limbs are straight, as that of a character is to be.

    Limbs of a character are found to point where those of the motion do.
    """
    places = dict(zip(bones, rest.copy(), strict=True))
    for side in SIDES:
        for limb, axes in ((_ARM, (1, 2)), (_LEG, (0, 2))):
            joints = [places[side + part] for part in limb if side + part in places]
            for joint in joints[1:]:
                for axis in axes:
                    joint[axis] = joints[0][axis]
    return np.stack([places[bone] for bone in bones])

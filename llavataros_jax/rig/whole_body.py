"""Bones that nothing moves, at the places where a standing person has them.

VRM's files and the tools that retarget want a head, a neck and legs, of which the motion of an
upper body says nothing. Proportions: Drillis and Contini, "Body segment parameters" (1966), as in
Winter, "Biomechanics and Motor Control of Human Movement", fig. 4.1.
"""

from collections.abc import Collection

import numpy as np
from jaxtyping import Float

from llavataros_jax.rig.humanoid import BONES, REQUIRED, SIDES
from llavataros_jax.rig.normalised import HumanoidMotion

_HIPS, _SHOULDERS, _CHIN = 0.530, 0.818, 0.870  # of the height
_KNEE, _ANKLE, _HALF_HIPS = 0.285, 0.039, 0.05
_TOES = (0.010, 0.075)  # up and forward


def whole_body(motion: HumanoidMotion, wanted: Collection[str] = REQUIRED) -> HumanoidMotion:
    """Returns the motion with more bones, which stay as in the T-pose.

    Args:
        motion: Of hips and arms at least.
        wanted: Bones that must be there; those that the motion has are not touched.
    """
    usual = _usual_places(motion)
    bones = tuple(bone for bone in BONES if bone in motion.bones or bone in wanted)
    rotations = np.tile([0.0, 0.0, 0.0, 1.0], (motion.num_frames, len(bones), 1))
    rest = np.zeros((len(bones), 3))
    for slot, bone in enumerate(bones):
        if bone in motion.bones:
            rotations[:, slot] = motion.rotations[:, motion.bones.index(bone)]
            rest[slot] = motion.rest[motion.bones.index(bone)]
        else:
            rest[slot] = usual[bone]
    return HumanoidMotion(bones, rotations, motion.hips, rest, motion.fps)


def _usual_places(motion: HumanoidMotion) -> dict[str, Float[np.ndarray, " 3"]]:
    """Returns where the bones are that a motion may lack; fingers are not among them."""
    own = dict(zip(motion.bones, motion.rest, strict=True))
    hips, arms = own["hips"], [own[f"{side}UpperArm"] for side in SIDES]
    shoulders = np.mean(arms, axis=0)
    height = float(shoulders[1] - hips[1]) / (_SHOULDERS - _HIPS)
    top = next(own[bone] for bone in ("upperChest", "chest", "spine", "hips") if bone in own)
    neck = own.get("neck", shoulders + np.array([0.0, 0.1 * (_CHIN - _SHOULDERS) * height, 0.0]))
    found = {
        "spine": hips + 0.25 * (shoulders - hips),
        "chest": hips + 0.5 * (shoulders - hips),
        "upperChest": top + 0.5 * (shoulders - top) * (0, 1, 0),
        "neck": neck,
        "head": np.array([neck[0], shoulders[1] + (_CHIN - _SHOULDERS) * height, neck[2]]),
    }
    for sign, side, arm in zip((1.0, -1.0), SIDES, arms, strict=True):
        across = np.array([0.25 * (arm[0] - shoulders[0]), 0.0, 0.0])
        found[f"{side}Shoulder"] = np.array([shoulders[0], arm[1], arm[2]]) + across
        hip = hips + np.array([sign * _HALF_HIPS * height, -0.02 * hips[1], 0.0])
        for bone, share in (("UpperLeg", None), ("LowerLeg", _KNEE), ("Foot", _ANKLE)):
            level = hip[1] if share is None else hips[1] * share / _HIPS
            found[f"{side}{bone}"] = np.array([hip[0], level, hip[2]])
        foot = own.get(f"{side}Foot", found[f"{side}Foot"])
        forward = np.array([0.0, _TOES[0] - _ANKLE, _TOES[1]]) * height
        found[f"{side}Toes"] = foot + forward
    return found

"""Motion under the names that other people's tools map by themselves.

Rokoko's retargeting add-on for Blender knows Hips, Spine and what is numbered after it, LeftArm,
LeftForeArm, LeftHand and so on, whatever the case (its `core/auto_detect_lists/bones.py`); Mixamo
calls the same bones so behind `mixamorig:`. Both look for whole bodies, so what the motion lacks
stands as in the T-pose. Joints rest in the T-pose with no rotation of their own.
"""

import dataclasses

import numpy as np

from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.rig.humanoid import REQUIRED, SIDES, spellings
from llavataros_jax.rig.normalised import HumanoidMotion
from llavataros_jax.rig.whole_body import whole_body

NAMES = ("own", "mixamo", "rokoko", "vrm")
# What the tools' own skeletons have beside what VRM requires.
_ALSO = (
    *("chest", "upperChest", "neck"),
    *(f"{side}{bone}" for side in SIDES for bone in ("Shoulder", "Toes")),
)
# Of Drillis and Contini, as shares of the height: chin to top, a hand to its knuckles, toes.
_TRUNK, _HEAD_TIP, _HAND_TIP, _TOE_TIP = 0.288, 0.130, 0.054, 0.035


def with_names(motion: HumanoidMotion, names: str) -> Motion:
    """Returns a whole body in the T-pose that moves, named for a tool.

    Args:
        motion: What it does.
        names: `mixamo`, `rokoko` or `vrm`.
    """
    whole = whole_body(motion, (*REQUIRED, *_ALSO))
    told = whole.to_motion()
    skeleton = Skeleton(
        tuple(_name(bone, names) for bone in whole.bones),
        told.skeleton.parents,
        told.skeleton.offsets,
        end_sites=_tips(whole),
    )
    return dataclasses.replace(told, skeleton=skeleton)


def _name(bone: str, names: str) -> str:
    if names == "vrm":
        return bone
    spelt = spellings("mixamo").get(bone, [bone])[0]
    return f"mixamorig:{spelt}" if names == "mixamo" else spelt


def _tips(motion: HumanoidMotion) -> dict[int, list[np.ndarray]]:
    """Returns where the last bones end, which tools draw and some of them aim by."""
    place = dict(zip(motion.bones, motion.rest, strict=True))
    shoulders = np.mean([place[f"{side}UpperArm"][1] for side in SIDES])
    height = float(shoulders - place["hips"][1]) / _TRUNK
    tips = {"head": (0.0, _HEAD_TIP, 0.0)}
    for side, sign in zip(SIDES, (1.0, -1.0), strict=True):
        tips[f"{side}Hand"] = (sign * _HAND_TIP, 0.0, 0.0)
        tips[f"{side}Toes"] = (0.0, 0.0, _TOE_TIP)
    return {motion.bones.index(bone): [height * np.array(tip)] for bone, tip in tips.items()}

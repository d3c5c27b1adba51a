"""A marionette in Unity's world: it hangs bones on each other as their messages say."""

import numpy as np
from scipy.spatial.transform import Rotation

from tests.live.osc import Message

# Of Unity's HumanBodyBones, each with the bones that may be its parent, the nearest first.
_TRUNK = ("UpperChest", "Chest", "Spine", "Hips")
ABOVE = {
    "Hips": (),
    "Spine": ("Hips",),
    "Chest": ("Spine", "Hips"),
    "UpperChest": ("Chest", "Spine", "Hips"),
    "Neck": _TRUNK,
    "Head": ("Neck", *_TRUNK),
}
for _side in ("Left", "Right"):
    ABOVE[f"{_side}Shoulder"] = _TRUNK
    ABOVE[f"{_side}UpperArm"] = (f"{_side}Shoulder", *_TRUNK)
    ABOVE[f"{_side}LowerArm"] = (f"{_side}UpperArm",)
    ABOVE[f"{_side}Hand"] = (f"{_side}LowerArm",)
    ABOVE[f"{_side}UpperLeg"] = ("Hips",)
    ABOVE[f"{_side}LowerLeg"] = (f"{_side}UpperLeg",)
    ABOVE[f"{_side}Foot"] = (f"{_side}LowerLeg",)


def world(messages: list[Message]) -> dict[str, tuple[np.ndarray, Rotation]]:
    """Returns place and rotation of every bone in Unity's world."""
    found: dict[str, tuple[np.ndarray, Rotation]] = {}
    local = {m.values[0]: m.values[1:] for m in messages if m.address == "/VMC/Ext/Bone/Pos"}
    (root,) = (m.values[1:] for m in messages if m.address == "/VMC/Ext/Root/Pos")
    base = np.array(root[:3]), Rotation.from_quat(root[3:])
    for bone, above in ABOVE.items():
        if bone in local:
            parent = next((name for name in above if name in found), None)
            place, turn = found[parent] if parent else base
            given = local[bone]
            found[bone] = (
                place + turn.apply(given[:3]),
                turn * Rotation.from_quat(given[3:]),
            )
    return found

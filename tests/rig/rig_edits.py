"""What characters have that is no bone: helpers, twist joints, and nothing above the hips."""

from typing import Any

import numpy as np
import pygltflib as gltf
from scipy.spatial.transform import Rotation


def without_armature(model: Any) -> None:
    """Lets the hips hang on nothing."""
    model.nodes[0].children = []
    model.scenes[0].nodes[0] = 1


def with_helpers(model: Any) -> None:
    """Puts a turned node that is no bone above each upper arm, and one above the chest."""
    for number in range(1, len(model.nodes) - 1):
        node = model.nodes[number]
        if not node.name.endswith(("LeftArm", "RightArm", "Spine1")):
            continue
        turn = Rotation.from_euler("xyz", (40, -20, 70), degrees=True)
        place = np.array([0.03, 0.01, -0.02])
        parent = next(other for other in model.nodes if number in (other.children or []))
        parent.children[parent.children.index(number)] = len(model.nodes)
        helper = gltf.Node(
            name="helper", translation=place.tolist(), rotation=turn.as_quat().tolist()
        )
        helper.children = [number]
        model.nodes.append(helper)
        node.translation = turn.inv().apply(np.array(node.translation) - place).tolist()
        node.rotation = (turn.inv() * Rotation.from_quat(node.rotation)).as_quat().tolist()


def with_twist_joints(model: Any) -> None:
    """Hangs a twist joint on each forearm at 60 % of its way, and one on each upper arm at 25 %."""
    for number in range(1, len(model.nodes) - 1):
        for ending, child, share in (("ForeArm", "Hand", 0.6), ("Arm", "ForeArm", 0.25)):
            node = model.nodes[number]
            side = "Left" if "Left" in node.name else "Right"
            if not node.name.endswith(side + ending):
                continue
            tip = next(other for other in model.nodes if other.name.endswith(side + child))
            place = share * np.array(tip.translation)
            node.children.append(len(model.nodes))
            model.nodes.append(gltf.Node(name=f"{side}{ending}Twist", translation=place.tolist()))


def with_roll_joints(model: Any) -> None:
    """Puts a roll joint into each forearm, on which the hand hangs."""
    for number in range(1, len(model.nodes) - 1):
        node = model.nodes[number]
        if not node.name.endswith(("LeftHand", "RightHand")):
            continue
        parent = next(other for other in model.nodes if number in (other.children or []))
        half = (0.5 * np.array(node.translation)).tolist()
        parent.children[parent.children.index(number)] = len(model.nodes)
        model.nodes.append(gltf.Node(name="ForeArmRoll", translation=half, children=[number]))
        node.translation = half

"""Where the parts of a body are in the T-pose, also those that a skeleton has no joints for.

Proportions where joints say nothing: Drillis and Contini, "Body segment parameters" (1966), as in
Winter, "Biomechanics and Motor Control of Human Movement", fig. 4.1; of hands and faces our choice.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from llavataros_jax.rig.humanoid import SIDES

_TRUNK, _CHIN, _HEAD = 0.288, 0.052, 0.130  # of the height: hips to shoulders, on to chin, to top
# A hand 19 cm long that lies along x, palm down: where fingers begin, which way and how far.
_FINGERS = {
    "Thumb": ((0.022, -0.006, 0.026), (0.70, -0.30, 0.62), (0.034, 0.026)),
    "Index": ((0.092, 0.000, 0.029), (1.0, -0.16, 0.06), (0.040, 0.034)),
    "Middle": ((0.096, 0.002, 0.009), (1.0, -0.20, 0.01), (0.044, 0.037)),
    "Ring": ((0.092, 0.001, -0.011), (1.0, -0.24, -0.03), (0.041, 0.034)),
    "Little": ((0.084, -0.002, -0.029), (1.0, -0.28, -0.09), (0.032, 0.027)),
}
_CURL = 0.30  # how much further down the second half of a finger points


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Places in the T-pose, in metres.

    Attributes:
        size: Of the body, where 1 is one of 1.75 m.
        bones: Place of each bone that the skeleton has.
        joints: Joint of each.
        shoulders: Middle between the upper arms.
        chin: Lowest point of the head.
        head_height: From there to its top.
        ground: Height of the soles.
    """

    size: float
    bones: dict[str, Float[np.ndarray, " 3"]]
    joints: dict[str, int]
    shoulders: Float[np.ndarray, " 3"]
    chin: Float[np.ndarray, " 3"]
    head_height: float
    ground: float

    def trunk(self) -> list[tuple[int, float]]:
        """Lists joint and height of the bones of the trunk, from the hips up."""
        names = ("hips", "spine", "chest", "upperChest")
        return [(self.joints[n], float(self.bones[n][1])) for n in names if n in self.bones]

    @property
    def top_of_trunk(self) -> int:
        """The joint that the shoulders hang on."""
        return self.trunk()[-1][0]

    def joint(self, *bones: str) -> int:
        """Returns the joint of the first of these that there is, or the top of the trunk."""
        return next((self.joints[b] for b in bones if b in self.joints), self.top_of_trunk)

    def fingers(self, side: str) -> list[tuple[int, list[Float[np.ndarray, " 3"]]]]:
        """Lists for each piece of a finger its joint and its ends, the root first."""
        pieces = []
        for finger, (root, way, lengths) in _FINGERS.items():
            names = [
                f"{side}{finger}{part}"
                for part in ("Metacarpal", "Proximal", "Intermediate", "Distal")
                if f"{side}{finger}{part}" in self.joints
            ]
            if names:
                pieces += self._own_finger(names)
            else:
                pieces += self._usual_finger(side, root, way, lengths)
        return pieces

    def hand(self, side: str, place: tuple[float, float, float]) -> Float[np.ndarray, " 3"]:
        """Returns a place of a hand that lies along x, on this body."""
        sign = 1.0 if side == "left" else -1.0
        return self.bones[f"{side}Hand"] + self.size * np.array(place) * (sign, 1.0, 1.0)

    def _own_finger(self, names: list[str]) -> list[tuple[int, list[np.ndarray]]]:
        places = [self.bones[name] for name in names]
        last = places[-1] - places[-2] if len(places) > 1 else places[-1] - self._wrist(names[0])
        tip = places[-1] + last / max(np.linalg.norm(last), 1e-6) * 0.024 * self.size
        ends = [*places[1:], tip]
        joints = [self.joints[name] for name in names]
        return [(joint, [a, b]) for joint, a, b in zip(joints, places, ends, strict=True)]

    def _wrist(self, name: str) -> np.ndarray:
        return self.bones["leftHand" if name.startswith("left") else "rightHand"]

    def _usual_finger(
        self,
        side: str,
        root: tuple[float, float, float],
        way: tuple[float, float, float],
        lengths: tuple[float, float],
    ) -> list[tuple[int, list[np.ndarray]]]:
        first = np.array(way) / np.linalg.norm(way)
        second = first - [0.0, _CURL, 0.0]
        knuckle = np.array(root) + lengths[0] * first
        tip = knuckle + lengths[1] * second / np.linalg.norm(second)
        places = [self.hand(side, tuple(place)) for place in (root, knuckle, tip)]
        joint = self.joints[f"{side}Hand"]
        return [(joint, [places[0], places[1]]), (joint, [places[1], places[2]])]


def landmarks(places: Float[np.ndarray, "J 3"], humanoid: Mapping[str, int]) -> Landmarks:
    """Finds the parts of a body.

    Args:
        places: Of the joints in the T-pose, in metres.
        humanoid: Joint of each bone; hips, spine and arms are among them.
    """
    bones = {bone: places[joint] for bone, joint in humanoid.items()}
    shoulders = np.mean([bones[f"{side}UpperArm"] for side in SIDES], axis=0)
    height = float(shoulders[1] - bones["hips"][1]) / _TRUNK
    neck = bones.get("head", shoulders + np.array([0.0, 0.0, 0.01]))
    chin = np.array([neck[0], shoulders[1] + _CHIN * height, neck[2] + 0.015])
    feet = [bones[f"{side}Foot"][1] for side in SIDES if f"{side}Foot" in bones]
    ground = float(min(feet)) - 0.08 * height / 1.75 if feet else 0.0
    return Landmarks(height / 1.75, bones, dict(humanoid), shoulders, chin, _HEAD * height, ground)

"""Fingers for motion that has none: hands that rest flat hang a little bent, as at ease.

In a T-pose fingers are stretched, and so they would stay for a whole talk.
"""

import numpy as np
from jaxtyping import Float

from llavataros_jax.motion import rotations
from llavataros_jax.rig.character import Character
from llavataros_jax.rig.character_pose import CharacterPose
from llavataros_jax.rig.humanoid import SIDES

# By how many degrees each joint of a finger is bent in a hand at ease: more towards the little one.
_BENT_DEGREES = {
    "Index": (14.0, 22.0, 12.0),
    "Middle": (18.0, 26.0, 14.0),
    "Ring": (22.0, 28.0, 15.0),
    "Little": (24.0, 28.0, 15.0),
}
_PARTS = ("Proximal", "Intermediate", "Distal")
# Fingers that are bent by more have been given a pose, which is left.
_FLAT_DEGREES = 12.0


def relaxed_fingers(
    character: Character, pose: CharacterPose
) -> dict[int, Float[np.ndarray, " 4"]]:
    """Returns the turns in their parents of the joints of hands that rest flat."""
    found: dict[int, np.ndarray] = {}
    for side, sign in zip(SIDES, (1.0, -1.0), strict=True):
        chains = {}
        for finger in _BENT_DEGREES:
            bones = [bone for part in _PARTS if (bone := side + finger + part) in character.bones]
            if len(bones) > 1:
                chains[finger] = bones
        has_hand = f"{side}Hand" in character.bones
        if not has_hand or not all(_is_flat(pose, bones) for bones in chains.values()):
            continue
        for finger, bones in chains.items():
            above, bent = f"{side}Hand", 0.0
            for bone, degrees in zip(bones, _BENT_DEGREES[finger], strict=False):
                held = rotations.multiply(_about_z(-sign * bent), pose.turns[above])
                bent += degrees
                turned = rotations.multiply(_about_z(-sign * bent), pose.turns[bone])
                node = character.bones[bone]
                between = _between(character, character.bones[above], node)
                held = rotations.multiply(np.asarray(held), between)
                found[node] = np.asarray(rotations.multiply(rotations.conjugate(held), turned))
                above = bone
    return found


def _is_flat(pose: CharacterPose, bones: list[str]) -> bool:
    """Says whether the joints of a finger lie on a line, and that along the arm."""
    places = np.array([pose.places[bone] for bone in bones])
    ways = np.diff(places, axis=0)
    lengths = np.linalg.norm(ways, axis=1)
    # Spread fingers are flat, bent ones are not: only up and down is looked at.
    slopes = np.degrees(np.arcsin(np.clip(ways[:, 1] / np.maximum(lengths, 1e-9), -1, 1)))
    return bool(lengths.min() > 0 and np.abs(slopes).max() < _FLAT_DEGREES)


def _about_z(degrees: float) -> Float[np.ndarray, " 4"]:
    half = np.radians(degrees) / 2
    return np.array([0.0, 0.0, np.sin(half), np.cos(half)])


def _between(character: Character, above: int, node: int) -> Float[np.ndarray, " 4"]:
    """Returns the turn of the nodes between two of one line."""
    nodes, turn = character.nodes, np.array([0.0, 0.0, 0.0, 1.0])
    while (node := nodes.parents[node]) != above:
        turn = np.asarray(rotations.multiply(nodes.turns[node], turn))
    return turn

"""Twist joints of arms: nodes by which skin turns little by little along a limb.

A person's hand turns with the whole forearm; motion has all of it at the wrist, where skin would be
wrung. Characters of Unreal, Character Creator or 3ds Max have nodes called twist or roll along the
limb, which programs turn by a share: none at the elbow, all at the wrist; and along the upper arm
none at the shoulder, all at the elbow.
"""

import re
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from llavataros_jax.motion import rotations
from llavataros_jax.rig.character import Character
from llavataros_jax.rig.character_pose import CharacterPose
from llavataros_jax.rig.humanoid import PARENTS, SIDES

# Not a controller, nor a troll.
_NAMES = re.compile(r"(?i:twist)|(?<![A-Za-z])roll|Roll|ROLL")


def twist_nodes(
    deltas: Mapping[str, Float[np.ndarray, "T 4"]], character: Character, pose: CharacterPose
) -> dict[int, Float[np.ndarray, "T 4"]]:
    """Returns world rotations of the twist joints of the arms, in a body that faces +z.

    Args:
        deltas: How bones are turned from the T-pose, in the world's axes.
        character: Whose arms; a VRM has constraints of its own for these.
        pose: Its T-pose.
    """
    if character.vrm is not None:
        return {}
    found: dict[int, np.ndarray] = {}
    for side in SIDES:
        upper, lower, hand = (f"{side}{part}" for part in ("UpperArm", "LowerArm", "Hand"))
        for bone, end in ((upper, lower), (lower, hand)):
            if not {bone, end} <= deltas.keys():
                continue
            way = pose.places[end] - pose.places[bone]
            if not way.any():
                continue
            axis = way / np.linalg.norm(way)
            before = _twist(_above(bone, deltas), deltas[bone], axis)
            after = _twist(deltas[bone], deltas[end], axis)
            for node, share, turn in _along(bone, end, character):
                angle = share * after if bone == lower else (share - 1) * before
                own = rotations.multiply(deltas[bone], _about(axis, angle))
                turned = rotations.multiply(pose.turns[bone], turn)
                found[node] = np.asarray(rotations.multiply(np.asarray(own), np.asarray(turned)))
    return found


def _along(
    bone: str, end: str, character: Character
) -> list[tuple[int, float, Float[np.ndarray, " 4"]]]:
    """Returns the twist joints of a bone, how far along it each is, and their turns in it."""
    nodes, bones = character.nodes, character.bones
    start, tip = (nodes.places[bones[name]] for name in (bone, end))
    way, found, mapped = tip - start, [], set(bones.values())
    turns = {bones[bone]: np.array([0.0, 0.0, 0.0, 1.0])}
    for node in nodes.order:
        above = nodes.parents[node]
        if above not in turns or node in mapped:
            continue
        turns[node] = np.asarray(rotations.multiply(turns[above], nodes.turns[node]))
        if _NAMES.search(nodes.names[node]):
            share = (nodes.places[node] - start) @ way / max(float(way @ way), 1e-12)
            found.append((node, float(np.clip(share, 0, 1)), turns[node]))
    return found


def _above(bone: str, deltas: Mapping[str, Float[np.ndarray, "T 4"]]) -> Float[np.ndarray, "T 4"]:
    """Returns the turn of the nearest bone above one that is turned."""
    parent = PARENTS[bone]
    while parent is not None and parent not in deltas:
        parent = PARENTS[parent]
    return deltas[parent or "hips"]


def _twist(
    above: Float[np.ndarray, "T 4"], below: Float[np.ndarray, "T 4"], axis: Float[np.ndarray, " 3"]
) -> Float[np.ndarray, " T"]:
    """Returns by which angle one turns in the other about an axis, without jumps."""
    between = np.asarray(rotations.multiply(rotations.conjugate(above), below))
    half = np.arctan2(between[:, :3] @ axis, between[:, 3])
    angles = np.unwrap(2 * half)
    return angles - 2 * np.pi * np.round(np.median(angles) / (2 * np.pi))


def _about(axis: Float[np.ndarray, " 3"], angle: Float[np.ndarray, " T"]) -> np.ndarray:
    half = angle[:, None] / 2
    return np.concatenate((np.sin(half) * axis, np.cos(half)), axis=1)

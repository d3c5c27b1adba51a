"""Motion of a person put onto a character's own skeleton.

A bone of the character turns in the world as the person's does, each from its own T-pose: with D
the person's rotation from the T-pose (`normalised.py`) and R the world rotation of the character's
node in its T-pose, the node's is D R. Bone by bone that is q' = L' W'⁻¹ N W' of VRM 1.0
(vrm-specification, VRMC_vrm_animation-1.0/how_to_transform_human_pose.md), for nodes between bones
and for bones that only one of the two has as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from llavataros_jax.motion import rotations
from llavataros_jax.motion.kinematics import forward
from llavataros_jax.rig.character import Character
from llavataros_jax.rig.character_pose import CharacterPose, character_pose
from llavataros_jax.rig.normalised import HumanoidMotion, bone_parents
from llavataros_jax.rig.planted_legs import plant_legs
from llavataros_jax.rig.relaxed_fingers import relaxed_fingers
from llavataros_jax.rig.twist_nodes import twist_nodes

_TRUNK = ("spine", "chest", "upperChest")
_NECK = ("neck", "head")
# A body whose hips are further than this share of their height from it is told from another zero.
_FAR_SHARE = 0.15


@dataclass(frozen=True, eq=False)
class NodeMotion:
    """Movement of the nodes of a character.

    Attributes:
        turns: For each node that turns, its unit quaternions in its parent, continuous in sign.
        held: For each node that is held otherwise than it rests, its unit quaternion.
        hips: The node of the hips.
        shifts: Its translations in its parent, in the parent's unit.
        fps: Frames per second.
        notes: What the user should know.
    """

    turns: dict[int, Float[np.ndarray, "T 4"]]
    held: dict[int, Float[np.ndarray, " 4"]]
    hips: int
    shifts: Float[np.ndarray, "T 3"]
    fps: float
    notes: tuple[str, ...]


def retarget(motion: HumanoidMotion, character: Character) -> NodeMotion:
    """Puts a motion onto a character.

    The character's bones point in the world where the motion's do, whatever pose it rests in; what
    the motion does not have stays as the file has it, but feet keep their place below hips that
    move, and fingers that rest flat are relaxed. The hips move by their way from their place
    at rest, longer or shorter as the character's hips are higher or lower.
    """
    pose = character_pose(character, motion)
    deltas = _spread(_deltas(motion), motion, character, pose)
    nodes = character.nodes
    back = rotations.conjugate(pose.facing)
    turned = {
        character.bones[bone]: rotations.multiply(delta, pose.turns[bone])
        for bone, delta in deltas.items()
    } | twist_nodes(deltas, character, pose)
    worlds = {node: np.asarray(rotations.multiply(back, world)) for node, world in turned.items()}
    hips, notes = _hips(motion, character, pose)
    if not _has_legs(motion):
        worlds |= plant_legs(worlds, hips, character, pose.facing)
    turns = {}
    for node in sorted(worlds, key=nodes.order.index):
        local = rotations.multiply(
            rotations.conjugate(_held(node, worlds, character)), worlds[node]
        )
        turns[node] = np.asarray(rotations.continuous(rotations.normalise(np.asarray(local))))
    has_fingers = any(bone.endswith("Proximal") for bone in motion.bones)
    return NodeMotion(
        turns,
        {} if has_fingers else relaxed_fingers(character, pose),
        character.bones["hips"],
        _in_parent(hips, character),
        motion.fps,
        (*pose.notes, *notes),
    )


def _deltas(motion: HumanoidMotion) -> dict[str, Float[np.ndarray, "T 4"]]:
    """Returns how each bone is turned from the T-pose, in the world's axes."""
    nowhere = np.zeros((len(motion.bones), 3))
    world = forward(motion.rotations, nowhere, motion.hips, bone_parents(motion.bones))[1]
    return {bone: np.asarray(world[:, place]) for place, bone in enumerate(motion.bones)}


def _spread(
    deltas: Mapping[str, Float[np.ndarray, "T 4"]],
    motion: HumanoidMotion,
    character: Character,
    pose: CharacterPose,
) -> dict[str, Float[np.ndarray, "T 4"]]:
    """Returns the turns of the character's bones: its own trunk bends as evenly as the motion's."""
    found = {bone: delta for bone, delta in deltas.items() if bone in character.bones}
    ours = dict(zip(motion.bones, motion.rest, strict=True))
    for chain, base in ((_TRUNK, "hips"), (_NECK, None)):
        theirs = [bone for bone in chain if bone in character.bones]
        known = [bone for bone in chain if bone in motion.bones]
        if not theirs or not known or theirs == known:
            continue
        if base is None:  # the neck hangs on the highest bone of the trunk
            base = next((bone for bone in reversed(_TRUNK) if bone in motion.bones), "hips")
            start = next((bone for bone in reversed(_TRUNK) if bone in character.bones), "hips")
        else:
            start = base
        marks = _shares([ours[bone] for bone in (base, *known)])
        wanted = _shares([pose.places[bone] for bone in (start, *theirs)])
        knots = [deltas[bone] for bone in (base, *known)]
        for bone, share in zip(theirs, wanted[1:], strict=True):
            found[bone] = _between(knots, marks, float(share))
    return found


def _shares(places: list[Float[np.ndarray, " 3"]]) -> Float[np.ndarray, " n"]:
    """Returns how far along a chain each of its joints is, from 0 to 1."""
    steps = np.linalg.norm(np.diff(places, axis=0), axis=1)
    if steps.min() <= 0:
        steps = np.ones(len(steps))
    return np.concatenate(([0.0], np.cumsum(steps) / steps.sum()))


def _between(
    knots: list[Float[np.ndarray, "T 4"]], marks: Float[np.ndarray, " n"], share: float
) -> Float[np.ndarray, "T 4"]:
    after = int(np.clip(np.searchsorted(marks, share - 1e-9), 1, len(marks) - 1))
    part = (share - marks[after - 1]) / (marks[after] - marks[after - 1])
    return np.asarray(rotations.slerp(knots[after - 1], knots[after], float(np.clip(part, 0, 1))))


def _held(
    node: int, worlds: Mapping[int, Float[np.ndarray, "T 4"]], character: Character
) -> Float[np.ndarray, "... 4"]:
    """Returns the world rotation of the node on which one hangs."""
    nodes = character.nodes
    above, between = nodes.parents[node], np.array([0.0, 0.0, 0.0, 1.0])
    while above >= 0 and above not in worlds:
        between = np.asarray(rotations.multiply(nodes.turns[above], between))
        above = nodes.parents[above]
    return between if above < 0 else np.asarray(rotations.multiply(worlds[above], between))


def _hips(
    motion: HumanoidMotion, character: Character, pose: CharacterPose
) -> tuple[Float[np.ndarray, "T 3"], list[str]]:
    """Returns places of the hips in the scene, and notes."""
    rest, notes = motion.rest[0].copy(), []
    usual = float(np.median(motion.hips[:, 1]))
    if not _has_legs(motion) and abs(usual - rest[1]) > _FAR_SHARE * rest[1]:
        notes.append(
            f"the motion's hips are {usual:.2f} m high where {rest[1]:.2f} m is expected, and no "
            "legs tell where its ground is; the character's move about their own height"
        )
        rest[1] = usual
    ratio = pose.hips_height / motion.rest[0, 1]
    way = rotations.rotate(rotations.conjugate(pose.facing), motion.hips - rest)
    return character.nodes.places[character.bones["hips"]] + ratio * np.asarray(way), notes


def _has_legs(motion: HumanoidMotion) -> bool:
    return any("UpperLeg" in bone for bone in motion.bones)


def _in_parent(hips: Float[np.ndarray, "T 3"], character: Character) -> Float[np.ndarray, "T 3"]:
    """Returns translations of the node of the hips from its places in the scene."""
    above = character.nodes.parents[character.bones["hips"]]
    if above < 0:
        return hips
    inverse = np.linalg.inv(character.nodes.worlds[above])
    return hips @ inverse[:3, :3].T + inverse[:3, 3]

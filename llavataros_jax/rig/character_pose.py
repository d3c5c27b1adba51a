"""The T-pose of a character, whatever pose its file has it in, and which way it faces."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from llavataros_jax.motion import rotations
from llavataros_jax.rig.bind_pose import degrees_apart
from llavataros_jax.rig.character import Character
from llavataros_jax.rig.humanoid import SIDES
from llavataros_jax.rig.normalised import HumanoidMotion, bone_parents
from llavataros_jax.rig.t_pose import t_pose

# Bones whose direction the motion's own T-pose decides, with the bone at their end.
_LIMBS = (
    *(("UpperArm", "LowerArm"), ("LowerArm", "Hand")),
    *(("UpperLeg", "LowerLeg"), ("LowerLeg", "Foot")),
)
# A lowest joint within these shares of the hips' height above it stands on the scene's ground.
_LOWEST_SHARE, _HIGHEST_SHARE = -0.06, 0.22
_APART_DEGREES = 2.0
_SHORTEST = 1e-6


@dataclass(frozen=True, eq=False)
class CharacterPose:
    """A character in the T-pose.

    Attributes:
        turns: World quaternion of each bone's node when the body faces +z.
        places: Where each bone is then, in the scene's unit.
        facing: The turn from the scene to a body that stands and faces +z.
        hips_height: How high the hips are above the ground, in the scene's unit.
        notes: What the user should know.
    """

    turns: dict[str, Float[np.ndarray, " 4"]]
    places: dict[str, Float[np.ndarray, " 3"]]
    facing: Float[np.ndarray, " 4"]
    hips_height: float
    notes: tuple[str, ...]


def character_pose(character: Character, motion: HumanoidMotion) -> CharacterPose:
    """Finds the T-pose of a character.

    The limbs point where those of the motion do in its own, so that both point alike afterwards.

    Args:
        character: Whose nodes stand anyhow.
        motion: What will be put onto it.
    """
    bones, notes = tuple(character.bones), []
    parents, slots = bone_parents(bones), {bone: slot for slot, bone in enumerate(bones)}
    places, turns = _start(character, notes)
    t_places, t_turns = t_pose(places, turns, parents, slots)
    facing = rotations.multiply(t_turns[0], rotations.conjugate(turns[0]))
    t_places, t_turns = _aligned(t_places, t_turns, parents, slots, motion)
    return CharacterPose(
        dict(zip(bones, t_turns, strict=True)),
        dict(zip(bones, t_places, strict=True)),
        np.asarray(facing),
        _hips_height(t_places, slots, motion),
        tuple(notes),
    )


def _start(
    character: Character, notes: list[str]
) -> tuple[Float[np.ndarray, "B 3"], Float[np.ndarray, "B 4"]]:
    """Returns places and turns of the bones as the file stands, or as the skin was bound.

    The one that is nearer to the T-pose: less has to be guessed about it.
    """
    nodes, chosen = character.nodes, list(character.bones.values())
    places, turns = nodes.placed(nodes.turns)
    poses = [(places[chosen], turns[chosen])]
    apart = degrees_apart(nodes.turns[chosen], character.bound_turns[chosen])
    if character.vrm is None and apart > _APART_DEGREES:
        places, turns = nodes.placed(character.bound_turns)
        poses.append((places[chosen], turns[chosen]))
        poses.sort(key=lambda pose: _arms_from_level(pose[0], tuple(character.bones)))
        notes.append(
            f"the character stands up to {apart:.0f} degrees from the pose in which its skin was "
            "bound; what the motion does not move stays as it stands"
        )
    return poses[0]


def _arms_from_level(places: Float[np.ndarray, "B 3"], bones: tuple[str, ...]) -> float:
    """Returns how far the upper arms point from each other's opposite, in radians."""
    ends = [
        places[bones.index(f"{side}LowerArm")] - places[bones.index(f"{side}UpperArm")]
        for side in SIDES
    ]
    left, right = (end / max(float(np.linalg.norm(end)), _SHORTEST) for end in ends)
    return float(np.arccos(np.clip(-left @ right, -1, 1)))


def _aligned(
    places: Float[np.ndarray, "B 3"],
    turns: Float[np.ndarray, "B 4"],
    parents: tuple[int, ...],
    slots: dict[str, int],
    motion: HumanoidMotion,
) -> tuple[Float[np.ndarray, "B 3"], Float[np.ndarray, "B 4"]]:
    """Turns the limbs by the little that they differ from those of the motion's T-pose."""
    rest = dict(zip(motion.bones, motion.rest, strict=True))
    places, turns = places.copy(), turns.copy()
    for side in SIDES:
        for start, end in _LIMBS:
            bone, tip = side + start, side + end
            if not {bone, tip} <= rest.keys() or not {bone, tip} <= slots.keys():
                continue
            ours, theirs = rest[tip] - rest[bone], places[slots[tip]] - places[slots[bone]]
            if min(np.linalg.norm(ours), np.linalg.norm(theirs)) < _SHORTEST:
                continue
            turn = Rotation.align_vectors([ours], [theirs])[0]
            below = [_is_below(slot, slots[bone], parents) for slot in range(len(parents))]
            pivot = places[slots[bone]].copy()
            places[below] = turn.apply(places[below] - pivot) + pivot
            turns[below] = (turn * Rotation.from_quat(turns[below])).as_quat()
    return places, turns


def _is_below(slot: int, other: int, parents: tuple[int, ...]) -> bool:
    while slot >= 0 and slot != other:
        slot = parents[slot]
    return slot == other


def _hips_height(
    places: Float[np.ndarray, "B 3"], slots: dict[str, int], motion: HumanoidMotion
) -> float:
    """Returns how high the hips are above the ground, by the legs or else by the trunk."""
    hips = float(places[slots["hips"], 1])
    legs = [slots[f"{side}{part}"] for side in SIDES for part in ("Foot", "Toes")
            if f"{side}{part}" in slots]  # fmt: skip
    if legs:
        lowest = float(places[legs, 1].min())
        height = hips - lowest
        stands = _LOWEST_SHARE * height <= lowest <= _HIGHEST_SHARE * height
        return hips if stands else height
    rest = dict(zip(motion.bones, motion.rest, strict=True))
    ours, theirs = (
        np.mean([where[f"{side}UpperArm"] for side in SIDES], axis=0) - where["hips"]
        for where in (rest, {bone: places[slot] for bone, slot in slots.items()})
    )
    return float(rest["hips"][1] * np.linalg.norm(theirs) / max(np.linalg.norm(ours), _SHORTEST))

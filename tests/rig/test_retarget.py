"""Bones point in the world as the speaker's do, on rigs whose T-pose is known by their making."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.skeleton import AVATAROS_9, Skeleton
from llavataros_jax.rig.normalised import humanoid_motion
from tests.rig import rig_edits, rigs
from tests.rig.motions import asymmetric_motion, spoken_motion, straight
from tests.rig.played import apart, put

RIGS = {
    "Mixamo in centimetres": rigs.Rig(armature_scale=0.01),
    "A-pose": rigs.Rig(lowered_degrees=45.0),
    "arms nearly hanging": rigs.Rig(lowered_degrees=80.0),
    "rolled bones": rigs.Rig(rolls=3),
    "rolled bones in an A-pose": rigs.Rig(rolls=4, lowered_degrees=50.0, armature_scale=0.01),
    "a child with long arms": rigs.Rig(hips=0.55, arms=1.5, rolls=5),
    "VRM 1.0": rigs.Rig(vrm=1, names=rigs.strange),
    "VRM 0.x": rigs.Rig(vrm=0, names=rigs.strange, turned_degrees=180.0),
    "Ready Player Me": rigs.Rig(names=rigs.ready_player_me, rolls=6),
    "Unreal": rigs.Rig(names=rigs.unreal, lowered_degrees=45.0, rolls=7, armature_scale=0.01),
    "z up in its armature": rigs.Rig(armature_turn=(-90.0, 0.0, 0.0), rolls=8),
    "facing a side": rigs.Rig(turned_degrees=90.0, rolls=9),
    "thumbs up at rest": rigs.Rig(palms_degrees=75.0, lowered_degrees=40.0, rolls=16),
    "a giant in centimetres": rigs.Rig(hips=100.0, rolls=17),
    "hips that hang on nothing": rigs.Rig(edit=rig_edits.without_armature, rolls=18),
    "nodes between bones": rigs.Rig(edit=rig_edits.with_helpers, lowered_degrees=45.0, rolls=19),
    "no hands, shoulders or neck": rigs.Rig(
        leave_out=(
            *("neck", "head", "leftShoulder", "rightShoulder"),
            *(f"{s}{b}Proximal" for s in ("left", "right") for b in ("Index", "Middle", "Little")),
        ),
        rolls=10,
    ),
    "a spine of one bone": rigs.Rig(leave_out=("chest", "upperChest"), rolls=11),
}
LIMBS = {
    "leftUpperArm": ("LeftArm", "LeftForeArm", "leftLowerArm"),
    "leftLowerArm": ("LeftForeArm", "LeftHand", "leftHand"),
    "rightUpperArm": ("RightArm", "RightForeArm", "rightLowerArm"),
    "rightLowerArm": ("RightForeArm", "RightHand", "rightHand"),
}


@pytest.fixture(scope="module")
def motion() -> Motion:
    """Every joint turned otherwise, then real speech."""
    frames = [asymmetric_motion().frames, spoken_motion(40).frames]
    return Motion(np.concatenate(frames), 30.0, AVATAROS_9)


def angle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Radians between vectors; exact for small ones."""
    a = a / np.linalg.norm(a, axis=-1, keepdims=True)
    b = b / np.linalg.norm(b, axis=-1, keepdims=True)
    return 2 * np.arcsin(np.clip(np.linalg.norm(a - b, axis=-1) / 2, 0, 1))


def joint(name: str) -> int:
    return AVATAROS_9.names.index(name)


def deltas(motion: Motion, name: str) -> Rotation:
    """How a joint is turned from the T-pose."""
    rest = Rotation.from_quat(AVATAROS_9.rest_rotations[joint(name)].copy())
    return Rotation.from_quat(motion.quaternions[:, joint(name)]) * rest.inv()


def rest_direction(name: str, end: str) -> np.ndarray:
    """Where a limb of the speaker points in the T-pose."""
    turn = Rotation.from_quat(AVATAROS_9.rest_rotations[joint(name)].copy())
    return turn.apply(AVATAROS_9.offsets[joint(end)].copy())


def turns(matrices: np.ndarray, scale: float) -> Rotation:
    return Rotation.from_matrix(matrices[..., :3, :3] / scale)


@pytest.mark.parametrize("kind", RIGS)
def test_bones_point_as_the_speakers_and_keep_their_twist(kind, tmp_path, motion) -> None:
    rig = RIGS[kind]
    bones, facing = put(motion, rig, tmp_path), rig.facing()
    for bone, (name, end, tip) in LIMBS.items():
        delta, direction = deltas(motion, name), rest_direction(name, end)
        pointing = bones[tip][:, :3, 3] - bones[bone][:, :3, 3]
        assert angle(pointing, facing.apply(delta.apply(direction))).max() < 1e-4
        # The whole rotation: what a limb that lies along the x axis would have, and the little by
        # which the speaker's own T-pose is not straight.
        sign = 1.0 if bone.startswith("left") else -1.0
        little = Rotation.align_vectors([direction], [[sign, 0.0, 0.0]])[0]
        expected = facing * delta * little * rig.t_turns()[bone]
        assert apart(bones[bone], expected, rig) < 1e-4
    top = next(bone for bone in ("upperChest", "chest", "spine") if bone in rig.bones)
    for bone, name in (("hips", "Hips"), (top, "Spine3")):
        expected = facing * deltas(motion, name) * rig.t_turns()[bone]
        assert apart(bones[bone], expected, rig) < 1e-4
    # The hips go the way of the speaker's, as much longer as they are higher.
    way = facing.apply(motion.positions[:, 0] - AVATAROS_9.offsets[0]) * rig.hips / 0.886
    places = bones["hips"][:, :3, 3]
    np.testing.assert_allclose(
        places, way + facing.apply([0.0, rig.hips, 0.0]), atol=1e-5 * rig.hips
    )


def test_the_formula_of_vrm(tmp_path, motion) -> None:
    """q' = L' W'⁻¹ N W' with L', W' of the character's T-pose and N of the person."""
    rig = rigs.Rig(leave_out=("upperChest",), rolls=12, lowered_degrees=45.0)
    motion = straight(motion)
    found, person = put(motion, rig, tmp_path), humanoid_motion(motion)
    turns = dict(zip(person.bones, np.moveaxis(person.rotations, 1, 0), strict=True))
    stand = rig.t_turns()
    for bone in ("spine", "chest", *LIMBS, "leftHand", "rightHand"):
        above = rig.parent(bone)
        assert above is not None
        local, world = stand[above].inv() * stand[bone], stand[bone]
        expected = local * world.inv() * Rotation.from_quat(turns[bone]) * world
        place = np.linalg.inv(found[above]) @ found[bone]
        between = Rotation.from_matrix(place[:, :3, :3]) * expected.inv()
        assert between.magnitude().max() < 1e-4, bone


def test_a_round_trip_keeps_every_turn(tmp_path, motion) -> None:
    rig = rigs.Rig(rolls=13, lowered_degrees=45.0, hips=0.7, leave_out=("upperChest",))
    motion = straight(motion)
    back = as_motion(put(motion, rig, tmp_path), rig)
    there, again = humanoid_motion(motion), humanoid_motion(back)
    for bone in there.bones:
        ours, theirs = (
            Rotation.from_quat(one.rotations[:, one.bones.index(bone)]) for one in (there, again)
        )
        assert (ours * theirs.inv()).magnitude().max() < 1e-4, bone
    np.testing.assert_allclose(again.hips, there.hips * 0.7 / 0.886, atol=1e-5)


def as_motion(bones: dict[str, np.ndarray], rig: rigs.Rig) -> Motion:
    """Returns what a character shows as the motion of a skeleton of its own, at its rest."""
    places, turns = rig.rest()
    names = tuple(rig.bones)
    parents = tuple(names.index(above) if (above := rig.parent(b)) else -1 for b in names)
    offsets = [
        turns[above].inv().apply(places[bone] - places[above]) if above else places[bone]
        for bone in names
        for above in [rig.parent(bone)]
    ]
    rest = Rotation.concatenate([turns[bone] for bone in names]).as_quat()
    matrices = np.stack([bones[bone] for bone in names], axis=1)
    quaternions = Rotation.from_matrix(matrices[..., :3, :3].reshape(-1, 3, 3)).as_quat()
    frames = np.concatenate(
        (matrices[..., :3, 3], quaternions.reshape(*matrices.shape[:2], 4)), axis=-1
    )
    return Motion(frames, 30.0, Skeleton(names, parents, np.array(offsets), rest))

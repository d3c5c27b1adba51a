"""Rotations from the T-pose, against SciPy and the definition of three-vrm."""

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from llavataros_jax.errors import UserError
from llavataros_jax.motion.bvh import read_bvh
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.skeleton import AVATAROS_9, Skeleton
from llavataros_jax.motion.smplx import SMPLX_UPPER_BODY
from llavataros_jax.rig.normalised import Humanoid, humanoid_motion
from llavataros_jax.rig.t_pose import rest_pose, t_pose
from tests.rig.people import posed, uneven_motion, whole_body

UNEVEN = {
    "hips": Rotation.from_euler("XYZ", (10, 20, 5), degrees=True),
    "spine": Rotation.from_euler("XYZ", (5, -15, 4), degrees=True),
    "leftUpperArm": Rotation.from_euler("XYZ", (30, 10, -50), degrees=True),
    "leftLowerArm": Rotation.from_euler("XYZ", (70, -40, 3), degrees=True),
    "leftHand": Rotation.from_euler("XYZ", (-25, 5, 12), degrees=True),
    "rightUpperArm": Rotation.from_euler("XYZ", (-8, 0, 62), degrees=True),
    "rightLowerArm": Rotation.from_euler("XYZ", (0, 30, 0), degrees=True),
}


def turned(skeleton: Skeleton, world: Rotation) -> Motion:
    """Returns one frame in which the joints have these world rotations."""
    quaternions, offsets = world.as_quat(), skeleton.offsets
    places = np.array(offsets)
    for joint, parent in enumerate(skeleton.parents):
        if parent >= 0:
            places[joint] = places[parent] + world[parent].apply(offsets[joint].copy())
    return Motion(np.concatenate((places, quaternions), axis=-1)[None], 30.0, skeleton)


def in_pose(skeleton: Skeleton, of_t_pose: Rotation, turns: dict[str, Rotation]) -> Motion:
    """Returns the frame in which bones are turned from the T-pose of axes `of_t_pose`."""
    world = []
    for name, parent in zip(skeleton.names, skeleton.parents, strict=True):
        above = world[parent] if parent >= 0 else Rotation.identity()
        world.append(above * turns.get(name, Rotation.identity()))
    return turned(skeleton, Rotation.concatenate(world) * of_t_pose)


def test_the_definition_of_three_vrm() -> None:
    """N = W L⁻¹ q W⁻¹ with L, W the rest rotations in the parent's frame and in the world."""
    motion = uneven_motion()
    found = humanoid_motion(motion)
    humanoid = Humanoid(AVATAROS_9)
    world = [Rotation.from_quat(q) for q in AVATAROS_9.rest_rotations.tolist()]
    for bone, joint in enumerate(humanoid.joints):
        parent = AVATAROS_9.parents[joint]
        q = Rotation.from_quat(motion.local_quaternions()[:, joint])
        local = world[joint] if parent < 0 else world[parent].inv() * world[joint]
        wanted = world[joint] * local.inv() * q * world[joint].inv()
        difference = (Rotation.from_quat(found.rotations[:, bone]) * wanted.inv()).magnitude()
        assert difference.max() < 1e-9, found.bones[bone]
    assert np.array_equal(found.hips, motion.positions[:, 0])
    np.testing.assert_allclose(found.rest[0], [0.0, 0.886, 0.0])


def test_places_come_back() -> None:
    motion = uneven_motion()
    humanoid = Humanoid(AVATAROS_9)
    back = humanoid_motion(motion).to_motion()
    np.testing.assert_allclose(back.positions, motion.positions[:, humanoid.joints], atol=1e-12)


def test_frames_told_one_by_one_are_those_of_the_whole() -> None:
    motion = uneven_motion(SMPLX_UPPER_BODY)
    whole = humanoid_motion(motion)
    humanoid = Humanoid(SMPLX_UPPER_BODY)
    assert humanoid.bones == whole.bones
    for frame in range(motion.num_frames):
        rotations, hips = humanoid(motion.frames[frame : frame + 1])
        assert (rotations[..., 3] >= 0).all()
        same = Rotation.from_quat(rotations[0]) * Rotation.from_quat(whole.rotations[frame]).inv()
        assert same.magnitude().max() < 1e-12
        assert np.array_equal(hips[0], whole.hips[frame])
    dots = (whole.rotations[1:] * whole.rotations[:-1]).sum(-1)
    assert (dots > 0).all()


DOWN = Rotation.from_euler("z", -90, degrees=True)
A_POSE = {
    "leftUpperArm": Rotation.from_euler("z", -45, degrees=True),
    "rightUpperArm": Rotation.from_euler("z", 45, degrees=True),
    "leftLowerArm": Rotation.from_euler("y", -12, degrees=True),
}
RESTS = {
    "T-pose": {},
    "A-pose": A_POSE,
    "arms down": {"leftUpperArm": DOWN, "rightUpperArm": DOWN.inv()},
    "arms down and legs apart": {
        "leftUpperArm": DOWN,
        "rightUpperArm": DOWN.inv(),
        "leftUpperLeg": Rotation.from_euler("z", 20, degrees=True),
        "rightUpperLeg": Rotation.from_euler("z", -20, degrees=True),
    },
    "facing back": {"hips": Rotation.from_euler("y", 180, degrees=True)},
    "lying, z up, facing -y": {"hips": Rotation.from_euler("x", 90, degrees=True)},
    "A-pose, z up, facing x": {
        **A_POSE,
        "hips": Rotation.from_euler("ZX", (90, 90), degrees=True),
    },
}


@pytest.mark.parametrize("rest", RESTS)
@pytest.mark.parametrize("rolled", [False, True])
def test_any_rest_pose_gives_the_same_rotations(rest: str, rolled: bool) -> None:
    names, _, places = whole_body()
    rolls = Rotation.random(len(names), rng=np.random.default_rng(1)) if rolled else None
    skeleton = posed(RESTS[rest], rolls)
    humanoid = Humanoid(skeleton)
    np.testing.assert_allclose(humanoid.rest[:, 1], places[list(humanoid.joints), 1], atol=1e-9)
    np.testing.assert_allclose(
        humanoid.rest - humanoid.rest[0], (places - places[0])[list(humanoid.joints)], atol=1e-9
    )
    axes = rolls or Rotation.identity(len(names))
    motion = in_pose(skeleton, axes, UNEVEN)
    found = dict(zip(humanoid.bones, humanoid(motion.frames)[0][0], strict=True))
    for bone, rotation in found.items():
        wanted = UNEVEN.get(bone, Rotation.identity())
        difference = (Rotation.from_quat(rotation) * wanted.inv()).magnitude()
        assert difference < 1e-8, (bone, np.degrees(difference))


def test_palms_that_face_forward_are_turned_down() -> None:
    forward = Rotation.from_euler("x", -90, degrees=True)
    skeleton = posed({"leftLowerArm": forward, "rightLowerArm": forward})
    places, _ = rest_pose(skeleton)
    names = skeleton.names
    across = places[names.index("leftIndexProximal")] - places[names.index("leftLittleProximal")]
    assert across[1] > 0.06  # the thumb is up
    humanoid = Humanoid(skeleton)
    bones = humanoid.bones
    straight = humanoid.rest[bones.index("leftIndexProximal")]
    straight = straight - humanoid.rest[bones.index("leftLittleProximal")]
    np.testing.assert_allclose(straight, [0.01, 0.0, 0.07], atol=1e-9)


def test_a_nearly_straight_t_pose_is_left_alone() -> None:
    slight = {"leftUpperArm": Rotation.from_euler("z", -4, degrees=True)}
    places, world = rest_pose(posed(slight))
    names, parents, _ = whole_body()
    found = {name: joint for joint, name in enumerate(names)}
    straight, turns = t_pose(places, world, parents, found)
    assert np.array_equal(straight, places)
    np.testing.assert_allclose(turns, world)


def test_hips_stand_on_legs_wherever_the_root_rests() -> None:
    skeleton = posed({})
    for height, expected in ((0.0, 0.88), (0.9, 0.9), (50.0, 0.88)):
        offsets = skeleton.offsets.copy()
        offsets[0] = [3.0, height, -2.0]
        rest = Humanoid(dataclasses.replace(skeleton, offsets=offsets)).rest
        np.testing.assert_allclose(rest[0], [0.0, expected, 0.0], atol=1e-9)


def test_hips_without_legs_get_a_usual_height() -> None:
    offsets = np.array(AVATAROS_9.offsets)
    offsets[0] = 0.0
    rest = Humanoid(dataclasses.replace(AVATAROS_9, offsets=offsets)).rest
    assert rest[0][1] == pytest.approx(0.52 * 0.53 / 0.288, abs=0.01)


def test_what_is_missing_is_named() -> None:
    names = tuple(name.replace("Hand", "Hook") for name in AVATAROS_9.names)
    skeleton = dataclasses.replace(AVATAROS_9, names=names)
    with pytest.raises(UserError, match=r"talk\.npy has no joint .* leftHand, rightHand, but Hips"):
        humanoid_motion(uneven_motion(skeleton), place="talk.npy")


@pytest.mark.parametrize("name", ["067_Speech_2_x_1_0.bvh", "gac_sample1.bvh"])
def test_real_skeletons_keep_the_places_of_their_arms(real, name: str) -> None:
    motion = read_bvh(real(f"bvh/{name}")).cut(0, 300)
    humanoid = Humanoid(motion.skeleton)
    found = humanoid_motion(motion)
    assert {"upperChest", "head", "leftFoot", "rightLittleDistal"} <= set(found.bones)
    back, chosen = found.to_motion(), list(humanoid.joints)
    # GENEA's forearms bend at a joint of their own before the wrist.
    for bone, metres in (("LowerArm", 1e-3), ("Hand", 1e-3 if "067" in name else 0.05)):
        start, end = (found.bones.index(f"left{part}") for part in ("UpperArm", bone))
        ours = back.positions[:, end] - back.positions[:, start]
        theirs = motion.positions[:, chosen[end]] - motion.positions[:, chosen[start]]
        assert np.abs(ours - theirs).max() < metres

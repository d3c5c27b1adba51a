import warnings

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.motion.rest_pose import rest_difference, with_rest_pose_of
from llavataros_jax.motion.skeleton import AVATAROS_9, Skeleton

NAMES = ("Hips", "Spine", "Head", "LeftArm", "LeftForeArm", "LeftHand", "LeftThumb", "LeftIndex")
PARENTS = (-1, 0, 1, 1, 3, 4, 5, 5)
T_POSE = np.array(
    [
        *([0, 0.95, 0], [0, 0.25, 0], [0, 0.35, 0], [0.18, 0.2, 0], [0.28, 0, 0], [0.25, 0, 0]),
        *([0.05, 0, 0.05], [0.1, 0, 0.02]),
    ]
)


def lowered(degrees: float) -> Skeleton:
    """Returns the skeleton with the arm, as a whole, at `degrees` below the horizon."""
    offsets = T_POSE.copy()
    offsets[4:] = Rotation.from_euler("z", -degrees, degrees=True).apply(offsets[4:])
    tips = {5: [offsets[5] / 2], 2: [np.array([0, 0.2, 0])]}
    return Skeleton(NAMES, PARENTS, offsets, end_sites=tips)


def moving(skeleton: Skeleton, world: np.ndarray) -> Motion:
    """Returns the motion of a skeleton whose joints have these (T, J) turns in the world."""
    turns = [Rotation.from_quat(world[:, joint]) for joint in range(skeleton.num_joints)]
    local = [
        turns[joint] if parent < 0 else turns[parent].inv() * turns[joint]
        for joint, parent in enumerate(skeleton.parents)
    ]
    quaternions = np.stack([turn.as_quat() for turn in local], axis=1)
    root = np.tile([0, 0.95, 0], (len(world), 1))
    return motion_from_local(quaternions, skeleton.offsets, root, fps=30, skeleton=skeleton)


@pytest.mark.parametrize("degrees", [30, 45, 80, 180])
def test_the_same_postures_have_the_same_turns_again(degrees):
    generator = np.random.default_rng(4)
    world = Rotation.from_rotvec(generator.normal(0, 0.5, (160, 3))).as_quat().reshape(20, 8, 4)
    plain = moving(lowered(0), world)
    # From the arm down, joints must turn back up first to be in the same posture.
    up = Rotation.from_euler("z", degrees, degrees=True)
    other = world.copy()
    for joint in range(3, 8):
        other[:, joint] = (Rotation.from_quat(world[:, joint]) * up).as_quat()
    strange = moving(lowered(degrees), other)
    np.testing.assert_allclose(strange.positions, plain.positions, atol=1e-12)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = with_rest_pose_of(strange, plain.skeleton)
    np.testing.assert_allclose(again.positions, strange.positions, atol=1e-12)
    np.testing.assert_allclose(again.skeleton.offsets, T_POSE, atol=1e-12)
    np.testing.assert_allclose(again.skeleton.end_sites[5], plain.skeleton.end_sites[5], atol=1e-9)
    if degrees < 180:  # then any axis would do
        np.testing.assert_allclose(
            np.abs(np.sum(again.quaternions * plain.quaternions, axis=-1)), 1, atol=1e-9
        )


def test_bones_keep_their_lengths():
    longer = Skeleton(NAMES, PARENTS, 1.2 * lowered(45).offsets)
    world = np.tile([0.0, 0, 0, 1], (3, 8, 1))
    told = with_rest_pose_of(moving(longer, world), lowered(0))
    np.testing.assert_allclose(told.skeleton.offsets, 1.2 * T_POSE, atol=1e-12)
    np.testing.assert_allclose(told.local_offsets()[:, 1:], [1.2 * T_POSE[1:]] * 3, atol=1e-12)


def test_the_difference_is_that_of_the_bone_that_differs_most():
    degrees, joint = rest_difference(lowered(45), lowered(0))
    assert degrees == pytest.approx(45)
    assert joint in NAMES[4:]
    assert rest_difference(lowered(0), Skeleton(NAMES, PARENTS, 1.3 * T_POSE))[0] < 1e-5
    assert rest_difference(AVATAROS_9, AVATAROS_9)[0] == 0


def test_what_is_the_same_stays(dance):
    told = with_rest_pose_of(dance, AVATAROS_9)
    np.testing.assert_allclose(told.frames, dance.frames, atol=1e-12)
    assert told.skeleton.names == dance.skeleton.names

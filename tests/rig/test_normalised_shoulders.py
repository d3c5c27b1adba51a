"""Shoulders that shrug, by collar bones."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.motion.npy import read_npy
from llavataros_jax.motion.skeleton import AVATAROS_9
from llavataros_jax.rig.normalised import Humanoid, humanoid_motion
from llavataros_jax.rig.shoulders import shrugging_motion
from tests.rig.people import posed, uneven_motion


def shrug() -> Motion:
    """Uneven motion in which the left arm hangs on a collar bone that turns, 11 cm from its end."""
    motion = uneven_motion()
    offsets = np.array(motion.local_offsets())
    base = np.array([0.25 * 0.131 + 0.002, 0.1125, 0.0155])  # where the left collar bone begins
    turns = Rotation.from_rotvec(np.radians(np.linspace(0, 30, 12))[:, None] * [0.0, 0.0, 1.0])
    offsets[:, 6] = base + turns.apply(np.array(AVATAROS_9.offsets[6]) - base)
    local, root = motion.local_quaternions(), motion.positions[:, 0]
    return motion_from_local(local, offsets, root, fps=30, skeleton=AVATAROS_9)


def test_arms_are_where_they_were() -> None:
    motion = shrug()
    told = shrugging_motion(motion)
    humanoid = Humanoid(AVATAROS_9)
    moved = told.to_motion()
    stiff = humanoid_motion(motion).to_motion()
    for slot, (bone, joint) in enumerate(zip(humanoid.bones, humanoid.joints, strict=True)):
        number = told.bones.index(bone)
        away = np.abs(moved.positions[:, number] - motion.positions[:, joint]).max()
        assert away < 1e-3, bone
        turned = Rotation.from_quat(moved.quaternions[:, number])
        same = turned * Rotation.from_quat(stiff.quaternions[:, slot]).inv()
        assert same.magnitude().max() < 1e-9, bone  # nothing else is turned
    hand = stiff.positions[-1, humanoid.bones.index("leftHand")]
    assert np.linalg.norm(hand - motion.positions[-1, 8]) > 0.04
    collar = Rotation.from_quat(told.rotations[:, told.bones.index("leftShoulder")])
    np.testing.assert_allclose(np.degrees(collar.magnitude()), np.linspace(0, 30, 12), atol=0.3)


def test_arms_that_hang_firm_have_no_shoulders_added() -> None:
    assert "leftShoulder" not in shrugging_motion(uneven_motion()).bones
    whole = uneven_motion(posed({}))
    told, plain = shrugging_motion(whole), humanoid_motion(whole)
    assert np.array_equal(told.rotations, plain.rotations)


def test_real_hands_come_nearer(real) -> None:
    motion = read_npy(real("avataros/001_Neutral_0_x_1_0.npy"), fps=60).cut(0, 1200)
    away = []
    for told in (humanoid_motion(motion), shrugging_motion(motion)):
        hand = told.to_motion().positions[:, told.bones.index("leftHand")]
        away.append(np.linalg.norm(hand - motion.positions[:, 8], axis=1).mean())
    assert away[1] < 0.6 * away[0]
    assert away[1] == pytest.approx(0.003, abs=0.002)

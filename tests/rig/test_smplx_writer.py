"""SMPL-X and SMPL-H files: read by our own reader, and equal to BEAT2's own numbers."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from llavataros_jax.motion.smplx import SMPLX_UPPER_BODY, read_smplx, read_smplx_body
from llavataros_jax.rig.normalised import humanoid_motion
from llavataros_jax.rig.smplx_writer import JOINTS, write_smplx
from tests.rig.people import posed, uneven_motion


@pytest.mark.parametrize(("model", "joints"), [("smplx", 55), ("smplh", 52)])
def test_the_layout_of_amass_and_beat2(tmp_path: Path, model: str, joints: int) -> None:
    write_smplx(tmp_path / "a.npz", humanoid_motion(uneven_motion()), model=model)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        assert file["poses"].shape == (12, 3 * joints)
        assert file["poses"].dtype == np.float32
        assert file["trans"].shape == (12, 3)
        assert str(file["gender"]) == "neutral"
        assert float(file["mocap_frame_rate"]) == 30
        assert not file["betas"].any()
        legs = file["poses"].reshape(12, joints, 3)[:, [1, 2, 4, 5, 7, 8]]
        assert not legs.any()


def test_the_order_of_joints() -> None:
    """As in vchoutas/smplx: pelvis, legs and trunk by turns, then jaw and eyes, then fingers."""
    names = JOINTS["smplx"]
    assert len(set(names)) == 55
    places = {"spine": 3, "chest": 6, "upperChest": 9, "neck": 12, "leftShoulder": 13, "head": 15}
    places |= {"leftUpperArm": 16, "rightUpperArm": 17, "leftHand": 20, "rightHand": 21, "jaw": 22}
    places |= {"leftIndexProximal": 25, "leftLittleProximal": 31, "rightThumbDistal": 54}
    assert {name: names.index(name) for name in places} == places
    assert JOINTS["smplh"][22] == "leftIndexProximal"


def test_our_reader_reads_the_same_motion(tmp_path: Path) -> None:
    motion = uneven_motion(SMPLX_UPPER_BODY)
    write_smplx(tmp_path / "a.npz", humanoid_motion(motion))
    back, notes = read_smplx_body(tmp_path / "a.npz")
    assert notes == ()
    np.testing.assert_allclose(back.positions, motion.positions, atol=1e-5)
    turned = Rotation.from_quat(back.quaternions.reshape(-1, 4))
    wanted = Rotation.from_quat(motion.quaternions.reshape(-1, 4))
    assert (turned * wanted.inv()).magnitude().max() < 1e-5


def test_another_skeleton_turns_alike(tmp_path: Path) -> None:
    """AvatarOS has no collar bones, neck or head; what it has is turned in the world as it was."""
    motion = humanoid_motion(uneven_motion())
    write_smplx(tmp_path / "a.npz", motion)
    back = humanoid_motion(read_smplx(tmp_path / "a.npz"))
    ours, theirs = motion.to_motion(), back.to_motion()
    for slot, bone in enumerate(motion.bones):
        turned = Rotation.from_quat(theirs.quaternions[:, back.bones.index(bone)])
        wanted = Rotation.from_quat(ours.quaternions[:, slot])
        assert (turned * wanted.inv()).magnitude().max() < 1e-5, bone


def test_fingers_and_legs_are_written(tmp_path: Path) -> None:
    motion = humanoid_motion(uneven_motion(posed({})))
    write_smplx(tmp_path / "a.npz", motion)
    with np.load(tmp_path / "a.npz") as file:
        poses = file["poses"].reshape(12, 55, 3)
    for bone in ("rightFoot", "leftLittleProximal", "neck"):
        wanted = Rotation.from_quat(motion.rotations[:, motion.bones.index(bone)])
        found = Rotation.from_rotvec(poses[:, JOINTS["smplx"].index(bone)])
        assert (found * wanted.inv()).magnitude().max() < 1e-6


def test_beat2s_own_numbers_come_back(tmp_path: Path, real) -> None:
    path = real("beat2/2_scott_0_1_1.npz")
    write_smplx(tmp_path / "a.npz", humanoid_motion(read_smplx(path)))
    with np.load(path) as theirs, np.load(tmp_path / "a.npz") as ours:
        assert set(theirs.files) == set(ours.files)
        np.testing.assert_allclose(ours["trans"], theirs["trans"], atol=1e-6)
        shape = (len(theirs["poses"]), 55, 3)
        rows = [0, 3, 6, 9, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21]
        found, wanted = (file["poses"].reshape(shape)[:, rows] for file in (ours, theirs))
        for file in (theirs, ours):
            assert file["betas"].shape == (300,)
            assert file["expressions"].shape == (shape[0], 100)
    difference = Rotation.from_rotvec(found.reshape(-1, 3).astype(float))
    difference *= Rotation.from_rotvec(wanted.reshape(-1, 3).astype(float)).inv()
    assert difference.magnitude().max() < 1e-5

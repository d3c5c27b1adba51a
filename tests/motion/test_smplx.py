from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from llavataros_jax.errors import UserError
from llavataros_jax.motion.smplx import SMPLX_UPPER_BODY, is_smplx, read_smplx

BEAT2 = Path(__file__).parents[2] / ".." / "shared" / "data" / "beat2" / "2_scott_0_1_1.npz"
# The kinematic tree as the model publishes it, root first: parent of each of the 22 body joints.
TREE = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)
LEFT_WRIST, RIGHT_WRIST, HEAD = 20, 21, 15


def make_file(path, *, frames=5, **changes):
    generator = np.random.default_rng(3)
    arrays = {
        "poses": generator.normal(0, 0.5, (frames, 165)).astype(np.float32),
        "trans": generator.normal(0, 0.1, (frames, 3)) + np.array([0, 1.25, 0]),
        "mocap_frame_rate": np.array(30),
        "model": np.array("smplx2020"),
    }
    arrays = {key: value for key, value in (arrays | changes).items() if value is not None}
    np.savez(path, **arrays)
    return arrays


def chain(joint):
    return [*chain(TREE[joint]), joint] if joint >= 0 else []


@pytest.mark.parametrize(
    ("name", "row"), [("left_wrist", LEFT_WRIST), ("right_wrist", RIGHT_WRIST), ("head", HEAD)]
)
def test_rotations_are_the_chain_of_the_file(tmp_path, name, row):
    poses = make_file(tmp_path / "a.npz")["poses"].reshape(5, -1, 3)
    motion = read_smplx(tmp_path / "a.npz")
    joint = motion.skeleton.names.index(name)
    for frame in range(5):
        turn, place = Rotation.identity(), motion.positions[frame, 0]
        for link in chain(row):
            step = motion.skeleton.offsets[motion.skeleton.names.index(_name(link))]
            place = place + (turn.apply(step.copy()) if link else 0)
            turn = turn * Rotation.from_rotvec(poses[frame, link])
        np.testing.assert_allclose(motion.positions[frame, joint], place, atol=1e-6)
        found = Rotation.from_quat(motion.quaternions[frame, joint])
        assert (found.inv() * turn).magnitude() < 1e-6


def _name(row):
    order = "pelvis . . spine1 . . spine2 . . spine3 . . neck left_collar right_collar head "
    order += "left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist"
    return order.split()[row]


def test_the_neutral_body_has_published_proportions():
    skeleton = SMPLX_UPPER_BODY
    places = np.zeros((skeleton.num_joints, 3))
    for joint, parent in enumerate(skeleton.parents):
        places[joint] = skeleton.offsets[joint] + (places[parent] if parent >= 0 else 0)
    heights = dict(zip(skeleton.names, places[:, 1] / 1.70, strict=True))
    assert heights["pelvis"] == pytest.approx(0.530)
    assert heights["left_shoulder"] == heights["right_wrist"] == pytest.approx(0.818)
    left, right = (places[skeleton.names.index(f"{side}_shoulder")] for side in ("left", "right"))
    assert (left - right)[0] == pytest.approx(0.258 * 1.70)
    assert len(skeleton.left_right_pairs) == 4


@pytest.mark.skipif(not BEAT2.is_file(), reason="the BEAT2 recording is not here")
def test_a_real_recording():
    motion = read_smplx(BEAT2)
    assert (motion.num_frames, motion.fps) == (1906, 30.0)
    assert is_smplx(BEAT2)
    poses = np.load(BEAT2)["poses"].reshape(1906, -1, 3)
    local = motion.local_quaternions()[:, motion.skeleton.names.index("left_elbow")]
    error = Rotation.from_quat(local).inv() * Rotation.from_rotvec(poses[:, 18])
    assert error.magnitude().max() < 1e-6
    heights = motion.positions[..., 1].mean(0)
    assert 0.85 < heights[0] < 1.0  # a standing man's hips
    head, wrist = (heights[motion.skeleton.names.index(n)] for n in ("head", "left_wrist"))
    assert head > 1.3 > wrist  # he stands upright and his hands hang or gesture below the head


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"trans": None}, "has no trans, only"),
        ({"mocap_frame_rate": None}, "has no mocap_frame_rate"),
        ({"poses": np.zeros((5, 60))}, r"poses of shape \(5, 60\)"),
        ({"poses": np.zeros((0, 165))}, r"poses of shape \(0, 165\)"),
        ({"trans": np.zeros((4, 3))}, r"trans of shape \(4, 3\) for 5 frames"),
        ({"trans": np.full((5, 3), np.nan)}, "NaN or infinity in 5 frames, first at frame 0"),
        ({"mocap_frame_rate": np.array(0)}, "positive frame rate"),
        ({"poses": np.array([{}])}, "cannot be read as SMPL-X"),
    ],
)
def test_bad_files_are_refused(tmp_path, changes, cause):
    make_file(tmp_path / "a.npz", **changes)
    with pytest.raises(UserError, match=cause) as refusal:
        read_smplx(tmp_path / "a.npz")
    assert "a.npz" in str(refusal.value)


def test_what_is_no_smplx_is_told(tmp_path):
    np.savez(tmp_path / "m.npz", motion=np.zeros(3))
    (tmp_path / "b.npz").write_bytes(b"broken")
    assert not any(is_smplx(tmp_path / name) for name in ("m.npz", "b.npz", "none.npz"))
    with pytest.raises(UserError, match="cannot be read"):
        read_smplx(tmp_path / "b.npz")
    with pytest.raises(UserError, match="does not exist"):
        read_smplx(tmp_path / "none.npz")


def test_turns_near_nothing_are_exact(tmp_path):
    poses = np.zeros((2, 165))
    poses[1, 3 * 18] = 1e-9
    make_file(tmp_path / "a.npz", poses=poses, trans=np.zeros((2, 3)))
    local = read_smplx(tmp_path / "a.npz").local_quaternions()[1, 8]
    np.testing.assert_allclose(local, [5e-10, 0, 0, 1], atol=1e-15)

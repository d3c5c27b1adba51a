from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from llavataros_jax.errors import UserError
from llavataros_jax.motion.smplx import SMPLX_UPPER_BODY, read_smplx, read_smplx_body
from llavataros_jax.motion.smplx_arrays import is_smplx

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
        ({"poses": None}, "has no poses, only"),
        ({"mocap_frame_rate": None}, r"does not say its rate .*source_fps"),
        ({"poses": np.zeros((5, 60))}, r"poses of shape \(5, 60\)"),
        ({"poses": np.zeros((0, 165))}, r"poses of shape \(0, 165\)"),
        ({"trans": np.zeros((4, 3))}, r"trans of shape \(4, 3\) for 5 frames"),
        ({"poses": np.zeros((5, 132))}, r"poses of shape \(5, 132\).*convert quaternions and 6D"),
        ({"poses": np.zeros((5, 22, 4))}, r"poses of shape \(5, 22, 4\)"),
        ({"poses": np.zeros((5, 22, 3, 3))}, "no rotation matrices"),
        ({"poses": np.float64(1)}, r"poses of shape \(\)"),
        ({"mocap_frame_rate": np.array(np.nan)}, "positive frame rate"),
        ({"mocap_frame_rate": np.array(-30)}, "positive frame rate"),
        ({"mocap_frame_rate": np.zeros(0)}, r"mocap_frame_rate of shape \(0,\)"),
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


def spelt(path, frames, **arrays):
    np.savez(path, mocap_frame_rate=30, trans=np.zeros((frames, 3)), **arrays)
    return read_smplx(path).frames


@pytest.mark.parametrize("prefix", ["", "smplh:", "smpl_params/"])
def test_every_spelling_is_the_same_motion(tmp_path, prefix):
    vectors = np.random.default_rng(5).normal(0, 0.5, (4, 55, 3))
    root, body = vectors[:, 0], vectors[:, 1:22]
    matrices = Rotation.from_rotvec(vectors.reshape(-1, 3)).as_matrix().reshape(4, 55, 3, 3)
    others = [
        {"poses": vectors},
        *({"poses": vectors[:, :joints].reshape(4, -1)} for joints in (22, 24, 52, 55)),
        {"fullpose": vectors.reshape(4, 165)},
        {"pose": vectors[None, :, :24].reshape(1, 4, 72)},
        {"root_orient": root, "pose_body": body.reshape(4, 63), "pose_hand": np.zeros((4, 90))},
        {"global_orient": root, "body_pose": body},
        {"global_orient": root[:, None], "body_pose": vectors[:, 1:24].reshape(4, 69)},
        {"global_orient": root[None], "body_pose": body[None]},
        {"global_orient": matrices[:, :1], "body_pose": matrices[:, 1:24]},
        {"global_orient": matrices[:, 0], "body_pose": matrices[:, 1:22]},
        {"root_orient": root, "poses": body.reshape(4, 63)},
    ]
    expected = spelt(tmp_path / "a.npz", 4, poses=vectors.reshape(4, 165))
    for arrays in others:
        arrays = {prefix + key: value for key, value in arrays.items()}
        frames = spelt(tmp_path / "b.npz", 4, **arrays)
        assert is_smplx(tmp_path / "b.npz")
        np.testing.assert_allclose(frames, expected, atol=1e-12, err_msg=str(list(arrays)))


def test_one_frame_is_no_batch(tmp_path):
    poses = np.random.default_rng(5).normal(0, 0.5, (1, 55, 3))
    frames = spelt(tmp_path / "a.npz", 1, poses=poses)
    flat = spelt(tmp_path / "b.npz", 1, poses=poses.reshape(1, 165))
    np.testing.assert_array_equal(frames, flat)


def test_what_is_missing_is_said(tmp_path):
    make_file(tmp_path / "a.npz", trans=None, mocap_frame_rate=None, frames=60)
    motion, notes = read_smplx_body(tmp_path / "a.npz", audio_seconds=2.0)
    assert motion.fps == 30
    np.testing.assert_allclose(motion.positions[:, 0], np.tile([0, -0.35, 0], (60, 1)))
    assert [note.split(",")[0] for note in notes] == [
        "it has no trans",
        "it does not say its rate; by its sound it has 30 frames per second",
    ]
    assert read_smplx(tmp_path / "a.npz", fps=59.94, audio_seconds=2.0).fps == 59.94
    np.savez(tmp_path / "b.npz", pose_body=np.zeros((60, 63)), trans=np.zeros((60, 3)), fps=30)
    assert "lack the turn of the whole body" in read_smplx_body(tmp_path / "b.npz")[1][0]


def test_places_of_aist_are_scaled(tmp_path):
    poses, places = np.zeros((3, 72)), np.arange(9.0).reshape(3, 3)
    arrays = {"smpl_poses": poses, "smpl_trans": 94 * places, "smpl_scaling": np.array([94.0])}
    np.savez(tmp_path / "a.npz", fps=60, **arrays)
    positions = read_smplx(tmp_path / "a.npz").positions[:, 0]
    np.testing.assert_allclose(positions, places - [0, 0.35, 0], atol=1e-12)


def test_real_spellings_are_read(recording):
    for name in ("s4_amassx", "s6_3d"):
        path = recording(f"cases/{name}.npz")
        assert is_smplx(path)
        assert (read_smplx(path).num_frames, read_smplx(path).fps) == (60, 30)

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from llavataros_jax.errors import UserError
from llavataros_jax.motion.bvh import read_bvh
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.mirror import mirror
from llavataros_jax.motion.npy import read_npy


def largest_angle(a: np.ndarray, b: np.ndarray) -> float:
    a, b = (Rotation.from_quat(np.reshape(q, (-1, 4))) for q in (a, b))
    return float((a.inv() * b).magnitude().max())


@pytest.fixture
def codec(dance) -> PoseCodec:
    """Two speakers: one dances, the other is the first one's mirror image."""
    measured = PoseCodec.measure([(dance, 0), (mirror(dance), 1)], 2)
    return measured.fit([measured.encode(dance), measured.encode(mirror(dance))])


def test_flexible_joints_are_those_that_slide(codec) -> None:
    assert codec.flexible_joints == (1, 3, 6)
    assert codec.pose_size == 3 + 6 * 9 + 3 * 3


def test_pose_holds_root_then_sixd_then_offsets(dance, codec) -> None:
    pose = codec.encode(dance)
    assert pose.dtype == np.float32
    np.testing.assert_allclose(pose[:, :3], dance.positions[:, 0], atol=1e-7)
    for joint, parent in ((0, None), (4, 3), (8, 7)):
        local = Rotation.from_quat(dance.quaternions[:, joint])
        if parent is not None:
            local = Rotation.from_quat(dance.quaternions[:, parent]).inv() * local
        columns = local.as_matrix()[:, :, :2].swapaxes(1, 2).reshape(-1, 6)
        np.testing.assert_allclose(pose[:, 3 + 6 * joint : 9 + 6 * joint], columns, atol=1e-6)
    np.testing.assert_allclose(
        pose[:, 57:], dance.local_offsets()[:, [1, 3, 6]].reshape(-1, 9), atol=1e-7
    )


def test_round_trip(dance, codec) -> None:
    for speaker, motion in enumerate((dance, mirror(dance))):
        pose = codec.denormalise(codec.normalise(codec.encode(motion)))
        again = codec.decode(pose, motion.fps, speaker)
        assert np.abs(again.positions - motion.positions).max() < 1e-6
        assert largest_angle(again.quaternions, motion.quaternions) < 2e-6
        assert (again.fps, again.num_frames) == (60, 90)


@pytest.mark.parametrize("name", ["001_Neutral_0_x_1_0", "001_Neutral_0_mirror_x_1_0"])
def test_round_trip_of_real_avataros_motion(recording, name) -> None:
    motion = read_npy(recording(f"avataros/{name}.npy"), fps=60)
    codec = PoseCodec.measure([(motion, 0)], 1)
    assert [codec.skeleton.names[j] for j in codec.flexible_joints] == [
        "Spine2",
        "RightArm",
        "LeftArm",
    ]
    codec = codec.fit([codec.encode(motion)])
    pose = codec.denormalise(codec.normalise(codec.encode(motion)))
    again = codec.decode(pose, 60)
    assert np.abs(again.positions - motion.positions).max() < 1e-6
    assert largest_angle(again.quaternions, motion.quaternions) < 1e-6
    # Without the offsets of flexible joints it is wrong by centimetres.
    stiff = PoseCodec.measure([(motion, 0)], 1, flexible_joints=())
    wrong = np.abs(stiff.decode(stiff.encode(motion), 60).positions - motion.positions).max()
    assert 0.01 < wrong < 0.04


def test_round_trip_of_real_bvh_motion(recording) -> None:
    motion = read_bvh(recording("bvh/067_Speech_2_x_1_0.bvh")).cut(0, 300)
    codec = PoseCodec.measure([(motion, 0)], 1)
    assert codec.flexible_joints == ()
    assert codec.pose_size == 3 + 6 * 75
    again = codec.decode(codec.encode(motion), 30)
    assert np.abs(again.positions - motion.positions).max() < 1e-6


def test_bones_cannot_stretch_whatever_the_network_says(codec) -> None:
    pose = codec.denormalise(np.random.default_rng(0).normal(size=(40, codec.pose_size)) * 3)
    motion = codec.decode(pose.astype(np.float32), 30, 0)
    for joint, parent in ((2, 1), (4, 3), (5, 4), (7, 6), (8, 7)):
        lengths = np.linalg.norm(motion.positions[:, joint] - motion.positions[:, parent], axis=-1)
        expected = np.linalg.norm(codec.rest_offsets[0, joint])
        np.testing.assert_allclose(lengths, expected, atol=1e-12)


def test_each_speaker_has_their_own_bones(dance, codec) -> None:
    lengths = np.linalg.norm(codec.rest_offsets, axis=-1)
    np.testing.assert_allclose(lengths[0, [4, 7]], lengths[1, [7, 4]], atol=1e-12)
    assert lengths[0, 4] - lengths[0, 7] > 0.005
    silent = PoseCodec.measure([(dance, 1)], 3)
    np.testing.assert_allclose(silent.rest_offsets[0], silent.rest_offsets[1])
    np.testing.assert_allclose(silent.rest_offsets[2], silent.rest_offsets[1])


def test_statistics_are_those_of_all_frames_at_once(codec) -> None:
    random = np.random.default_rng(0)
    clips = [random.normal(5, 2, size=(count, codec.pose_size)) for count in (1, 30, 7, 200)]
    for clip in clips:
        clip[:, 4] = 0.25
        clip[:, 5] = 0.25 + 1e-5 * clip[:, 5]
    fitted = codec.fit(iter(clips))
    everything = np.concatenate(clips)
    np.testing.assert_allclose(fitted.mean, everything.mean(axis=0), rtol=1e-6)
    deviation = everything.std(axis=0)
    deviation[4:6] = 1e-4  # the floor
    np.testing.assert_allclose(fitted.std, deviation, rtol=1e-6)
    assert np.flatnonzero(fitted.constant).tolist() == [4]
    assert (fitted.normalise(everything)[:, 4] == 0).all()
    assert (fitted.denormalise(np.full((2, codec.pose_size), 9.0))[:, 4] == 0.25).all()


@pytest.mark.slow
def test_joint_positions_are_those_of_the_motion_under_jit(dance, codec) -> None:
    pose = np.stack((codec.encode(dance)[:20], codec.encode(mirror(dance))[:20]))
    speaker = jnp.array([[0], [1]])
    found = jax.jit(codec.joint_positions)(jnp.asarray(pose), speaker)
    expected = np.stack((dance.positions[:20], mirror(dance).positions[:20]))
    np.testing.assert_allclose(found, expected, atol=3e-6)
    standing = codec.joint_positions(jnp.asarray(pose), speaker, root_at_origin=True)
    np.testing.assert_allclose(standing, expected - expected[:, :, :1], atol=3e-6)
    np.testing.assert_allclose(
        codec.joint_positions(pose, np.array([[0], [1]])), expected, atol=3e-6
    )


@pytest.mark.slow
def test_joints_of_several_streams_are_the_decoded_ones_with_signs_that_go_on(dance, codec) -> None:
    motions = (dance, mirror(dance))
    poses = np.stack([codec.encode(motion) for motion in motions], axis=1)
    expected = np.stack([codec.decode(poses[:, k], 60, k).frames for k in range(2)], axis=1)
    before, found = None, []
    for frame in poses:
        before = codec.joints(frame, np.arange(2), before=before)
        found.append(before)
    assert found[0].dtype == np.float32
    turns = np.sign((np.array(found)[0, ..., 3:] * expected[0, ..., 3:]).sum(axis=-1))
    expected[..., 3:] *= turns[None, ..., None]
    np.testing.assert_allclose(np.array(found), expected, atol=1e-6)
    np.testing.assert_allclose(
        np.abs(codec.joints(poses[:, 1], 1)), np.abs(expected[:, 1]), atol=1e-6
    )


def test_gradient_reaches_every_part_of_the_pose(dance, codec) -> None:
    pose = jnp.asarray(codec.normalise(codec.encode(dance)[:2]))

    def reach(pose):
        return (codec.joint_positions(codec.denormalise(pose), jnp.array([0])) ** 2).sum()

    slope = jax.jit(jax.grad(reach))(pose)
    assert jnp.isfinite(slope).all()
    # The last joints of a chain turn no other joint, so their own rotation moves nothing.
    moves = np.setdiff1d(np.arange(codec.pose_size), np.r_[33:39, 51:57])
    assert (jnp.abs(slope[:, moves]).max(axis=0) > 0).all()
    # A network that starts at zero must not start with NaN.
    zero = jax.grad(lambda p: codec.joint_positions(p, jnp.array(0)).sum())(
        jnp.zeros(codec.pose_size)
    )
    assert jnp.isfinite(zero).all()


def test_json_keeps_a_codec_exactly(dance, codec) -> None:
    again = PoseCodec.from_dict(json.loads(json.dumps(codec.to_dict())))
    assert again.to_dict() == codec.to_dict()
    for name in ("rest_offsets", "mean", "std", "constant"):
        before, after = getattr(codec, name), getattr(again, name)
        assert before.dtype == after.dtype
        np.testing.assert_array_equal(before, after)
    assert again.skeleton == codec.skeleton
    np.testing.assert_array_equal(again.encode(dance), codec.encode(dance))


def test_flexible_joints_can_be_named(dance) -> None:
    codec = PoseCodec.measure([(dance, 0)], 1, flexible_joints=("LeftArm", "Spine2"))
    assert codec.flexible_joints == (1, 6)
    with pytest.raises(UserError, match=r"'Tail'.*Hips"):
        PoseCodec.measure([(dance, 0)], 1, flexible_joints=("Tail",))


def test_refusals(dance, codec) -> None:
    with pytest.raises(UserError, match="no motion"):
        PoseCodec.measure([], 1)
    with pytest.raises(UserError, match="no frames"):
        codec.fit([])
    with pytest.raises(UserError, match=r"\(4, 65\).*66"):
        codec.decode(np.zeros((4, 65)), 30)
    with pytest.raises(UserError, match="speaker 2"):
        codec.decode(np.zeros((4, 66)), 30, 2)
    with pytest.raises(UserError, match="NaN"):
        codec.decode(np.full((4, 66), np.nan), 30)


def test_the_scaler_standardises_or_brings_to_the_unit_interval(dance):
    measured = PoseCodec.measure([(dance, 0)], 1)
    pose = measured.encode(dance)
    parts = [pose[:7], pose[7:]]
    standard, minmax = (measured.fit(parts, scaler=kind) for kind in ("standard", "minmax"))
    moves = ~standard.constant
    np.testing.assert_array_equal(moves, ~minmax.constant)
    np.testing.assert_allclose(standard.mean, pose.mean(0), atol=1e-5)
    scaled = standard.normalise(pose)[:, moves & (pose.std(0) > 1e-3)]
    np.testing.assert_allclose(scaled.std(0), 1, rtol=1e-3)
    scaled = minmax.normalise(pose)[:, moves & (pose.std(0) > 1e-3)]
    np.testing.assert_allclose(scaled.min(0), -1, atol=1e-3)
    np.testing.assert_allclose(scaled.max(0), 1, atol=1e-3)
    for codec in (standard, minmax):
        np.testing.assert_allclose(codec.denormalise(codec.normalise(pose)), pose, atol=1e-4)

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from llavataros_jax.errors import UserError
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.skeleton import AVATAROS_9


def test_local_frames_are_scipys(dance) -> None:
    world = [Rotation.from_quat(dance.quaternions[:, joint]) for joint in range(9)]
    for joint, parent in enumerate(AVATAROS_9.parents[1:], start=1):
        local = (world[parent].inv() * world[joint]).as_matrix()
        np.testing.assert_allclose(dance.local_rotations()[:, joint], local, atol=1e-13)
        step = dance.positions[:, joint] - dance.positions[:, parent]
        offset = world[parent].inv().apply(step)
        np.testing.assert_allclose(dance.local_offsets()[:, joint], offset, atol=1e-13)
    np.testing.assert_allclose(dance.local_rotations()[:, 0], world[0].as_matrix(), atol=1e-13)
    turned = Rotation.from_quat(dance.local_quaternions().reshape(-1, 4)).as_matrix()
    np.testing.assert_allclose(turned, dance.local_rotations().reshape(-1, 3, 3), atol=1e-13)


def test_quaternions_become_unit_and_continuous(dance) -> None:
    flips = np.where(np.random.default_rng(0).random((dance.num_frames, 9, 1)) < 0.5, -1, 1)
    frames = np.concatenate((dance.positions, dance.quaternions * flips * 1.005), axis=-1)
    motion = Motion(frames, 60, AVATAROS_9)
    np.testing.assert_allclose(np.linalg.norm(motion.quaternions, axis=-1), 1, atol=1e-14)
    assert (np.sum(motion.quaternions[1:] * motion.quaternions[:-1], axis=-1) >= 0).all()


def test_frames_cannot_be_changed_from_outside(dance) -> None:
    frames = dance.frames.copy()
    motion = Motion(frames, 60, AVATAROS_9)
    frames[:] = 0
    assert motion.frames.any()
    with pytest.raises(ValueError, match="read-only"):
        motion.frames[0] = 0


def test_cut_keeps_every_bit(dance) -> None:
    part = dance.cut(10, 40)
    np.testing.assert_array_equal(part.frames, dance.frames[10:40])
    assert part.seconds == 0.5
    assert dance.seconds == 1.5
    for wrong in ((-1, 5), (5, 5), (0, 91)):
        with pytest.raises(UserError, match="90 frames"):
            dance.cut(*wrong)


def test_other_axes_of_the_rest_pose_move_no_joint(dance) -> None:
    plain = dance.with_rest(np.tile([0.0, 0, 0, 1], (9, 1)))
    np.testing.assert_array_equal(plain.positions, dance.positions)
    rest = Rotation.from_quat(AVATAROS_9.rest_rotations)
    for joint, parent in enumerate(AVATAROS_9.parents):
        expected = Rotation.from_quat(dance.quaternions[:, joint]) * rest[joint].inv()
        found = Rotation.from_quat(plain.quaternions[:, joint])
        assert (expected.inv() * found).magnitude().max() < 1e-14
        if joint:
            bone = rest[parent].apply(AVATAROS_9.offsets[joint].copy())
            np.testing.assert_allclose(plain.skeleton.offsets[joint], bone, atol=1e-14)
    back = plain.with_rest(AVATAROS_9.rest_rotations)
    np.testing.assert_allclose(back.frames, dance.frames, atol=1e-14)
    np.testing.assert_allclose(back.skeleton.offsets, AVATAROS_9.offsets, atol=1e-14)
    np.testing.assert_allclose(back.skeleton.end_sites[5], AVATAROS_9.end_sites[5], atol=1e-14)


def _with(frames: np.ndarray, index, value) -> np.ndarray:
    frames = frames.copy()
    frames[index] = value
    return frames


@pytest.mark.parametrize(
    ("change", "fps", "message"),
    [
        (lambda f: f[:, :8], 60, r"\(90, 8, 7\).*\(frames, 9, 7\)"),
        (lambda f: f[..., :6], 60, r"\(90, 9, 6\)"),
        (lambda f: f[:0], 60, r"\(0, 9, 7\)"),
        (lambda f: f[0], 60, r"\(9, 7\)"),
        (lambda f: _with(f, (7, 3, 2), np.nan), 60, "frame 7, joint RightArm"),
        (lambda f: _with(f, (8, 0, 6), np.inf), 60, "frame 8, joint Hips"),
        (lambda f: _with(f, (5, 4, slice(3, 7)), 0), 60, "length 0 at frame 5, joint RightForeArm"),
        (lambda f: 1.1 * f, 60, "length 1.1"),
        (lambda f: f, 0, "positive frame rate"),
        (lambda f: f, np.nan, "positive frame rate"),
    ],
)
def test_what_is_no_motion_is_refused(unchecked, dance, change, fps, message) -> None:
    with pytest.raises(UserError, match=message):
        Motion(change(dance.frames), fps, AVATAROS_9)


def test_real_recording_is_continuous(recording) -> None:
    raw = np.load(recording("avataros/001_Neutral_0_x_1_0.npy"))
    assert (np.sum(raw[1:, :, 3:] * raw[:-1, :, 3:], axis=-1) < 0).sum() > 10  # the file is not
    motion = Motion(raw, 60, AVATAROS_9)
    assert (np.sum(motion.quaternions[1:] * motion.quaternions[:-1], axis=-1) > 0.9).all()
    rigid = [2, 4, 5, 7, 8]
    strays = np.abs(motion.local_offsets() - AVATAROS_9.offsets)[:, rigid].max()
    assert strays < 3e-7

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from llavataros_jax.errors import UserError
from llavataros_jax.motion.npy import read_npy
from llavataros_jax.motion.resampling import find_fps, resample
from llavataros_jax.motion.skeleton import AVATAROS_9


def test_whole_ratios_pick_frames(dance) -> None:
    half = resample(dance, 30)
    np.testing.assert_array_equal(half.frames, dance.frames[::2])
    assert half.fps == 30
    np.testing.assert_array_equal(resample(dance, 60).frames, dance.frames)
    np.testing.assert_array_equal(resample(dance, 20).frames, dance.frames[::3])


@pytest.mark.parametrize("fps", [120, 50, 25, 72.5, 24, 29.97])
def test_in_between_it_is_scipys_slerp(dance, fps) -> None:
    resampled = resample(dance, fps)
    assert resampled.num_frames == round(1.5 * fps)
    times = np.minimum(np.arange(resampled.num_frames) / fps, 89 / 60)
    local = resampled.local_rotations()
    for joint in range(9):
        known = Rotation.from_matrix(dance.local_rotations()[:, joint])
        expected = Slerp(np.arange(90) / 60, known)(times).as_matrix()
        np.testing.assert_allclose(local[:, joint], expected, atol=1e-12)
    for axis in range(3):
        expected = np.interp(times, np.arange(90) / 60, dance.positions[:, 0, axis])
        np.testing.assert_allclose(resampled.positions[:, 0, axis], expected, atol=1e-12)


def test_up_and_down_again_gives_the_same_frames(dance) -> None:
    again = resample(resample(dance, 180), 60)
    np.testing.assert_allclose(again.frames, dance.frames, atol=1e-12)


def test_bones_keep_their_lengths(dance) -> None:
    offsets = resample(resample(dance, 10), 60).local_offsets()
    rigid = [2, 4, 5, 7, 8]
    expected = np.broadcast_to(AVATAROS_9.offsets[rigid], (len(offsets), 5, 3))
    np.testing.assert_allclose(offsets[:, rigid], expected, atol=1e-12)


def test_one_frame_is_enough(dance) -> None:
    for fps in (7, 30, 60, 1000):
        assert resample(dance.cut(0, 1), fps).num_frames == max(1, round(fps / 60))


def test_impossible_rate_is_refused(dance) -> None:
    for fps in (0, -30, np.nan):
        with pytest.raises(UserError, match="positive"):
            resample(dance, fps)


def test_real_motion_loses_little_at_half_the_rate(recording) -> None:
    motion = read_npy(recording("avataros/001_Neutral_0_x_1_0.npy"), fps=60).cut(0, 1201)
    again = resample(resample(motion, 30), 60)
    error = np.abs(again.positions[:1200] - motion.positions[:1200])
    assert error.max() < 0.01
    assert error.mean() < 2e-4


@pytest.mark.parametrize(
    ("frames", "seconds", "fps"),
    [
        *((7286, 121.43333, 60), (7076, 117.93333, 60), (2065, 68.8333, 30), (900, 36.0, 25)),
        *((900, 37.5, 24), (900, 37.2, 24), (900, 30.2, 30), (12, 0.1, 120), (62, 2.0, 30)),
        (900, 30.03, 30),
    ],
)
def test_rate_is_found_from_the_length_of_speech(frames, seconds, fps) -> None:
    assert find_fps(frames, seconds) == fps


@pytest.mark.parametrize(
    ("frames", "seconds"), [(900, 20.5), (900, 60.0), (5000, 10.0), (900, 33.0)]
)
def test_lengths_that_fit_no_rate_are_refused(frames, seconds) -> None:
    with pytest.raises(UserError, match=rf"{frames} frames and speech of {seconds:.3f} seconds"):
        find_fps(frames, seconds)


def test_empty_speech_has_no_rate() -> None:
    with pytest.raises(UserError, match="too short"):
        find_fps(900, 0.0)

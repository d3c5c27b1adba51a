import numpy as np
import pytest
from scipy.signal import savgol_coeffs
from scipy.spatial.transform import Rotation

from llavataros_jax.motion.motion import motion_from_local
from llavataros_jax.motion.skeleton import AVATAROS_9
from llavataros_jax.motion.smoothing import smooth, smooth_values, window_frames


@pytest.mark.parametrize(
    ("fps", "window"), [(30, 9), (60, 17), (24, 7), (120, 33), (15, 5), (5, 3)]
)
def test_window_spans_the_same_time_at_every_rate(fps, window) -> None:
    assert window_frames(fps) == window


def test_values_are_filtered_along_time() -> None:
    values = np.random.default_rng(0).normal(size=(50, 2, 3))
    smoothed = smooth_values(values, 30)
    kernel = savgol_coeffs(9, 2)
    expected = np.apply_along_axis(lambda row: np.convolve(row, kernel, "valid"), 0, values)
    np.testing.assert_allclose(smoothed[4:-4], expected, atol=1e-12)
    # At the ends the parabola of the first nine frames goes on.
    start = np.polyval(np.polyfit(np.arange(9), values[:9, 0, 0], 2), np.arange(4))
    np.testing.assert_allclose(smoothed[:4, 0, 0], start, atol=1e-12)


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 8])
def test_short_motion_takes_a_smaller_window(dance, frames) -> None:
    motion = dance.cut(0, frames)
    smoothed = smooth(motion)
    assert smoothed.num_frames == frames
    if frames < 5:
        np.testing.assert_allclose(smoothed.frames, motion.frames, atol=1e-12)


def test_jitter_goes_and_movement_stays(dance) -> None:
    jitter = Rotation.from_rotvec(np.random.default_rng(1).normal(0, 0.02, (90 * 9, 3)))
    local = Rotation.from_quat(dance.local_quaternions().reshape(-1, 4))
    shaken = motion_from_local(
        (local * jitter).as_quat().reshape(90, 9, 4),
        dance.local_offsets(),
        dance.positions[:, 0],
        fps=60,
        skeleton=AVATAROS_9,
    )
    smoothed = smooth(shaken)

    def jerk(motion) -> float:
        return float(np.abs(np.diff(motion.positions, n=3, axis=0)).mean())

    assert jerk(smoothed) < 0.25 * jerk(shaken)
    before = np.abs(shaken.positions - dance.positions).mean()
    assert np.abs(smoothed.positions - smooth(dance).positions).mean() < 0.6 * before
    rigid = [2, 4, 5, 7, 8]
    bones = np.broadcast_to(AVATAROS_9.offsets[rigid], (90, 5, 3))
    np.testing.assert_allclose(smoothed.local_offsets()[:, rigid], bones, atol=1e-12)

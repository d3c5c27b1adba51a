import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import savgol_coeffs, savgol_filter
from scipy.spatial.transform import Rotation

from llavataros_jax.errors import UserError
from llavataros_jax.motion.motion import motion_from_local
from llavataros_jax.motion.skeleton import AVATAROS_9
from llavataros_jax.motion.smoothing import (
    causal_kernels,
    causal_smooth,
    final_kernels,
    finish_smoothing,
    half_window,
    reset_smoothing,
    smooth,
    smooth_recording,
    smooth_values,
    start_smoothing,
    window_frames,
)


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


def live(values: np.ndarray, cuts: list[int], *, delay: int) -> np.ndarray:
    kernels = causal_kernels(30, delay)
    carry = start_smoothing(len(values), values.shape[-1], window=len(kernels))
    smoothed, start = [], 0
    for count in cuts:
        part, carry = causal_smooth(carry, values[:, start : start + count], kernels=kernels)
        smoothed.append(part)
        start += count
    return np.concatenate(smoothed, axis=1)


@pytest.mark.parametrize("delay", [0, 2, 4])
def test_live_smoothing_is_the_filter_at_its_delay(delay) -> None:
    values = np.random.default_rng(0).normal(size=(1, 20, 2)).astype(np.float32)
    smoothed = live(values, [1, 1, 7, 11], delay=delay)
    kernel = savgol_coeffs(9, 2, pos=8 - delay)
    for k in range(2):
        expected = np.convolve(values[0, :, k], kernel, "valid")
        np.testing.assert_allclose(smoothed[0, 8:, k], expected, atol=1e-5)
    # A young stream is fitted by what it has: here five frames, a parabola.
    fitted = np.polyval(np.polyfit(np.arange(5), values[0, :5, 0], 2), max(4 - delay, 0))
    np.testing.assert_allclose(smoothed[0, 4, 0], fitted, atol=1e-5)


def test_half_a_window_of_delay_is_the_offline_filter() -> None:
    values = np.random.default_rng(1).normal(size=(1, 30, 3)).astype(np.float32)
    smoothed = live(values, [30], delay=4)
    np.testing.assert_allclose(smoothed[0, 8:], smooth_values(values[0], 30)[4:-4], atol=1e-5)


@pytest.mark.slow
def test_lanes_wait_and_start_anew_on_their_own() -> None:
    values = np.random.default_rng(2).normal(size=(1, 14, 1)).astype(np.float32)
    kernels = causal_kernels(30, 2)
    expected = live(values, [14], delay=2)[0]
    carry = start_smoothing(2, 1, window=9)
    _, carry = causal_smooth(carry, np.repeat(values[:, ::-1][:, :6], 2, 0), kernels=kernels)
    carry = reset_smoothing(carry, jnp.ones(2, bool))
    arrived, poses = np.zeros(2, int), [[], []]
    for brought in ((2, 0), (0, 3), (3, 3), (3, 1), (1, 3), (3, 3), (2, 1)):
        mask = np.arange(3) < np.array(brought)[:, None]
        rows = np.minimum(arrived[:, None] + np.arange(3), 13)
        smoothed, carry = causal_smooth(
            carry, np.where(mask[..., None], values[0][rows], 99), kernels=kernels, frame_mask=mask
        )
        for lane in range(2):
            poses[lane] += list(np.asarray(smoothed)[lane, : brought[lane]])
        arrived += brought
    for lane in range(2):
        np.testing.assert_allclose(poses[lane], expected[: arrived[lane]], atol=1e-5)


@pytest.mark.parametrize("delay", [0, 2, 4, 5])
@pytest.mark.slow
def test_what_the_delay_holds_back_is_the_end_of_the_offline_motion(delay) -> None:
    lengths = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12])
    values = np.random.default_rng(3).normal(size=(len(lengths), 12, 2)).astype(np.float32)
    state = start_smoothing(len(lengths), 2, window=9)
    _, state = causal_smooth(
        state, values, kernels=causal_kernels(30, delay),
        frame_mask=np.arange(12) < lengths[:, None],
    )  # fmt: skip
    finished = finish_smoothing(state, kernels=final_kernels(30, delay))
    assert finished.shape == (len(lengths), delay, 2)
    for lane, length in enumerate(lengths):
        count = min(delay, length)
        np.testing.assert_array_equal(finished[lane, : delay - count], 0)
        if count:
            expected = smooth_values(values[lane, :length].astype(np.float64), 30)
            np.testing.assert_allclose(
                finished[lane, delay - count :], expected[-count:], atol=1e-5
            )


def test_a_delay_beyond_the_window_is_refused() -> None:
    with pytest.raises(UserError, match="outside the smoothing window of 9 frames"):
        causal_kernels(30, 9)


@pytest.mark.parametrize("window", [1, 3, 9, 15])
def test_a_recording_is_smoothed_as_a_stream_from_its_first_frame_to_its_last(window) -> None:
    """Streams of all lengths run as lanes side by side."""
    delay, lengths = half_window(30, window), np.array([*range(1, 20), 25])
    values = np.random.default_rng(5).normal(size=(len(lengths), 25, 2)).astype(np.float32)
    state = start_smoothing(len(lengths), 2, window=window)
    found, state = causal_smooth(
        state, values, kernels=causal_kernels(30, delay, window),
        frame_mask=np.arange(25) < lengths[:, None],
    )  # fmt: skip
    last = finish_smoothing(state, kernels=final_kernels(30, delay, window))
    for lane, length in enumerate(lengths):
        stream = np.concatenate([found[lane, :length], last[lane]])[delay:]
        whole = smooth_recording(values[lane, :length].astype(np.float64), 30, window)
        np.testing.assert_allclose(whole, stream, atol=1e-5)


@pytest.mark.parametrize("window", [9, 15])
def test_a_recording_is_smoothed_as_scipy_does_but_for_its_first_half_window(window) -> None:
    values = np.random.default_rng(6).normal(size=(60, 3))
    found, expected = smooth_recording(values, 30, window), savgol_filter(values, window, 2, axis=0)
    half = window // 2
    np.testing.assert_array_equal(found[half:], expected[half:])
    for frame in range(half):
        parabola = np.polyfit(np.arange(frame + half + 1), values[: frame + half + 1], 2)
        np.testing.assert_allclose(found[frame], np.polyval(parabola, frame), atol=1e-6)


def test_a_longer_window_is_scipys():
    values = np.random.default_rng(0).standard_normal((100, 3))
    np.testing.assert_array_equal(
        smooth_values(values, 30, 15), savgol_filter(values, 15, 2, axis=0)
    )
    assert window_frames(60, 15) == 29


@pytest.mark.parametrize("window", [5, 13])
def test_a_live_filter_of_another_window_is_the_offline_one_half_a_window_later(window) -> None:
    delay = half_window(30, window)
    values = np.random.default_rng(4).normal(size=(1, 40, 2)).astype(np.float32)
    state = start_smoothing(1, 2, window=window)
    kernels = causal_kernels(30, delay, window)
    found, state = causal_smooth(state, values, kernels=kernels)
    last = finish_smoothing(state, kernels=final_kernels(30, delay, window))
    found = np.concatenate([found[0, 2 * delay :], last[0]])
    expected = smooth_values(values[0].astype(np.float64), 30, window)
    np.testing.assert_allclose(found, expected[delay:], atol=1e-5)

"""The dial of size against SciPy's filters, on bundled motion, and call by call."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter

from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.enlargement import (
    enlarge,
    enlarge_recording,
    reset_enlarging,
    start_enlarging,
)
from llavataros_jax.motion.npy import read_npy

CORPUS = Path(__file__).parents[2] / "corpus"
FPS, HANDS = 30, [5, 8]


def slow_course(values: np.ndarray, fps: float) -> np.ndarray:
    """Returns the mean by SciPy's recursive filter: who moves by 0.02 a second counts for half."""
    speeds = np.linalg.norm(np.diff(values, axis=0, prepend=values[:1]), ord=4, axis=1) * fps
    shares = 1 / (1 + np.sqrt(speeds / 0.02))
    poles = [1, -np.exp(-1 / fps)]
    total = np.asarray(lfilter([1], poles, shares[:, None] * values, axis=0))
    return total / np.asarray(lfilter([1], poles, shares))[:, None]


@pytest.mark.parametrize("fps", [30, 60])
def test_movements_grow_about_the_mean_of_where_they_were_slow(fps) -> None:
    """Longer than a block."""
    values = np.random.default_rng(0).normal(size=(1100, 3)).cumsum(axis=0) / 30
    slow = slow_course(values, fps)
    for size in (0.0, 0.7, 1.5):
        expected = slow + size * (values - slow)
        np.testing.assert_allclose(enlarge_recording(values, size, fps=fps), expected, atol=1e-5)
    assert enlarge_recording(values, 1, fps=fps) is values


def test_who_rests_goes_on_resting_and_a_stroke_comes_back_to_where_it_began() -> None:
    seconds = np.arange(300) / FPS
    stroke = np.where((seconds > 3) & (seconds < 4), np.sin(np.pi * (seconds - 3)) ** 2, 0)
    values = np.stack((np.full(300, 0.3), stroke), axis=1)
    larger = enlarge_recording(values, 1.5, fps=FPS)
    np.testing.assert_allclose(larger[:, 0], 0.3, atol=1e-6)
    np.testing.assert_array_equal(larger[:90, 1], 0)  # nothing comes before the stroke
    assert 1.4 < larger[:, 1].max() < 1.5
    # About the Gaussian mean of a second it went to 1.39, and came back 0.08 below its rest.
    assert -0.06 < larger[:, 1].min() < 0
    np.testing.assert_allclose(larger[-60:, 1], 0, atol=0.005)


def test_bundled_motion_grows_as_about_a_mean_that_sees_what_comes() -> None:
    """About a Gaussian mean, which no live stream has: hands as fast, that rest nearer."""
    speeds, astray = [], []
    for name in ("ada_1", "ben_2", "talk_2_ada", "talk_3_ben"):
        motion = read_npy(CORPUS / f"{name}.npz")
        codec = PoseCodec.measure([(motion, 0)], 1)
        poses = np.asarray(codec.encode(motion), np.float64)
        slow = gaussian_filter1d(poses, FPS, axis=0, mode="nearest")
        ways = (poses, enlarge_recording(poses, 1.5, fps=FPS), slow + 1.5 * (poses - slow))
        plain, ours, theirs = (codec.decode(way, FPS).positions[:, HANDS] for way in ways)
        speed, *larger = (
            np.linalg.norm(np.diff(places, axis=0), axis=2).mean(axis=1)
            for places in (plain, ours, theirs)
        )
        assert np.corrcoef(*larger)[0, 1] > 0.98
        speeds.append([x.mean() for x in larger])
        smooth = gaussian_filter1d(speed, 8)
        still = smooth < np.quantile(smooth, 0.3)
        astray.append([np.linalg.norm(x - plain, axis=2)[1:][still].mean() for x in (ours, theirs)])
    assert np.divide(*np.mean(speeds, axis=0)) == pytest.approx(1, abs=0.06)
    assert np.divide(*np.mean(astray, axis=0)) < 0.95


def test_a_stream_of_any_cut_is_the_recording_and_holes_hold_nothing() -> None:
    values = np.random.default_rng(1).normal(size=(2, 40, 3)).astype(np.float32)
    sizes = np.array([1.4, 0.5], np.float32)
    expected = np.stack([enlarge_recording(values[k], sizes[k].item(), fps=FPS) for k in range(2)])
    call = jax.jit(enlarge, static_argnames="fps")
    rng, came, found = np.random.default_rng(2), np.zeros(2, int), [[], []]
    state = start_enlarging(2, 3)
    while (came < 40).any():
        mask = rng.random((2, 4)) < 0.6
        mask &= came[:, None] + np.cumsum(mask, axis=1) <= 40
        rows = np.minimum(came[:, None] + np.cumsum(mask, axis=1) - 1, 39)
        part = np.take_along_axis(values, np.maximum(rows, 0)[..., None], axis=1)
        part = np.where(mask[..., None], part, np.float32(np.nan))
        poses, state = call(state, part, sizes, fps=FPS, frame_mask=mask)
        for lane in range(2):
            found[lane] += list(np.asarray(poses)[lane, mask[lane]])
        came += mask.sum(axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    state = reset_enlarging(state, jnp.array([True, False]))
    for leaf, fresh in zip(state, start_enlarging(2, 3), strict=True):
        np.testing.assert_array_equal(leaf[0], fresh[0])
        assert np.isfinite(leaf).all()


def test_a_dial_that_is_turned_in_a_stream_gets_there_smoothly_and_one_of_1_leaves_every_bit():
    values = np.random.default_rng(3).normal(size=(1, 60, 2)).astype(np.float32)
    one, three = (np.full(1, size, np.float32) for size in (1, 3))
    plain, state = enlarge(start_enlarging(1, 2), values[:, :30], one, fps=FPS)
    np.testing.assert_array_equal(plain, values[:, :30])
    found, _ = enlarge(state, values[:, 30:], three, fps=FPS)
    whole = slow_course(values[0].astype(np.float64), FPS)[30:]
    sizes = (np.asarray(found)[0] - whole) / (values[0, 30:] - whole)
    wanted = 1 + np.minimum(2, np.arange(1, 31) / (0.3 * FPS))
    np.testing.assert_allclose(sizes, np.repeat(wanted[:, None], 2, axis=1), atol=1e-3)

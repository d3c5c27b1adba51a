"""Strokes at known times after words, and words that strokes know nothing of."""

import math

import numpy as np
import pytest

from llavataros_jax.evaluation.anchors import mean_pose, shifted_times
from llavataros_jax.evaluation.statistics import speed
from llavataros_jax.evaluation.stress_timing import stroke_timing
from llavataros_jax.motion.still_pose import still_pose
from tests.evaluation.people import strokes

# Irregular, so that no shift fits the rhythm.
STARTS = np.cumsum(np.random.default_rng(0).uniform(0.9, 2.6, 30))
SECONDS = float(STARTS[-1]) + 2


@pytest.mark.parametrize("fps", [20.0, 30.0, 60.0])
@pytest.mark.parametrize("lag", [-0.2, 0.0, 0.35])
def test_lag_of_strokes_is_found(fps, lag):
    num_frames = round(SECONDS * fps)
    hand = speed(strokes(STARTS + lag, num_frames=num_frames, fps=fps), fps)
    timing = stroke_timing(hand, fps, STARTS)
    assert timing.lag_seconds == pytest.approx(lag, abs=0.5 / fps + 1e-9)
    assert timing.contrast > 2 * timing.shuffled_contrast > 2
    assert timing.chance == pytest.approx(1 / 101)
    assert abs(timing.shuffled_lag_seconds) < 0.15


def test_profile_is_the_speed_itself_for_one_word():
    hand = np.random.default_rng(0).random(90)
    timing = stroke_timing(hand, 30.0, np.array([1.0]))
    np.testing.assert_allclose(timing.profile, hand[15:46], rtol=1e-12)
    np.testing.assert_allclose(timing.lags_seconds, np.arange(-15, 16) / 30)
    peak = hand[15:46].argmax()
    assert timing.lag_seconds == pytest.approx((peak - 15) / 30)
    assert timing.contrast == pytest.approx(hand[15:46].max() / hand[15:46].mean())


def test_profile_averages_words_and_leaves_out_those_at_the_ends():
    hand = np.arange(300.0)
    timing = stroke_timing(hand, 30.0, np.array([0.4, 2.0, 4.0 + 1 / 60, 9.6]))
    expected = 30 * (2.0 + 4.0 + 1 / 60) / 2 + np.arange(-15, 16)
    np.testing.assert_allclose(timing.profile, expected, rtol=1e-12)


def test_strokes_that_know_no_words_are_no_better_than_chance():
    random = np.random.default_rng(5)
    chances = []
    for _ in range(12):
        hand = speed(strokes(np.sort(random.uniform(0, SECONDS, 30)), num_frames=1500), 30.0)
        chances.append(stroke_timing(hand, 30.0, STARTS[STARTS < 49]).chance)
    assert 0.2 < np.mean(chances) < 0.8


def test_same_seed_same_numbers():
    hand = np.random.default_rng(0).random(1500)
    first, again, other = (stroke_timing(hand, 30.0, STARTS, seed=s) for s in (3, 3, 4))
    assert first.shuffled_contrast == again.shuffled_contrast != other.shuffled_contrast


@pytest.mark.parametrize(
    ("hand", "starts"),
    [(np.ones(300), []), (np.ones(20), [0.2]), (np.zeros(300), [3.0])],
    ids=["no words", "too short", "still"],
)
def test_nothing_to_measure(hand, starts):
    timing = stroke_timing(hand, 30.0, np.array(starts))
    assert math.isnan(timing.lag_seconds)
    assert math.isnan(timing.contrast)
    assert math.isnan(timing.shuffled_contrast)
    assert math.isnan(timing.chance)


def test_shifts_keep_the_rhythm_around_the_circle():
    times = np.array([0.5, 1.0, 4.0, 11.0])
    gaps = np.sort(np.diff(np.append(times, times[0] + 12)))
    for shifted in shifted_times(times, 12.0, seed=0, count=20):
        assert np.all((shifted >= 0) & (shifted < 12))
        assert np.all(np.diff(shifted) > 0)
        np.testing.assert_allclose(np.sort(np.diff(np.append(shifted, shifted[0] + 12))), gaps)
        turned = (shifted[:, None] - times[0]) % 12
        assert turned.min() > 0  # it never stays where it was


def test_shift_is_never_small():
    for total, least in ((20.0, 2.0), (4.0, 1.0)):
        away = np.concatenate(shifted_times(np.zeros(1), total, seed=1, count=500))
        assert least <= away.min() < least + 0.1
        assert total - least - 0.1 < away.max() <= total - least


def test_held_poses():
    positions = np.random.default_rng(0).normal(size=(30, 9, 3))
    positions[17] = positions.mean(axis=0)
    np.testing.assert_allclose(mean_pose(positions)[0], positions.mean(axis=0))
    np.testing.assert_array_equal(still_pose([positions], mean_pose(positions)[0]), positions[17])

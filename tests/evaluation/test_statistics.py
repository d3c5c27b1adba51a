"""Speeds, derivatives, errors and correlation against closed forms and SciPy."""

import math

import numpy as np
import pytest
import scipy.stats

from llavataros_jax.evaluation.statistics import (
    arm_joints,
    correlation,
    hand_joints,
    mean_derivative,
    speed,
)
from llavataros_jax.motion.skeleton import AVATAROS_9, Skeleton


def circle(fps, *, radius=0.3, turns_per_second=0.5, seconds=4.0):
    angle = 2 * np.pi * turns_per_second * np.arange(round(seconds * fps)) / fps
    return radius * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=-1)


def test_arms_are_found_by_name():
    assert hand_joints(AVATAROS_9) == {"left": 8, "right": 5}
    assert arm_joints(AVATAROS_9) == [6, 7, 8, 3, 4, 5]
    nobody = Skeleton(("a", "b"), (-1, 0), np.zeros((2, 3)))
    assert hand_joints(nobody) == {}
    assert arm_joints(nobody) == []


@pytest.mark.parametrize("fps", [30.0, 60.0])
def test_speed_on_a_circle(fps):
    # Central differences of a circle are its chords over two steps, parallel to the tangent.
    step = np.pi / fps
    found = speed(circle(fps), fps)
    np.testing.assert_allclose(found[1:-1], 0.3 * np.sin(step) * fps, rtol=1e-12)
    np.testing.assert_allclose(found[[0, -1]], 2 * 0.3 * np.sin(step / 2) * fps, rtol=1e-12)
    np.testing.assert_allclose(found.mean(), 0.3 * np.pi, rtol=5e-3)


def test_speed_stands_on_the_frame():
    # x = |t - 2|³ stops at t = 2, exactly on frame 60.
    time = np.arange(121) / 30
    places = np.stack([np.abs(time - 2) ** 3, 0 * time, 0 * time], axis=-1)
    assert speed(places, 30.0).argmin() == 60


def test_speed_of_one_frame_is_none():
    np.testing.assert_array_equal(speed(np.ones((1, 9, 3)), 30.0), np.zeros((1, 9)))


@pytest.mark.parametrize("fps", [20.0, 30.0, 60.0])
def test_derivatives_of_polynomials_are_exact_at_any_rate(fps):
    time = (np.arange(50) / fps)[:, None]
    along = np.array([[0.0, 3.0, 4.0]])  # 5 long
    assert mean_derivative(2 * time * along, fps, order=1) == pytest.approx(10.0)
    assert mean_derivative(time**2 * along, fps, order=2) == pytest.approx(10.0)
    assert mean_derivative(time**3 * along, fps, order=3) == pytest.approx(30.0)
    assert mean_derivative(time**2 * along, fps, order=3) == pytest.approx(0.0, abs=1e-6)


def test_derivatives_see_jitter_and_keep_joints_apart():
    positions = np.zeros((20, 2, 3))
    positions[::2, 1, 0] = 0.01
    np.testing.assert_allclose(mean_derivative(positions, 30.0, order=1), [0, 0.3])
    np.testing.assert_allclose(mean_derivative(positions, 30.0, order=2), [0, 0.02 * 900])
    np.testing.assert_allclose(mean_derivative(positions, 30.0, order=3), [0, 0.04 * 27000])


def test_too_few_frames_have_no_jerk():
    assert np.isnan(mean_derivative(np.zeros((3, 9, 3)), 30.0, order=3)).all()
    assert np.isfinite(mean_derivative(np.zeros((4, 9, 3)), 30.0, order=3)).all()


def test_correlation_is_pearsons():
    first, second = np.random.default_rng(0).random((2, 100))
    expected = scipy.stats.pearsonr(first, second).statistic
    assert correlation(first, second) == pytest.approx(expected, rel=1e-12)
    assert correlation(first, 3 * first + 1) == pytest.approx(1)


def test_what_never_changes_correlates_with_nothing():
    rounding = 0.1 + 1e-13 * np.random.default_rng(0).random(50)
    assert math.isnan(correlation(rounding, np.arange(50.0)))
    assert math.isnan(correlation(np.ones(1), np.ones(1)))

"""Minima of speed."""

import numpy as np

from llavataros_jax.motion.beats import speed_minima


def test_minima_of_a_cosine_are_its_valleys():
    time = np.arange(120) / 60
    lows = speed_minima(1 + np.cos(2 * np.pi * 2 * time), fps=60.0)
    np.testing.assert_allclose(time[lows], [0.25, 0.75, 1.25, 1.75], atol=1 / 60)


def test_a_minimum_is_lower_than_all_within_its_reach():
    speed = np.ones(20)
    speed[[5, 8]] = 0.5, 0.4  # three frames apart: two beats at 15 fps, one at 30
    np.testing.assert_array_equal(speed_minima(speed, fps=15.0), [5, 8])
    np.testing.assert_array_equal(speed_minima(speed, fps=30.0), [8])

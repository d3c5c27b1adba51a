"""Histograms against NumPy's, the Hellinger distance against closed forms."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from llavataros_jax.evaluation.catalogue.histograms import (
    ACCELERATION_HELLINGER,
    HISTOGRAMS,
    SPEED_EDGES_METRES_PER_SECOND,
    SPEED_HELLINGER,
    speed_counts,
)
from llavataros_jax.evaluation.histograms import hellinger_distance, histogram
from tests.evaluation.takes import take, value


def test_counts_are_numpys_and_nothing_vanishes():
    values = np.random.default_rng(0).gamma(2, 1, size=(50, 7))
    edges = np.arange(0, 4, 0.5)
    expected, _ = np.histogram(values, [*edges, np.inf])
    np.testing.assert_array_equal(histogram(values, edges), expected)
    assert histogram(np.array([1e9]), edges).tolist() == [0] * 7 + [1]
    assert not histogram(np.zeros(0), edges).any()


def test_hellinger_has_its_closed_forms():
    same = np.array([3.0, 1.0, 0.0])
    assert hellinger_distance(same, 2 * same) == pytest.approx(0, abs=1e-7)
    assert hellinger_distance(same, np.array([0.0, 0.0, 5.0])) == 1
    assert math.isnan(hellinger_distance(same, np.zeros(3)))
    # Two normal distributions of deviation 1 that lie 1 apart: 1 - exp(-1/8).
    edges = np.arange(-8, 9, 0.01)
    parts = [np.diff(norm.cdf(edges, loc=at)) for at in (0, 1)]
    assert hellinger_distance(*parts) == pytest.approx(math.sqrt(1 - math.exp(-1 / 8)), rel=1e-4)
    p, q = np.random.default_rng(1).random((2, 9))
    root = np.linalg.norm(np.sqrt(p / p.sum()) - np.sqrt(q / q.sum())) / math.sqrt(2)
    assert hellinger_distance(p, q) == pytest.approx(root, rel=1e-9)


def test_measures_pool_speeds_over_clips():
    steps = np.arange(300)[:, None] * np.array([[0.1, 0, 0]])  # 3 m/s
    fast = {j: steps for j in range(9)}
    still, moving = take(None, fast), take(fast, fast)
    assert value(SPEED_HELLINGER, moving) == pytest.approx(0, abs=1e-7)
    assert value(SPEED_HELLINGER, still) == 1
    # Half of the frames move: p = (1/2, 1/2), q = (0, 1).
    expected = math.sqrt(1 - math.sqrt(0.5))
    assert value(SPEED_HELLINGER, still, moving) == pytest.approx(expected, rel=1e-9)
    # The steps are uniform, up to rounding of their sums, so nothing accelerates.
    assert value(ACCELERATION_HELLINGER, still) == pytest.approx(0, abs=1e-7)
    counts = speed_counts(moving.motion)
    assert counts.sum() == 299 * 9
    assert counts[np.abs(SPEED_EDGES_METRES_PER_SECOND - 3) < 0.06].sum() == 299 * 9


def test_one_frame_has_no_speeds():
    for measure in HISTOGRAMS:
        assert measure.gather(take(num_frames=1)) is None

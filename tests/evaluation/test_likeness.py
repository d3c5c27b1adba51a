"""Errors against SciPy's distances, CCA against singular values, shares by hand."""

import math

import numpy as np
import pytest
import scipy.stats
from scipy.spatial.distance import cdist
from sklearn.metrics import mean_absolute_error

from llavataros_jax.evaluation.catalogue import likeness as catalogue
from llavataros_jax.evaluation.likeness import canonical_correlation, semantic_recall
from llavataros_jax.evaluation.statistics import speed
from tests.evaluation.takes import nameless, take, value

RANDOM = np.random.default_rng(0)
MOVES = [{j: RANDOM.normal(size=(60, 3)) * 0.1 for j in range(9)} for _ in range(2)]


def test_errors_are_scipys_distances():
    one = take(*MOVES, num_frames=60)
    ours, theirs = one.motion.positions, one.real.positions
    apart = [cdist(ours[:, j], theirs[:, j]).diagonal() for j in range(9)]
    assert value(catalogue.POSITION_ERROR, one) == pytest.approx(np.mean(apart), rel=1e-12)
    expected = mean_absolute_error(theirs.reshape(60, -1), ours.reshape(60, -1))
    assert value(catalogue.COORDINATE_ERROR, one) == pytest.approx(expected, rel=1e-12)
    shares = np.mean([a < 0.1 for a in apart])
    assert 0 < shares < 1
    assert value(catalogue.RECALL, one) == pytest.approx(shares, rel=1e-12)


def test_one_clip_has_pearsons_correlation_and_several_are_pooled_within():
    one = take(*MOVES, num_frames=60)
    speeds = [[speed(m.positions[:, j], 30.0) for m in (one.motion, one.real)] for j in (8, 5)]
    expected = np.mean([scipy.stats.pearsonr(*pair).statistic for pair in speeds])
    found = value(catalogue.HAND_SPEED_CORRELATION, one)
    assert found == pytest.approx(expected, rel=1e-9)
    assert value(catalogue.HAND_SPEED_CORRELATION, one, one) == pytest.approx(found, rel=1e-12)
    # A second clip at another tempo alone would correlate if clips' means were not taken out.
    faster = take(*[{j: 20 * m for j, m in moves.items()} for moves in MOVES], num_frames=60)
    both = value(catalogue.HAND_SPEED_CORRELATION, one, faster)
    assert both == pytest.approx(found, rel=1e-9)


def test_a_hand_that_is_still_has_no_correlation():
    right = {5: MOVES[0][5]}
    one = take(right, MOVES[1], num_frames=60)
    pair = [speed(m.positions[:, 5], 30.0) for m in (one.motion, one.real)]
    expected = scipy.stats.pearsonr(*pair).statistic
    assert value(catalogue.HAND_SPEED_CORRELATION, one) == pytest.approx(expected, rel=1e-9)
    assert math.isnan(value(catalogue.HAND_SPEED_CORRELATION, take(None, MOVES[0], num_frames=60)))
    assert catalogue.HAND_SPEED_CORRELATION.gather(nameless()) is None


def test_canonical_correlation_is_the_first_singular_value():
    random = np.random.default_rng(2)
    first = random.normal(size=(300, 5))
    second = 0.7 * first @ random.normal(size=(5, 4)) + random.normal(size=(300, 4))
    second[:, 2] = 1.5
    left, right = (np.linalg.qr(x - x.mean(axis=0))[0] for x in (first, second[:, [0, 1, 3]]))
    expected = np.linalg.svd(left.T @ right, compute_uv=False)[0]
    assert canonical_correlation(first, second) == pytest.approx(expected, abs=1e-5)


def test_canonical_correlation_of_too_little_is_none():
    random = np.random.default_rng(3)
    assert math.isnan(canonical_correlation(*random.normal(size=(2, 8, 4))))
    assert math.isnan(canonical_correlation(np.ones((90, 4)), random.normal(size=(90, 4))))
    assert catalogue.CANONICAL_CORRELATION.gather(take(*MOVES, num_frames=60)) is not None
    assert catalogue.CANONICAL_CORRELATION.gather(take(None, MOVES[0], num_frames=60)) is None
    assert catalogue.CANONICAL_CORRELATION.gather(take(num_frames=1)) is None


def test_meaning_weighs():
    real = np.zeros((4, 2, 3))
    ours = real.copy()
    ours[:2, 0, 0] = 0.2  # one of two joints, in the first two frames
    assert semantic_recall(ours, real) == pytest.approx(0.75)
    assert semantic_recall(ours, real, threshold_metres=0.3) == 1
    weights = np.array([1.0, 0.0, 0.5, 0.0])
    assert semantic_recall(ours, real, weights=weights) == pytest.approx(1 / 1.5)
    # As EMAGE's loop has it: success × weight / 0.165, over frames and joints.
    published = (0.5 * 1.0 + 0.5 * 0 + 1.0 * 0.5 + 1.0 * 0) / 0.165 / 4
    found = semantic_recall(ours, real, weights=weights, mean_weight=0.165)
    assert found == pytest.approx(published)
    assert math.isnan(semantic_recall(ours, real, weights=np.zeros(4)))

"""The Fréchet distance against SciPy's matrix root, closed forms and a published value."""

import math

import numpy as np
import pytest
import scipy.linalg

from llavataros_jax.evaluation.frechet import frechet_distance


def by_matrix_root(first, second):
    cov_1, cov_2 = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    root = scipy.linalg.sqrtm(cov_1 @ cov_2).real
    gap = first.mean(axis=0) - second.mean(axis=0)
    return gap @ gap + np.trace(cov_1 + cov_2 - 2 * root)


def test_published_value():
    first = np.random.RandomState(1).randn(500, 32) @ np.diag(np.linspace(0.1, 3, 32))
    second = np.random.RandomState(2).randn(400, 32) * 1.3 + 0.2
    assert frechet_distance(first, second) == pytest.approx(29.31548684724315, rel=1e-12)


@pytest.mark.parametrize("dimensions", [2, 5, 20])
def test_equals_scipys_root(dimensions):
    random = np.random.default_rng(dimensions)
    first = random.normal(size=(60, dimensions)) @ random.normal(size=(dimensions, dimensions))
    second = random.normal(size=(50, dimensions)) @ random.normal(size=(dimensions, dimensions)) + 1
    expected = by_matrix_root(first, second)
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(second, first) == pytest.approx(expected, rel=1e-9)


def test_one_dimension_has_a_closed_form():
    first, second = np.array([[0.0], [2.0], [4.0]]), np.array([[1.0], [2.0], [3.0]])
    # Standard deviations 2 and 1, means equal.
    assert frechet_distance(first, second) == pytest.approx(1.0)
    assert frechet_distance(first, second + 3) == pytest.approx(10.0)


def test_moved_copy_and_fewer_points_than_dimensions():
    cloud = np.random.default_rng(0).normal(size=(10, 40))
    assert frechet_distance(cloud, cloud) == pytest.approx(0, abs=1e-12)
    assert frechet_distance(cloud, cloud + 0.5) == pytest.approx(40 * 0.25)


def test_a_point_against_a_cloud_is_its_variance():
    cloud = np.random.default_rng(0).normal(size=(30, 4))
    held = np.broadcast_to(cloud.mean(axis=0), (30, 4))
    assert frechet_distance(held, cloud) == pytest.approx(cloud.var(axis=0, ddof=1).sum())


def test_nothing_to_measure():
    assert math.isnan(frechet_distance(np.zeros((1, 3)), np.zeros((5, 3))))

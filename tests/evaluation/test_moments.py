"""Fréchet distances by sums of clips, against SciPy's matrix root and the points themselves."""

import math

import numpy as np
import pytest
import scipy.linalg

from llavataros_jax.evaluation.catalogue.distribution import FD_G, FD_K
from llavataros_jax.evaluation.frechet import (
    frechet_distance,
    frechet_measure,
    frechet_of_moments,
)
from llavataros_jax.evaluation.moments import dimensions, mean_and_root, moments
from llavataros_jax.evaluation.take import Take
from llavataros_jax.motion.trajectories import of_motion
from tests.evaluation.people import standing

PUBLISHED = 29.31548684724315


def by_sums(first, second):
    return frechet_of_moments(np.concatenate([moments(first), moments(second)]))


def by_matrix_root(first, second):
    cov_1, cov_2 = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    gap = first.mean(axis=0) - second.mean(axis=0)
    return gap @ gap + np.trace(cov_1 + cov_2 - 2 * scipy.linalg.sqrtm(cov_1 @ cov_2).real)


def cloud(seed, count, size):
    random = np.random.default_rng(seed)
    return random.normal(size=(count, size)) @ random.normal(size=(size, size)) + random.normal()


def test_published_value_both_ways():
    first = np.random.RandomState(1).randn(500, 32) @ np.diag(np.linspace(0.1, 3, 32))
    second = np.random.RandomState(2).randn(400, 32) * 1.3 + 0.2
    assert frechet_distance(first, second) == pytest.approx(PUBLISHED, abs=1e-9)
    assert by_sums(first, second) == pytest.approx(PUBLISHED, abs=1e-9)


def test_clips_add_up_in_any_parts():
    first, second = cloud(1, 300, 9), cloud(2, 200, 9)
    parts = [
        np.concatenate([moments(first[i:j]), moments(second[k:m])])
        for i, j, k, m in ((0, 10, 0, 150), (10, 290, 150, 151), (290, 300, 151, 200))
    ]
    found = frechet_of_moments(np.sum(parts, axis=0))
    assert found == pytest.approx(by_matrix_root(first, second), rel=1e-9)
    # A clip that a bootstrap draws twice is there twice.
    twice = frechet_of_moments(2 * parts[0] + parts[1] + parts[2])
    doubled = [np.concatenate([first, first[:10]]), np.concatenate([second, second[:150]])]
    assert twice == pytest.approx(by_matrix_root(*doubled), rel=1e-9)


def test_mean_and_covariance_come_back():
    points = cloud(3, 40, 6)
    sums = moments(points)
    assert len(sums) == 1 + 6 + 21
    assert dimensions(len(sums)) == 6
    mean, root = mean_and_root(sums)
    np.testing.assert_allclose(mean, points.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(root.T @ root, np.cov(points, rowvar=False), rtol=1e-9)


def test_a_mean_of_a_hundred_deviations_takes_nothing_away():
    first, second = cloud(4, 500, 27), cloud(5, 500, 27)
    away = 100 * first.std()
    expected = by_matrix_root(first, second)
    assert by_sums(first + away, second + away) == pytest.approx(expected, rel=1e-9)


def test_constant_dimensions_and_fewer_points_than_dimensions():
    first, second = cloud(6, 10, 40), cloud(7, 12, 40)
    first[:, 3] = second[:, 5] = 1.7
    assert by_sums(first, second) == pytest.approx(frechet_distance(first, second), rel=1e-9)
    assert by_sums(first, first) == pytest.approx(0, abs=1e-10)
    assert by_sums(first, first + 0.5) == pytest.approx(40 * 0.25, rel=1e-9)


def test_what_is_held_loses_by_the_variance_it_lacks():
    points = 0.1 * np.random.default_rng(8).normal(size=(200, 27)) + 1
    held = np.broadcast_to(points.mean(axis=0), points.shape)
    expected = points.var(axis=0, ddof=1).sum()
    assert by_sums(held, points) == pytest.approx(expected, rel=1e-10)
    assert by_sums(held, held) == pytest.approx(0, abs=1e-12)
    still = np.zeros((50, 27))
    assert by_sums(still, still) == 0


def test_measures_of_two_clips_are_those_of_all_their_frames():
    random = np.random.default_rng(9)
    takes = []
    for frames in (40, 70):
        places = random.normal(size=(2, 9, frames, 3))
        pair = [of_motion(standing(dict(enumerate(p)), num_frames=frames)) for p in places]
        takes.append(Take("clip", "who", *pair))
    for measure, order in ((FD_G, 0), (FD_K, 1)):
        found = measure.finish(np.sum([measure.gather(take) for take in takes], axis=0))
        sides = [
            np.concatenate(
                [
                    np.diff(motion.positions.reshape(motion.num_frames, 27), order, axis=0)
                    * 30.0**order
                    for motion in side
                ]
            )
            for side in zip(*((take.motion, take.real) for take in takes), strict=True)
        ]
        assert found == pytest.approx(by_matrix_root(*sides), rel=1e-8)


def test_one_frame_and_none():
    one = of_motion(standing(num_frames=1))
    many = of_motion(standing(num_frames=20))
    assert math.isnan(FD_G.finish(FD_G.gather(Take("clip", "who", one, many))))
    assert FD_K.gather(Take("clip", "who", one, many)) is None
    assert FD_K.gather(Take("clip", "who", many, one)) is None


def test_all_samples_are_one_cloud():
    random = np.random.default_rng(10)
    bodies = [
        of_motion(standing(dict(enumerate(random.normal(size=(9, 30, 3)))), num_frames=30))
        for _ in range(4)
    ]
    several = Take("clip", "who", bodies[0], bodies[1], others=(bodies[2], bodies[3]))
    clouds = [body.positions[:, 8] for body in bodies]
    for all_samples, ours in (
        (False, clouds[0]),
        (True, np.concatenate(clouds[::3] + clouds[2:3])),
    ):
        measure = frechet_measure(
            *("k_metres2", "t", lambda motion: motion.positions[:, 8]),
            says="",
            source="",
            all_samples=all_samples,
        )
        found = measure.finish(measure.gather(several))
        assert found == pytest.approx(by_matrix_root(ours, clouds[1]), rel=1e-9)


def test_points_are_taken_once_for_each_motion():
    calls = []

    def points(motion):
        calls.append(motion)
        return motion.positions[:, 0]

    measure = frechet_measure("k_metres2", "t", points, says="", source="")
    real, first, second = (of_motion(standing(num_frames=9)) for _ in range(3))
    for motion in (first, second, first):
        measure.gather(Take("clip", "who", motion, real))
    assert calls == [first, real, second]

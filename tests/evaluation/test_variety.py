"""Diversity by closed forms; areas by the textbook loop and the published figures."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from llavataros_jax.evaluation.catalogue import variety as catalogue
from llavataros_jax.evaluation.diversity import absolute_deviation, sample_variance
from llavataros_jax.evaluation.gesture_area import CELLS, dice, gesture_area, outside_share
from llavataros_jax.evaluation.take import Take
from llavataros_jax.motion.bvh import read_bvh
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.motion.trajectories import of_motion, of_positions
from tests.evaluation.people import standing
from tests.evaluation.takes import take, value

SAMPLE = Path(__file__).parents[3] / "shared/data/bvh/gac_sample1.bvh"
BONE = Skeleton(("world", "root", "tip"), (-1, 0, 1), np.zeros((3, 3)))


def bresenham(x, y, x_end, y_end):
    """Yields the cells of a line with the error term carried along, as textbooks have it."""
    dx, dy = abs(x_end - x), -abs(y_end - y)
    error = dx + dy
    while True:
        yield x, y
        if (x, y) == (x_end, y_end):
            return
        twice = 2 * error
        if twice > dy:
            error, x = error + dy, x + (1 if x < x_end else -1)
        if twice < dx:
            error, y = error + dx, y + (1 if y < y_end else -1)


def test_area_is_that_of_the_textbooks_lines():
    ends = np.random.default_rng(0).integers(0, 60, size=(400, 2, 2))
    ends[:5, 1] = ends[:5, 0]  # a bone seen from its end
    positions = np.zeros((400, 3, 3))
    positions[:, 1:, :2] = ends * 0.005 - [1.0, 0.0]
    expected = np.zeros((CELLS, CELLS), bool)
    for (x, y), (x_end, y_end) in ends.tolist():
        for across, up in bresenham(x, y, x_end, y_end):
            expected[up, across] = True
    np.testing.assert_array_equal(gesture_area(positions, BONE), expected)
    # Each line alone, for a union hides what is off by a cell.
    for frame in range(400):
        (x, y), (x_end, y_end) = ends[frame].tolist()
        area = gesture_area(positions[frame : frame + 1], BONE)
        assert {(int(c), int(r)) for r, c in np.argwhere(area)} == set(
            bresenham(x, y, x_end, y_end)
        )


def test_a_level_bone_that_rises_fills_a_rectangle():
    positions = np.zeros((101, 3, 3))
    positions[:, 1:, 1] = np.linspace(0.5, 1.0, 101)[:, None]
    positions[:, 1, 0], positions[:, 2, 0] = -0.2, 0.3
    area = gesture_area(positions, BONE)
    assert area.sum() == 101 * 101
    lower = gesture_area(positions - np.array([0, 0.25, 0]), BONE)
    assert dice(area, lower) == pytest.approx(51 / 101)
    assert dice(area, area) == 1
    assert math.isnan(dice(np.zeros_like(area), np.zeros_like(area)))


def test_what_lies_outside_is_moved_to_the_edge_and_told():
    positions = np.zeros((1, 3, 3))
    positions[0, 1:, :2] = [[-5.0, -1.0], [5.0, -1.0]]
    area = gesture_area(positions, BONE)
    assert area[0].all()
    assert area.sum() == CELLS
    assert outside_share(positions) == 1
    assert outside_share(np.zeros((4, 3, 3))) == 0


def test_published_area_of_the_first_sample():
    if not SAMPLE.is_file():
        pytest.skip(f"{SAMPLE} is not here")
    motion = read_bvh(SAMPLE)
    area = gesture_area(motion.positions, motion.skeleton)
    # README of AI-Unicamp/gesture-area-coverage: TGAC1 60195, with TP 25356 and FN 34839.
    assert area.sum() == 60195 == 25356 + 34839
    assert dice(area, area) == 1


def test_measures_of_area_add_up_and_know_no_place():
    random = np.random.default_rng(1)
    moves = [{j: np.cumsum(random.normal(size=(90, 3)), 0) * 0.01 for j in range(9)} for _ in "ab"]
    one, two = take(*moves, num_frames=90), take(*moves[::-1], num_frames=90)
    away = Take(
        "c",
        "w",
        of_positions(
            one.motion.positions + np.array([7.0, 0, 3]),
            30.0,
            one.motion.skeleton.names,
            like=one.motion.skeleton,
        ),
        one.motion,
    )
    assert value(catalogue.AREA_DICE, away) == pytest.approx(1, abs=2e-2)
    assert value(catalogue.AREA_DICE, one) == value(catalogue.AREA_DICE, one, two) < 1
    assert value(catalogue.AREA_RATIO, one, two) == 1
    product = value(catalogue.AREA_RATIO, one) * value(catalogue.AREA_RATIO, two)
    assert product == pytest.approx(1)


def test_l1_diversity_is_pooled_over_frames():
    random = np.random.default_rng(2)
    moves = {j: random.normal(size=(80, 3)) for j in range(9)}
    one, still = take(moves, None, num_frames=80), take(num_frames=20)
    flat = one.motion.positions.reshape(80, -1)
    total = cdist(flat, flat.mean(axis=0)[None], metric="cityblock").sum()
    assert absolute_deviation(one.motion.positions) == pytest.approx(total, rel=1e-12)
    assert value(catalogue.L1_DIVERSITY, one, still) == pytest.approx(total / 100, rel=1e-9)


def test_samples_that_differ_by_a_shift_have_its_variance():
    bodies = [
        of_motion(standing({j: np.full((30, 3), s) for j in range(9)}, num_frames=30))
        for s in (0.0, 0.1, 0.5)
    ]
    several = Take("c", "w", bodies[0], bodies[0], others=tuple(bodies[1:]))
    expected = np.var([0.0, 0.1, 0.5])
    assert value(catalogue.SAMPLE_DIVERSITY, several) == pytest.approx(expected)
    assert math.isnan(sample_variance([bodies[0].positions]))
    assert catalogue.SAMPLE_DIVERSITY.gather(take(num_frames=30)) is None


def test_two_joints_have_no_area():
    pair = of_positions(np.random.default_rng(3).normal(size=(9, 2, 3)), 30.0, ["a", "b"])
    assert catalogue.AREA_DICE.gather(Take("c", "w", pair, pair)) is None

"""Movements against closed forms and an optimiser that knows nothing of splines."""

import numpy as np
import pytest

from data_prep.corpus.hours.movement import Movement


def test_a_movement_from_rest_is_the_minimum_jerk_movement():
    movement = Movement(np.zeros(1))
    movement.move(1.0, [3.0], [np.array([3.0])])
    phase = np.linspace(0, 1, 11)
    expected = 3 * (10 * phase**3 - 15 * phase**4 + 6 * phase**5)
    np.testing.assert_allclose(movement.sample(1 + 2 * phase)[:, 0], expected, atol=1e-12)
    np.testing.assert_allclose(movement.target, [3.0])


def test_a_path_has_the_least_jerk_of_all_through_its_keys():
    """Quadratic programme over a fine grid: minimise the third differences' squares."""
    step, count = 0.005, 201
    rows, values = [0, 1, 2, 80, count - 3, count - 2, count - 1], [0, 0, 0, 1.0, 0.4, 0.4, 0.4]
    third = np.diff(np.eye(count), 3, axis=0)
    fixed = np.eye(count)[rows]
    system = np.block([[third.T @ third, fixed.T], [fixed, np.zeros((7, 7))]])
    wanted = np.linalg.solve(system, np.concatenate((np.zeros(count), values)))[:count]
    movement = Movement(np.zeros(1))
    movement.move(0.0, [0.4, 1.0], [np.array([1.0]), np.array([0.4])])
    found = movement.sample(np.arange(count) * step)[:, 0]
    np.testing.assert_allclose(found, wanted, atol=0.02)


def test_an_interruption_keeps_speed_and_acceleration():
    movement = Movement(np.zeros(2))
    movement.move(0.0, [1.0], [np.array([1.0, -2.0])])
    movement.move(0.4, [0.8, 1.2], [np.array([0.0, 1.0]), np.array([0.5, 0.5])])
    before, after = (movement.at(0.4 + shift) for shift in (-1e-5, 1e-5))
    assert np.abs(after - before).max() < 1e-3
    for order in (1, 2):
        old = Movement(np.zeros(2))
        old.move(0.0, [1.0], [np.array([1.0, -2.0])])
        np.testing.assert_allclose(movement.at(0.4, order), old.at(0.4, order), atol=1e-8)
    assert movement.sample(np.array([1.2, 9.0]))[:, 0] == pytest.approx([0.5, 0.5])


def test_samples_are_the_values_at_their_times():
    movement = Movement(np.zeros(3))
    for start in (0.3, 0.9, 2.0, 2.1):
        movement.move(start, [start + 0.8], [np.full(3, start)])
    times = np.linspace(0, 4, 97)
    np.testing.assert_allclose(
        movement.sample(times), [movement.at(time) for time in times], atol=1e-12
    )

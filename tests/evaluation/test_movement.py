"""Measures of movement against uniform motion on a circle and other closed forms."""

import math

import numpy as np
import pytest
import scipy.spatial

from llavataros_jax.evaluation.amplitude import (
    chest_joint,
    hand_paths,
    jerk_at_equal_amplitude,
    squared_amplitude,
)
from llavataros_jax.evaluation.bones import bone_length_errors, bone_lengths
from llavataros_jax.evaluation.catalogue import movement as catalogue
from llavataros_jax.evaluation.take import Take
from llavataros_jax.motion.skeleton import AVATAROS_9
from llavataros_jax.motion.trajectories import of_motion, of_positions
from tests.evaluation.people import LEFT_HAND, standing
from tests.evaluation.takes import nameless, take, value


def circle(*, radius=0.2):
    """Goes round once a second, ten whole times, so that the mean is the centre."""
    angle = 2 * np.pi * np.arange(300) / 30
    return radius * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=-1)


def test_uniform_motion_on_a_circle_has_known_derivatives():
    # Differences of order n of a circle are chords: each shrinks the radius by 2 sin(w / 2).
    fps, radius = 30.0, 0.2
    chord = 2 * math.sin(math.pi / fps) * fps
    one = take({j: circle(radius=radius) for j in range(9)})
    assert value(catalogue.ACCELERATION, one) == pytest.approx(radius * chord**2, rel=1e-9)
    assert value(catalogue.JERK, one) == pytest.approx(radius * chord**3, rel=1e-8)
    assert value(catalogue.HAND_SPEED_LEFT, one) == pytest.approx(radius * chord, rel=1e-9)
    # The chords come to the arcs.
    assert value(catalogue.JERK, one) == pytest.approx(radius * (2 * math.pi) ** 3, rel=0.01)


def test_hands_are_kept_apart_and_clips_pooled_by_frames():
    one = take({LEFT_HAND: circle()}, num_frames=300)
    two = take(num_frames=151)
    chord = 2 * math.sin(math.pi / 30) * 30
    assert value(catalogue.HAND_SPEED_RIGHT, one, two) == 0
    expected = 0.2 * chord * 299 / (299 + 150)
    assert value(catalogue.HAND_SPEED_LEFT, one, two) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("gain", [0.3, 1.0, 1.7])
def test_a_gain_is_found_and_does_not_change_smoothness(gain):
    random = np.random.default_rng(0)
    moves = {j: np.cumsum(random.normal(size=(300, 3)), axis=0) * 0.01 for j in (5, 8)}
    scaled = take({j: gain * places for j, places in moves.items()}, moves)
    same = take(moves, moves)
    assert value(catalogue.AMPLITUDE_RATIO, scaled) == pytest.approx(gain, rel=1e-9)
    assert value(catalogue.HAND_SPEED_RATIO, scaled) == pytest.approx(gain, rel=1e-9)
    smoothness = value(catalogue.SMOOTHNESS, same)
    assert value(catalogue.SMOOTHNESS, scaled) == pytest.approx(smoothness, rel=1e-9)
    jerks = np.linalg.norm(np.diff(hand_paths(same.motion), 3, axis=0), axis=-1) * 30**3
    assert smoothness == pytest.approx(jerks.mean(), rel=1e-9)


def test_walking_is_no_amplitude():
    walk = np.linspace([0, 0, 0], [3, 0, 5], 300)
    one = take({j: walk + (circle() if j == 8 else 0) for j in range(9)}, {8: circle()})
    assert value(catalogue.AMPLITUDE_RATIO, one) == pytest.approx(1, rel=1e-9)
    # A circle's points lie a radius from its centre, the other hand on its own.
    assert squared_amplitude(hand_paths(one.motion)) == pytest.approx(300 * 0.2**2, rel=1e-9)


def test_amplitude_is_pooled_over_clips_by_variance():
    small, large = take({8: circle(radius=0.1)}, {8: circle()}), take({8: circle()}, {8: circle()})
    expected = math.sqrt((0.1**2 + 0.2**2) / (2 * 0.2**2))
    assert value(catalogue.AMPLITUDE_RATIO, small, large) == pytest.approx(expected, rel=1e-9)


def test_what_is_held_has_no_smoothness():
    held = take(None, {8: circle()})
    assert value(catalogue.AMPLITUDE_RATIO, held) == 0
    assert value(catalogue.HAND_SPEED_RATIO, held) == 0
    assert math.isnan(value(catalogue.SMOOTHNESS, held))
    assert math.isnan(value(catalogue.AMPLITUDE_RATIO, take({8: circle()}, None)))
    assert math.isnan(jerk_at_equal_amplitude(1.0, 0.0, 1.0))
    assert jerk_at_equal_amplitude(6.0, 4.0, 1.0) == 3.0


def test_the_chest_is_where_the_arms_meet():
    assert chest_joint(AVATAROS_9) == 2
    assert chest_joint(nameless().motion.skeleton) == 0


def test_bones_are_distances_of_joints():
    positions = np.random.default_rng(1).normal(size=(4, 9, 3))
    found = bone_lengths(positions, AVATAROS_9.parents)
    for frame in range(4):
        apart = scipy.spatial.distance.cdist(positions[frame], positions[frame])
        expected = [apart[j, AVATAROS_9.parents[j]] for j in range(1, 9)]
        np.testing.assert_allclose(found[frame], expected, rtol=1e-12)


def test_bones_that_grow_are_seen_and_turning_ones_are_not():
    names, angle = ["root", "tip"], np.linspace(0, 3, 40)
    arm = np.zeros((40, 2, 3))
    arm[:, 1, 0], arm[:, 1, 1] = np.cos(angle), np.sin(angle)
    real = of_positions(arm, 30.0, names)
    longer = of_positions(1.03 * arm + 5, 30.0, names, like=real.skeleton)
    assert value(catalogue.BONE_LENGTH_ERROR, Take("c", "w", longer, real)) == pytest.approx(0.03)
    assert value(catalogue.BONE_LENGTH_ERROR, Take("c", "w", real, real)) == pytest.approx(
        0, abs=1e-12
    )
    assert bone_length_errors(arm, 2 * arm, (-1, 0)).shape == (40, 1)


def test_nothing_to_measure():
    short = Take("c", "w", *(of_motion(standing(num_frames=n)) for n in (1, 1)))
    for measure in catalogue.MOVEMENT:
        if measure is catalogue.BONE_LENGTH_ERROR:
            assert value(measure, short) == pytest.approx(0, abs=1e-12)
        else:
            assert math.isnan(value(measure, short)), measure.key
    for measure in (*catalogue.MOVEMENT[:4], catalogue.SMOOTHNESS):
        assert measure.gather(nameless()) is None

"""Bodies around joints of which only positions are known."""

import numpy as np
import pytest

from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.rotations import rotate
from llavataros_jax.motion.skeleton import AVATAROS_9
from llavataros_jax.motion.trajectories import Trajectories, of_motion
from llavataros_jax.rendering.axes import drawable
from llavataros_jax.rendering.body import sculpt
from tests.rendering.people import standing


def of_positions_alone(positions) -> Motion:
    return drawable(Trajectories(positions, 30, AVATAROS_9))


def test_rotations_that_are_known_stay():
    motion = standing(30)
    assert drawable(of_motion(motion)) is motion


def test_bones_point_along_y_and_hands_go_on_along_the_forearm():
    positions = standing(30).positions
    drawn = of_positions_alone(positions)
    np.testing.assert_array_equal(drawn.positions, positions)
    for upper, elbow, hand in ((3, 4, 5), (6, 7, 8)):
        for start, end in ((upper, elbow), (elbow, hand)):
            bone = positions[:, end] - positions[:, start]
            bone /= np.linalg.norm(bone, axis=-1, keepdims=True)
            along = rotate(drawn.quaternions[:, start], np.array([0.0, 1.0, 0.0]))
            np.testing.assert_allclose(along, bone, atol=1e-9)
        np.testing.assert_array_equal(drawn.quaternions[:, hand], drawn.quaternions[:, elbow])


def test_the_fingertips_stay_in_line_with_a_forearm_that_swings():
    drawn = of_positions_alone(standing(60).positions)
    body = sculpt(drawn)
    wrist = body.hands["left"]
    fingertips = body.centres(drawn.frames)[:, wrist + 2]
    elbow, hand = drawn.positions[:, 7], drawn.positions[:, 8]
    bone, beyond = hand - elbow, fingertips - hand
    cosine = (bone * beyond).sum(-1) / np.linalg.norm(bone, axis=-1)
    np.testing.assert_allclose(cosine, np.linalg.norm(beyond, axis=-1), rtol=1e-6)
    assert np.ptp(beyond, axis=0).max() > 0.05  # with axes that stand still it would not turn


@pytest.mark.parametrize("turn_degrees", [0, 90, 200])
def test_the_body_turns_with_its_joints(turn_degrees):
    cos, sin = np.cos(np.radians(turn_degrees)), np.sin(np.radians(turn_degrees))
    turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    positions = standing(30).positions

    def spheres(positions):
        drawn = of_positions_alone(positions)
        return sculpt(drawn).centres(drawn.frames)

    np.testing.assert_allclose(spheres(positions @ turn.T), spheres(positions) @ turn.T, atol=1e-6)


def test_joints_in_one_place_are_drawn():
    drawn = of_positions_alone(np.zeros((3, 9, 3)))
    assert np.isfinite(sculpt(drawn).centres(drawn.frames)).all()

"""The body as alignment sees it, by closed forms."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from llavataros_jax.alignment.body import FRAMES_PER_SECOND, POINTS, body_points
from llavataros_jax.alignment.material import steadied
from llavataros_jax.alignment.network import motion_features
from llavataros_jax.errors import UserError
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.motion.trajectories import Trajectories
from tests.alignment.synthetic import ARM_METRES, SKELETON, standing, swinging

_INNER = slice(10, -10)


@pytest.mark.parametrize("fps", [20.0, 30.0, 60.0, 120.0])
def test_a_stiff_arm_that_turns_is_as_fast_as_its_radius_says(fps):
    turning = 0.8  # radians a second
    moved = body_points(swinging(turning * np.arange(round(6 * fps)) / fps - 2, fps))
    velocity = np.diff(moved, axis=0) * FRAMES_PER_SECOND
    speed = np.linalg.norm(velocity, axis=2)[_INNER]
    # In lengths of an arm: the hand is one from the shoulder, the forearm a half.
    assert speed[:, POINTS.index("left hand")] == pytest.approx(turning, rel=2e-3)
    assert speed[:, POINTS.index("left forearm")] == pytest.approx(turning / 2, rel=2e-3)
    assert speed[:, [1, 3, 4, 5]] == pytest.approx(0, abs=1e-5)


def test_frames_show_the_times_that_they_say():
    angle = 0.3 * np.sin(np.arange(300) / 30)
    moved = body_points(swinging(angle, 30.0))
    assert len(moved) == 200
    times = np.arange(200) / FRAMES_PER_SECOND
    # A Gaussian of deviation s takes exp(-s²w²/2) of a sine of w: nothing at 1 a second.
    expected = np.sin(0.3 * np.sin(times))
    assert moved[_INNER, 0, 0] == pytest.approx(expected[_INNER] + 0.2 / ARM_METRES, abs=2e-3)


def features_of(points: np.ndarray) -> np.ndarray:
    return np.asarray(motion_features(jnp.array(steadied(points)[None])))[0]


def test_what_rises_is_told_from_what_falls():
    body = standing(60, 30.0)
    positions = body.positions.copy()
    positions[:, 7, 1] += 0.6 * np.arange(60) / 30  # the right hand
    rising, falling = (
        features_of(body_points(body.moved(p)))[_INNER] for p in (positions, positions[::-1])
    )
    # 6 speeds, then x y z of each point, for which the mean square of both hands' speeds is 1.
    up = 6 + 3 * POINTS.index("right hand") + 1
    assert rising[:, up] == pytest.approx(np.full(len(rising), np.sqrt(2)), rel=0.02)
    assert falling[:, up] == pytest.approx(-rising[:, up], rel=1e-3)
    assert rising[:, 1] == pytest.approx(falling[:, 1], rel=1e-3)


def test_size_place_and_facing_do_not_matter():
    body = swinging(0.5 * np.sin(np.arange(200) / 10), 30.0)
    walked = body.positions + 0.01 * np.arange(200)[:, None, None] * np.array([0.0, 0.0, 1.0])
    body = body.moved(walked)
    turn = Rotation.from_euler("y", 131, degrees=True)
    moved = 1.7 * turn.apply(body.positions.reshape(-1, 3).copy()).reshape(body.positions.shape)
    other = body.moved(moved + np.array([3.0, -0.4, 12.0]))
    first, second = body_points(body), body_points(other)
    np.testing.assert_allclose(second, first, atol=1e-5)
    np.testing.assert_allclose(features_of(second), features_of(first), atol=1e-3)


def test_speeds_do_not_change_with_the_size_of_movements():
    large, small = (
        body_points(swinging(a * np.sin(np.arange(300) / 9), 30.0)) for a in (0.4, 0.02)
    )
    features = [
        np.asarray(motion_features(jnp.array(steadied(points)[None]))) for points in (large, small)
    ]
    speeds = [found[0, _INNER, : len(POINTS)] for found in features]
    np.testing.assert_allclose(speeds[0], speeds[1], atol=0.05)


def test_a_still_body_is_finite_and_a_body_may_have_no_head():
    assert np.isfinite(steadied(body_points(standing(60, 30.0)))).all()
    headless = ("Hips", "Spine9", *SKELETON.names[2:])
    body = Trajectories(
        standing(60, 30.0).positions, 30.0, Skeleton(headless, SKELETON.parents, np.zeros((8, 3)))
    )
    assert not body_points(body)[:, POINTS.index("head")].any()


def test_one_frame_is_one_frame():
    assert steadied(body_points(standing(1, 30.0))).shape == (1, 6, 3)


def test_a_skeleton_without_arms_is_refused():
    names = ("Hips", "Spine", "Head")
    body = Trajectories(np.zeros((9, 3, 3)), 30.0, Skeleton(names, (-1, 0, 1), np.zeros((3, 3))))
    with pytest.raises(UserError, match="no left upperarm by its names"):
        body_points(body)

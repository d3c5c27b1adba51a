"""The body around a skeleton and the camera that sees it."""

from pathlib import Path

import numpy as np
import pytest

from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.skeleton import AVATAROS_9, Skeleton
from llavataros_jax.rendering.body import sculpt
from llavataros_jax.rendering.camera import frame_points
from tests.rendering.people import standing

BVH = Path(__file__).parents[2] / ".." / "shared" / "data" / "bvh"


def _skeleton(names: str, parents: tuple[int, ...]) -> Skeleton:
    joints = len(parents)
    rest = np.tile([0.0, 0.0, 0.0, 1.0], (joints, 1))
    return Skeleton(tuple(names.split()), parents, np.ones((joints, 3)) * 0.1, rest, {})


def test_nine_joints_get_head_hips_and_hands():
    motion = standing(20)
    body = sculpt(motion)
    centres = body.centres(motion.frames)
    head = [s for part in body.parts if part.tint == "head" for hull in part.hulls for s in hull]
    shoulder = motion.positions[0, 3, 1]
    assert 0.25 < centres[0, head, 1].max() + 0.094 - shoulder < 0.40
    assert centres[0, :, 1].min() < motion.positions[0, 0, 1]
    assert set(body.hands) == {"left", "right"}
    np.testing.assert_allclose(centres[:, body.hands["left"]], motion.positions[:, 8], atol=1e-12)
    np.testing.assert_allclose(body.forward, [0, 0, 1], atol=0.05)


def test_body_turns_with_its_motion():
    motion = standing(5)
    turned = motion.frames.copy()
    turned[..., 0], turned[..., 2] = motion.frames[..., 2], -motion.frames[..., 0]
    turned[..., 3:] = [0, np.sqrt(0.5), 0, np.sqrt(0.5)]
    turned = Motion(turned, 30.0, AVATAROS_9)
    body, other = sculpt(motion), sculpt(turned)
    centres = body.centres(motion.frames)
    expected = np.stack([centres[..., 2], centres[..., 1], -centres[..., 0]], axis=-1)
    np.testing.assert_allclose(other.centres(turned.frames), expected, atol=1e-9)
    np.testing.assert_allclose(other.forward, [1, 0, 0], atol=1e-9)


def test_unknown_skeleton_is_drawn_along_its_bones():
    skeleton = _skeleton("a b c", (-1, 0, 1))
    frames = np.zeros((3, 3, 7))
    frames[..., 1] = [0.0, 0.5, 1.0]
    frames[..., 6] = 1.0
    body = sculpt(Motion(frames, 30.0, skeleton))
    assert [part.hulls for part in body.parts] == [((0, 1),), ((2, 3),)]


def test_skeleton_of_one_point_is_a_ball():
    frames = np.zeros((1, 1, 7))
    frames[..., 6] = 1.0
    body = sculpt(Motion(frames, 30.0, _skeleton("a", (-1,))))
    assert len(body.parts) == 1


@pytest.mark.parametrize(("name", "fingers"), [("gac_sample1", 30), ("067_Speech_2_x_1_0", 40)])
def test_real_skeletons_have_all_their_limbs(name, fingers):
    path = BVH / f"{name}.bvh"
    if not path.is_file():
        pytest.skip(f"needs the real recording {path.name}")
    from llavataros_jax.motion.bvh import read_bvh

    motion = read_bvh(path).cut(0, 50)
    body = sculpt(motion)
    tints = [part.tint for part in body.parts]
    assert tints.count("head") == 2
    assert tints.count("torso") == 1
    assert tints.count("legs") >= 7
    assert tints.count("left") == tints.count("right") >= fingers / 2 - 1
    height = np.ptp(body.centres(motion.frames)[0, :, 1])
    assert 1.4 < height < 2.0


def test_camera_agrees_with_opencv():
    cv2 = pytest.importorskip("cv2")
    points = np.random.default_rng(0).normal(size=(50, 3))
    camera = frame_points(
        points,
        np.full(50, 0.1),
        forward=np.array([0.6, 0.0, 0.8]),
        left_top_right_bottom=(10, 20, 630, 360),
    )
    pixels, depth = camera.project(points)
    matrix = np.diag([camera.focal_pixels, camera.focal_pixels, 1.0])
    matrix[:2, 2] = camera.centre_pixels
    shift = -camera.axes @ camera.position
    expected, _ = cv2.projectPoints(points, cv2.Rodrigues(camera.axes)[0], shift, matrix, None)
    np.testing.assert_allclose(pixels, expected[:, 0], atol=1e-6)
    np.testing.assert_allclose(np.linalg.det(camera.axes), 1.0)
    np.testing.assert_allclose(depth, (points @ camera.axes.T + shift)[:, 2])


@pytest.mark.parametrize("seed", range(5))
def test_camera_fills_the_rectangle_and_cuts_nothing(seed):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(80, 3)) * rng.uniform(0.2, 2, 3) + rng.normal(size=3) * 5
    radii = rng.uniform(0.01, 0.3, 80)
    angle = rng.uniform(0, 7)
    camera = frame_points(
        points,
        radii,
        forward=np.array([np.sin(angle), 0, np.cos(angle)]),
        left_top_right_bottom=(10, 20, 630, 360),
    )
    # Silhouettes of balls, sampled: nothing leaves the rectangle, and two borders are touched.
    around = rng.normal(size=(3000, 3))
    around /= np.linalg.norm(around, axis=1, keepdims=True)
    surface = points[:, None] + radii[:, None, None] * around
    x, y = np.moveaxis(camera.project(surface)[0], -1, 0)
    slack = np.array([x.min() - 10, y.min() - 20, 630 - x.max(), 360 - y.max()])
    assert slack.min() > -1e-6
    assert min(slack[0] + slack[2], slack[1] + slack[3]) < 8

"""Pictures: who is drawn where, in which colour, in front of whom."""

import itertools

import numpy as np
import pytest

pytest.importorskip("cv2")

from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.skeleton import AVATAROS_9
from llavataros_jax.rendering import palette
from llavataros_jax.rendering.caption import panel_backdrop
from llavataros_jax.rendering.figure import Figure, Painter
from llavataros_jax.rendering.film import draw_film
from llavataros_jax.rendering.scene import Scene
from tests.rendering.people import standing


def _picture(motion: Motion, **options) -> np.ndarray:
    scene = Scene([motion], motion.fps, motion.num_frames)
    *_, last = draw_film(scene, width=320, height=240, **options)
    return last[:230, :, ::-1].astype(int)


def _near(picture: np.ndarray, colour, tolerance: int = 40) -> np.ndarray:
    return np.argwhere(np.abs(picture - np.array(colour)).max(axis=-1) < tolerance)


def _teal(picture: np.ndarray) -> np.ndarray:
    return np.argwhere(picture[..., 1] - picture[..., 0] > 45)


def _copper(picture: np.ndarray) -> np.ndarray:
    return np.argwhere(picture[..., 0] - picture[..., 2] > 70)


def test_left_arm_is_on_our_right_in_its_colour():
    picture = _picture(standing(3))
    left, right = _teal(picture), _copper(picture)
    assert len(left) > 300
    assert len(right) > 300
    middle = _near(picture, palette.PEOPLE[0]["torso"])[:, 1].mean()
    assert left[:, 1].min() > middle > right[:, 1].max()


def test_head_is_above_the_torso():
    picture = _picture(standing(3))
    head, torso = (_near(picture, palette.PEOPLE[0][part], 25) for part in ("head", "torso"))
    assert head[:, 0].mean() < torso[:, 0].min() + 5


@pytest.mark.parametrize(("depth", "seen"), [(0.3, True), (-0.3, False)])
def test_near_arm_covers_the_torso_and_far_arm_hides(depth, seen):
    frames = standing(1).frames.copy()
    # The left forearm lies across the belly, before or behind it.
    frames[:, 7, :3] = 0.16, 1.08, depth
    frames[:, 8, :3] = -0.05, 1.08, depth
    picture = _picture(Motion(frames, 30.0, AVATAROS_9))
    teal = _teal(picture)
    torso = _near(picture, palette.PEOPLE[0]["torso"])
    middle = torso[:, 1].mean()
    assert (np.count_nonzero(np.abs(teal[:, 1] - middle) < 15) > 20) == seen


def test_pictures_do_not_depend_on_the_block(monkeypatch):
    motion = standing(40)
    whole = [picture.copy() for picture in draw_film(_scene(motion), width=160, height=120)]
    monkeypatch.setattr("llavataros_jax.rendering.film.BLOCK_FRAMES", 7)
    parts = [picture.copy() for picture in draw_film(_scene(motion), width=160, height=120)]
    np.testing.assert_array_equal(whole, parts)


def _scene(motion: Motion) -> Scene:
    return Scene([motion], motion.fps, motion.num_frames)


def test_trail_follows_the_moving_hand_only():
    motion = standing(20)
    scene = _scene(motion)
    camera = scene.camera((5, 5, 155, 115))
    figure = Figure(scene.bodies[0], scene.centres(0, np.arange(20)), palette.PEOPLE[0])
    backdrop = panel_backdrop(160, 120)

    def last(fps: float) -> np.ndarray:
        *_, picture = Painter(camera, backdrop, floor=None, fps=fps).draw([figure])
        return picture.astype(int)

    changed = np.abs(last(30.0) - last(0.0)).max(axis=-1) > 3
    assert changed.any()
    assert np.argwhere(changed)[:, 1].min() > 80


def test_shadow_darkens_the_floor():
    motion = standing(1)
    scene = _scene(motion)
    camera = scene.camera((5, 5, 155, 100))
    figure = Figure(scene.bodies[0], scene.centres(0, np.arange(1)), palette.PEOPLE[0])
    backdrop = panel_backdrop(160, 120)
    (with_shadow,) = Painter(camera, backdrop, floor=scene.floor(), fps=0).draw([figure])
    (without,) = Painter(camera, backdrop, floor=None, fps=0).draw([figure])
    difference = with_shadow.astype(int) - without
    assert difference.max() <= 1
    assert difference[90:].min() < -15
    assert difference[:50].min() >= -1


def test_two_people_stand_apart_and_face_each_other():
    scene = Scene([standing(10), standing(6, fps=15.0)], 30.0, 10)
    first, second = (scene.centres(person, np.arange(10)) for person in (0, 1))
    assert first[..., 0].max() < 0 < second[..., 0].min()
    faces = [turn @ body.forward for turn, body in zip(scene.turns, scene.bodies, strict=True)]
    assert faces[0][0] > 0.3
    assert faces[1][0] < -0.3
    assert min(face[2] for face in faces) > 0.7


def test_two_people_may_face_alike_to_be_compared():
    scene = Scene([standing(10), standing(10)], 30.0, 10, facing_alike=True)
    faces = [turn @ body.forward for turn, body in zip(scene.turns, scene.bodies, strict=True)]
    np.testing.assert_allclose(faces[0], faces[1], atol=1e-9)
    first, second = (scene.centres(person, np.arange(10)) for person in (0, 1))
    assert first[..., 0].max() < 0 < second[..., 0].min()


def test_shorter_second_motion_holds_its_last_pose():
    scene = Scene([standing(10), standing(3)], 30.0, 10)
    second = scene.centres(1, np.arange(10))
    np.testing.assert_allclose(second[2:], np.broadcast_to(second[2], second[2:].shape))
    assert np.abs(second[1] - second[2]).max() > 1e-4


def test_frames_between_frames_are_interpolated():
    motion = standing(10, fps=30.0)
    scene = Scene([motion], 60.0, 20)
    centres = scene.centres(0, np.arange(19))
    np.testing.assert_allclose(centres[1:-1:2], (centres[:-2:2] + centres[2::2]) / 2, atol=1e-12)


def test_more_than_two_stand_in_a_row_with_their_names_below():
    scene = Scene([standing(4) for _ in range(4)], 30.0, 4)
    faces = [turn @ body.forward for turn, body in zip(scene.turns, scene.bodies, strict=True)]
    np.testing.assert_allclose(faces, np.broadcast_to(faces[0], (4, 3)), atol=1e-9)
    people = [scene.centres(person, np.arange(4)) for person in range(4)]
    for left, right in itertools.pairwise(people):
        assert left[..., 0].max() < right[..., 0].min()
    plain = next(draw_film(scene, width=640, height=240)).astype(int)
    named = next(draw_film(scene, width=640, height=240, labels=("real", "", "", "flow")))
    below = np.abs(named - plain)[215:].max(axis=(0, 2))
    columns = np.flatnonzero(below > 20)
    for person, is_named in enumerate((True, False, False, True)):
        inside = (columns >= 160 * person) & (columns < 160 * (person + 1))
        assert inside.any() == is_named

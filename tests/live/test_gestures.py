"""Gestures that are asked for: who moves how, blended without a jump, in any skeleton."""

import copy
import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from llavataros.live.gestures import Gesture, PlacedGesture, read_gestures, shipped_gestures
from llavataros_jax.errors import UserError
from llavataros_jax.motion.bvh import write_bvh
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.npy import read_npy, write_npy
from llavataros_jax.motion.skeleton import AVATAROS_9, Skeleton
from llavataros_jax.trained import TrainedRun
from tests.live.small import FPS, RATE, joints, moved, opened, small_engine, small_run, sound

CORPUS = Path(__file__).parents[2] / "corpus"
HANDS = {"right": 5, "left": 8}


def run_in(motion: Motion) -> TrainedRun:
    """Returns the small run with the codec of another body; nothing of it can be animated."""
    run, codec = small_run(), PoseCodec.measure([(motion, 0)], 1)
    other = copy.copy(run.animator)
    other.codec = codec.fit([codec.encode(motion)])
    return dataclasses.replace(run, animator=other)


def shown(gesture: Gesture, poses: np.ndarray, codec: PoseCodec) -> Motion:
    layer = PlacedGesture(gesture, 10)
    return codec.decode(layer.over(poses, np.arange(len(poses))), FPS)


def test_the_shipped_ones_move_the_hands_where_their_forms_say():
    motion = read_npy(CORPUS / "ada_1.npz")
    run = run_in(motion)
    codec, library = run.animator.codec, shipped_gestures(run)
    assert {"beat", "no", "stop", "give", "question"} < set(library.names)
    still = np.tile(codec.encode(motion)[3:4], (140, 1)).astype(np.float64)
    plain = codec.decode(still, FPS)
    for name in library.names:
        clip = shown(library[name], still, codec)
        away = np.linalg.norm(clip.positions - plain.positions, axis=-1).max(axis=0)
        assert away[0] == 0, "the hips are left alone"
        assert away[list(HANDS.values())].max() > 0.1
        assert np.abs(clip.frames[:11] - plain.frames[:11]).max() < 1e-9
        assert np.abs(clip.frames[-20:] - plain.frames[-20:]).max() < 1e-9
        assert np.linalg.norm(np.diff(clip.positions, axis=0), axis=-1).max() * FPS < 3.5
    # A wrist is 8 cm above the shoulder and 42 cm before Spine3 when it says stop.
    stop = shown(library["stop"], still, codec)
    hand = stop.positions[:, HANDS["right"]] - stop.positions[:, 2]
    assert np.abs(hand - [-0.20, 0.08, 0.42]).max(axis=1).min() < 0.06
    assert np.linalg.norm(stop.positions[:, 8] - plain.positions[:, 8], axis=1).max() < 0.05


def test_hands_that_are_busy_get_to_a_gesture_no_faster_than_they_ever_move():
    motion = read_npy(CORPUS / "ada_1.npz")
    run = run_in(motion)
    codec, library = run.animator.codec, shipped_gestures(run)
    poses = codec.encode(motion).astype(np.float64)
    fastest = np.linalg.norm(np.diff(motion.positions, axis=0), axis=-1).max()
    for name in ("no", "stop", "big", "beat"):
        for first in range(5, 300, 60):
            layer, part = PlacedGesture(library[name], first), slice(first - 5, first + 100)
            moved = codec.decode(layer.over(poses, np.arange(len(poses)))[part], FPS)
            assert np.linalg.norm(np.diff(moved.positions, axis=0), axis=-1).max() <= fastest


def test_weights_are_smooth_and_strength_scales_them():
    poses = np.zeros((60, 4))
    replaced, added = np.array([1, 0, 0, 0], bool), np.array([0, 1, 0, 0], bool)
    clip = np.ones((60, 4))
    clip[:, 1] = 5 + np.linspace(0, 1, 60)
    gesture = Gesture(clip, replaced, added, FPS)
    frames = np.arange(-20, 100)
    weights = gesture.weights(frames)
    assert (weights[:21] == 0).all()
    assert (weights[79:] == 0).all()
    assert weights.max() == 1
    assert np.abs(np.diff(weights, 3)).max() < 0.02
    over = PlacedGesture(gesture, 100, 0.5).over(poses, np.arange(100, 160))
    np.testing.assert_allclose(over[:, 0], 0.5 * weights[20:80])
    np.testing.assert_allclose(over[:, 1], 0.5 * weights[20:80] * np.linspace(0, 1, 60))
    assert (over[:, 2:] == 0).all()


def test_a_short_clip_is_eased_within_itself():
    gesture = Gesture(np.ones((15, 1)), np.ones(1, bool), np.zeros(1, bool), FPS)
    weights = gesture.weights(np.arange(15))
    assert weights[0] == weights[-1] == 0
    assert weights.max() > 0.95


def test_clips_of_other_skeletons_turn_the_same_bones_the_same_way(tmp_path):
    """The same person in a file whose joints have other names, axes and an A-pose at rest."""
    motion = read_npy(CORPUS / "ada_1.npz").cut(60, 120)
    codec = small_run().animator.codec
    direct = read_gestures(written(tmp_path / "a", wave=motion), small_run())["wave"]
    names = ("pelvis", "spine_01", "spine_03", "upperarm_r", "lowerarm_r", "hand_r",
             "upperarm_l", "lowerarm_l", "hand_l")  # fmt: skip
    turned = motion.with_rest(Rotation.random(9, np.random.default_rng(1)).as_quat())
    renamed = dataclasses.replace(
        turned, skeleton=dataclasses.replace(turned.skeleton, names=names)
    )
    folder = tmp_path / "b"
    folder.mkdir()
    write_bvh(folder / "wave.bvh", renamed, metres_per_unit=0.01)
    told = read_gestures(folder, small_run())["wave"]
    assert (told.replaced == direct.replaced).all()
    for which in (told.replaced, told.added & (np.arange(codec.pose_size) < 3 + 54)):
        np.testing.assert_allclose(
            angles(told.poses, which), angles(direct.poses, which), atol=0.06
        )


def angles(poses: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Returns how far the joints of some numbers are turned from their first frame, radians."""
    sixd = poses[:, 3:57].reshape(len(poses), 9, 3, 2)
    chosen = sixd[:, which[3:57].reshape(9, 6).all(axis=1)]
    first = chosen[..., 0]
    first = first / np.linalg.norm(first, axis=-1, keepdims=True)
    return np.arccos(np.clip((first * first[:1]).sum(-1), -1, 1))


def written(folder: Path, **motions: Motion) -> Path:
    folder.mkdir()
    for name, motion in motions.items():
        write_npy(folder / f"{name}.npy", motion)
    return folder


def test_a_folder_adds_to_the_shipped_ones_and_replaces_those_of_its_names(tmp_path):
    motion = read_npy(CORPUS / "ada_1.npz").cut(60, 120)
    library = read_gestures(written(tmp_path / "own", wave=motion, no=motion), small_run())
    assert {"beat", "wave", "no"} < set(library.names)
    assert len(library["no"].poses) == 60
    with pytest.raises(UserError, match="gesture 'yes' is unknown; known are beat, me"):
        library["yes"]


def test_folders_that_hold_no_gestures_are_refused(tmp_path):
    motion = read_npy(CORPUS / "ada_1.npz").cut(0, 90)
    with pytest.raises(UserError, match=r"nowhere is no folder"):
        read_gestures(tmp_path / "nowhere", small_run())
    with pytest.raises(UserError, match="holds 0 motion files"):
        read_gestures(written(tmp_path / "empty"), small_run())
    folder = written(tmp_path / "twice", wave=motion)
    write_bvh(folder / "wave.bvh", motion, metres_per_unit=0.01)
    with pytest.raises(UserError, match="two files called wave"):
        read_gestures(folder, small_run())
    with pytest.raises(UserError, match=r"blink.npy lasts 0.10 s, but must last from 0.5"):
        read_gestures(written(tmp_path / "short", blink=motion.cut(0, 3)), small_run())
    folder = tmp_path / "dog"
    folder.mkdir()
    dog = Skeleton(("trunk", "tail"), (-1, 0), np.array([[0, 0.3, 0], [0, 0, -0.2]]))
    frames = np.zeros((60, 2, 7))
    frames[..., 6], frames[:, 1, 2] = 1, -0.2
    write_bvh(folder / "wag.bvh", Motion(frames, FPS, dog), metres_per_unit=0.01)
    with pytest.raises(UserError, match=r"wag has no joint that is known to be"):
        read_gestures(folder, small_run())


def test_a_gesture_is_seen_from_the_next_frame_on_and_the_rest_is_as_without():
    length = len(small_engine()[0].gestures["stop"].poses)
    with opened(seed=1) as plain, opened(seed=1) as session:
        for each in (plain, session):
            each.hear(sound(1, 3.2), RATE)
        moved()
        first = session.take(20)
        assert session.gesture("stop") == pytest.approx(20 / FPS)
        assert session.gesture("stop", at_seconds=0.1, strength=0.5) == pytest.approx(20 / FPS)
        assert session.gesture("beat", at_seconds=200.0) == pytest.approx(200.0)
        with pytest.raises(UserError, match="strength is 2, but must be above 0"):
            session.gesture("stop", strength=2)
        with pytest.raises(UserError, match="a gesture at nan s"):
            session.gesture("stop", at_seconds=float("nan"))
        for each in (plain, session):
            each.end()
        moved()
        usual, waved = joints(plain.take()), joints(first + session.take())
    apart = np.abs(usual - waved).max(axis=(1, 2))
    assert (apart[:21] == 0).all()
    assert apart[20 + length // 2] > 0.1
    assert len(apart) > 20 + length
    assert apart[20 + length :].max() < 1e-6


def test_frames_made_before_and_after_it_was_asked_for_agree():
    """Half of the gesture lies in frames that wait, half in those to come."""
    with opened(seed=1) as early, opened(seed=1) as late:
        early.gesture("no", at_seconds=0.5)
        for session in (early, late):
            session.hear(sound(1, 1.5), RATE)
        moved()
        late.gesture("no", at_seconds=0.5)
        for session in (early, late):
            session.hear(sound(2, 1.0), RATE)
            session.end()
        moved()
        np.testing.assert_allclose(joints(early.take()), joints(late.take()), atol=1e-6)


def test_an_interruption_ends_gestures_and_later_ones_do_not_reach_before_it():
    with opened(seed=1, silence="fill") as session:
        session.hear(sound(1, 1.6), RATE)
        session.gesture("question")
        session.gesture("no", at_seconds=1.2)
        moved()
        before = session.take()
        assert session.interrupt(30) == 30
        assert session.gesture("stop") == 1.0
        small_engine()[1].now += 0.9
        moved()
        frames = session.take()
        assert frames[-1].index == 30 + 26
        usual = np.linalg.norm(np.diff(joints(before)[..., :3], axis=0), axis=-1).max()
        seam = np.diff(joints(before[:30] + frames)[28:36, :, :3], axis=0)
        assert np.linalg.norm(seam, axis=-1).max() <= usual


def test_too_many_gestures_are_refused():
    with opened() as session:
        for _ in range(100):
            session.gesture("beat", at_seconds=5.0)
        with pytest.raises(UserError, match="100 gestures are to come already"):
            session.gesture("beat")


def test_a_run_in_whose_skeleton_nothing_can_be_told_has_none():
    names = tuple(f"j{joint}" for joint in range(9))
    skeleton = dataclasses.replace(AVATAROS_9, names=names)
    motion = read_npy(CORPUS / "ada_1.npz").cut(0, 60)
    run = run_in(dataclasses.replace(motion, skeleton=skeleton))
    assert shipped_gestures(run).names == ()

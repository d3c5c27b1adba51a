"""What is drawn for a copy, and motion that was changed by it."""

import dataclasses
import hashlib
import json

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.stats import kstest

from data_prep.clips.change import Change, draw_change
from data_prep.clips.changed_motion import changed_frames, changed_motion
from data_prep.sound.changed_sound import SoundChange
from llavataros_jax.config import AugmentationConfig
from llavataros_jax.errors import UserError
from llavataros_jax.motion.mirror import mirror
from tests.data_prep.recordings import make_motion

CONFIG = AugmentationConfig(copies=2, time_warp=0.2, pitch_semitones=3, seed=7)


def draw(config: AugmentationConfig = CONFIG, name: str = "a", number: int = 1) -> Change:
    return draw_change(config, name, number, is_mirrored=False)


def sound_of(change: Change) -> SoundChange:
    assert change.sound is not None
    return change.sound


def test_a_number_is_what_its_address_hashes_to():
    address = json.dumps([7, "a", 1, "speed"]).encode()
    digest = hashlib.blake2b(address, digest_size=16).hexdigest()
    wanted = 1 + 0.2 * (2 * int(digest[:16], 16) / 2**64 - 1)
    assert draw().speed == pytest.approx(wanted, abs=1e-15)


def test_seed_clip_and_number_count_and_nothing_else_of_a_range():
    changes = [draw(), draw(name="b"), draw(number=2), draw(dataclasses.replace(CONFIG, seed=8))]
    assert len({change.speed for change in changes}) == 4
    more = dataclasses.replace(CONFIG, copies=9, pitch_semitones=1, noise_decibels=None)
    assert draw(more).speed == draw().speed
    assert sound_of(draw(more)).pitch_semitones == pytest.approx(
        sound_of(draw()).pitch_semitones / 3
    )
    assert sound_of(draw(more)).noise == "none"
    assert draw().sound != draw().interlocutor


def test_everything_is_drawn_evenly_from_its_range():
    changes = [draw(number=number) for number in range(1, 401)]
    drawn = {
        (0.8, 1.2): [change.speed for change in changes],
        (0.9, 1.1): [change.amplitude for change in changes],
        (-3, 3): [sound_of(change).pitch_semitones for change in changes],
        (-6, 6): [sound_of(change).low_decibels for change in changes],
        (20, 40): [sound_of(change).noise_decibels for change in changes],
    }
    for (low, high), values in drawn.items():
        assert kstest(values, "uniform", (low, high - low)).pvalue > 1e-3
    assert 100 < sum(sound_of(change).noise == "pink" for change in changes) < 300


def test_faster_motion_shows_at_t_what_was_seen_at_t_times_speed():
    fine, motion = make_motion(3, 4.0, fps=6000), make_motion(3, 4.0, fps=120)
    for speed in (0.9, 1.07):
        found = changed_motion(motion, Change(speed=speed))
        assert found.num_frames == changed_frames(480, speed, 120) == round(480 / speed)
        assert found.fps == 120
        inside = np.arange(int(479 / speed))
        wanted = fine.positions[np.rint(inside * speed * 50).astype(int)]
        np.testing.assert_allclose(found.positions[inside], wanted, atol=1e-3)


def test_movement_grows_about_its_slow_course_and_bones_do_not():
    motion = make_motion(3, 4.0, fps=30)
    found = changed_motion(motion, Change(amplitude=1.3))
    root = motion.positions[:, 0]
    slow = gaussian_filter1d(root, 30, axis=0, mode="nearest")
    np.testing.assert_allclose(found.positions[:, 0], slow + 1.3 * (root - slow), atol=1e-9)
    np.testing.assert_allclose(
        found.local_offsets()[:, 1:], motion.local_offsets()[:, 1:], atol=1e-12
    )
    turned = [np.diff(m.local_quaternions(), axis=0).std() for m in (motion, found)]
    assert 1.15 < turned[1] / turned[0] < 1.35


def test_a_mirror_image_is_the_mirrors_and_no_change_is_none():
    motion = make_motion(3, 2.0, fps=30)
    np.testing.assert_array_equal(changed_motion(motion, Change()).frames, motion.frames)
    found = changed_motion(motion, Change(is_mirrored=True))
    np.testing.assert_array_equal(found.frames, mirror(motion).frames)


def test_a_body_without_sides_has_no_mirror_image():
    motion = make_motion(3, 1.0, fps=30)
    names = tuple(f"joint {number}" for number in range(motion.skeleton.num_joints))
    nameless = dataclasses.replace(motion.skeleton, names=names)
    with pytest.raises(UserError, match=r"none of its 9 joints .* augmentation\.mirror=false"):
        changed_motion(dataclasses.replace(motion, skeleton=nameless), Change(is_mirrored=True))

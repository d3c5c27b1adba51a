"""An interruption: what was not spoken is forgotten, and the body comes to rest without a jump."""

import dataclasses
from contextlib import ExitStack

import numpy as np
import pytest

from data_prep.words.word import Word
from llavataros.live.inertia import Inertia
from llavataros.live.lane import OTHER_WAIT_SECONDS
from tests.live.small import (
    DELAY,
    FPS,
    RATE,
    heard_whole,
    joints,
    moved,
    offline,
    opened,
    silent,
    small_engine,
    small_run,
    sound,
)


def poses_of(frames: np.ndarray) -> np.ndarray:
    """Returns poses of the small run of frames of its speaker."""
    from llavataros_jax.motion.motion import Motion

    codec = small_run().animator.codec
    return codec.encode(Motion(frames, FPS, codec.skeleton)).astype(np.float64)


def test_frames_from_there_on_are_those_of_a_new_silent_stream_with_the_jump_faded():
    clock, taken_of = small_engine()[1], (0, 1, 20)
    with ExitStack() as stack:
        sessions = {
            taken: stack.enter_context(opened(seed=1, silence="fill")) for taken in taken_of
        }
        for session in sessions.values():
            session.hear(sound(1, 1.1), RATE)
        moved()
        frames = {taken: session.take(taken) for taken, session in sessions.items()}
        for taken, session in sessions.items():
            assert session.interrupt() == taken
            assert session.seconds_heard == pytest.approx((taken + DELAY) / FPS)
        moved()
        assert not any(session.waiting_frames for session in sessions.values())
        for seconds in (0.7, 0.5):
            clock.now += seconds
            moved()
        for session in sessions.values():
            session.end()
        moved()
        for taken, session in sessions.items():
            frames[taken] += session.take()
    for taken, found in frames.items():
        assert [frame.index for frame in found] == list(range(taken + DELAY + 36))
        fresh = offline(silent(len(found) - taken), seed=1).frames
        check_faded(joints(found), fresh, taken)


def check_faded(found: np.ndarray, fresh: np.ndarray, taken: int) -> None:
    """Checks frames of which those from one on are of another motion."""
    if taken == 0:
        np.testing.assert_allclose(found, fresh, atol=1e-5)
        return
    shown, rest = poses_of(found), poses_of(fresh)
    last = shown[taken - 1]
    velocity = (last - shown[taken - 2]) * FPS if taken > 1 else 0 * last
    jump = Inertia(taken, last - rest[0], velocity, FPS)
    wanted = jump.over(rest, np.arange(taken, len(found)))
    # A rotation's 6D vector is made one again when it is decoded, so the root's place is compared.
    np.testing.assert_allclose(shown[taken:, :3], wanted[:, :3], atol=1e-5)
    after = jump.end_frame
    assert after < taken + FPS
    np.testing.assert_allclose(found[after:], fresh[after - taken :], atol=1e-5)


def test_frames_that_were_taken_can_be_made_anew_and_later_ones_are_brought_forward():
    with opened(seed=1) as session:
        session.hear(sound(1, 1.4), RATE)
        moved()
        first = session.take(30)
        assert session.interrupt(12) == 12
        small_engine()[1].now += 0.4
        moved()
        again = session.take()
        assert [frame.index for frame in again] == list(range(12, 12 + 12))
        assert session.interrupt(1000) == 24
        seam = np.concatenate([joints(first[:12]), joints(again)])
        steps = np.linalg.norm(np.diff(seam[..., :3], axis=0), axis=-1)
        usual = np.linalg.norm(np.diff(joints(first)[..., :3], axis=0), axis=-1)
        assert steps[11:].max() <= usual.max()


def test_without_filling_the_body_has_a_second_to_come_to_rest():
    clock = small_engine()[1]
    with opened(seed=1) as session:
        session.hear(sound(1, 0.8), RATE)
        moved()
        session.take(10)
        session.interrupt()
        for _ in range(40):
            clock.now += 0.1
            moved()
        assert session.frames_made == 10 + FPS - DELAY
        session.hear(sound(2, 0.5), RATE)  # what is said next follows the silence
        session.end()
        moved()
        assert session.frames_made == 10 + FPS + 15


def test_an_ended_session_comes_to_rest_too():
    with opened(seed=1) as session:
        session.hear(sound(1, 1.2), RATE)
        session.end()
        session.interrupt(0)
        moved()
        assert session.frames_made == FPS
        assert len(session.take()) == FPS
        assert session.is_over
        assert session.interrupt() == FPS


def test_words_that_were_not_spoken_are_forgotten_and_times_go_on():
    with opened(seed=1, words="timed", silence="fill") as session:
        session.begin_utterance()
        session.hear(sound(1, 1.0), RATE)
        session.say([Word("hello", 0.1, 0.4), Word("nobody", 0.7, 0.9)])
        moved()
        session.take(5)
        session.interrupt()
        start = session.begin_utterance()
        assert start == pytest.approx((5 + DELAY) / FPS)
        session.hear(sound(2, 1.0), RATE)
        session.say([Word("again", start + 0.1, start + 0.5)], known_until_seconds=start + 1.0)
        session.end()
        moved()
        frames = session.take()
    whole = np.concatenate([silent(DELAY), sound(2, 1.0)])
    shift = DELAY / FPS
    fresh = offline(whole, (Word("again", shift + 0.1, shift + 0.5),), seed=1).frames
    np.testing.assert_allclose(joints(frames)[FPS:], fresh[FPS:], atol=1e-5)


def test_sound_that_is_being_heard_is_dropped_with_the_sentence():
    """A long piece is heard bit by bit; the rest of it is not of the next sentence."""
    with opened(seed=1) as session:
        heard = session.listening.hear

        def interrupted(*given):
            heard(*given)
            session.listening.hear = heard
            session.interrupt()

        session.listening.hear = interrupted  # pyright: ignore[reportAttributeAccessIssue]
        session.hear(sound(1, 3.0), RATE)
        assert session.seconds_heard == pytest.approx(DELAY / FPS)


def test_the_other_person_is_heard_on():
    clock = small_engine()[1]
    mine, yours = sound(1, 1.0), sound(2, 2.4)
    with opened(seed=1, people=2, silence="fill") as session:
        session.hear(mine, RATE)
        session.hear(yours[:RATE], RATE, person=1)
        moved()
        session.take(14)
        assert session.interrupt(10) == 10
        moved()
        clock.now += OTHER_WAIT_SECONDS / 2
        session.hear(yours[RATE:], RATE, person=1)
        for _ in range(10):
            clock.now += 0.1
            moved()
        frames = session.take()
        assert frames[0].index == 10
    whole = heard_whole(yours)
    after = dataclasses.replace(whole, audio=whole.audio[10:], word_index=whole.word_index[10:])
    fresh = offline(silent(62), other=after, seed=1).frames
    assert FPS + 10 < len(frames) < 62
    np.testing.assert_allclose(joints(frames)[FPS:], fresh[FPS : len(frames)], atol=1e-5)

"""The wall clock brings silence while nobody speaks, and words are waited for so long."""

from contextlib import ExitStack

import numpy as np
import pytest

from data_prep.words.word import Word
from llavataros.live.fill_clock import FillClock
from llavataros.live.lane import OTHER_WAIT_SECONDS
from llavataros_jax.errors import UserError
from tests.live.small import (
    DELAY,
    FPS,
    LANES,
    RATE,
    heard_whole,
    joints,
    moved,
    offline,
    opened,
    silent,
    small_engine,
    sound,
)


def passed(seconds: float, step: float = 0.05) -> None:
    """Lets time pass while the engine runs."""
    clock = small_engine()[1]
    for _ in range(round(seconds / step)):
        clock.now += step
        moved()


def test_the_body_goes_on_through_silence_and_speech_without_a_seam():
    with opened(seed=1, silence="fill") as session:
        passed(1.0)
        assert session.frames_made == FPS - DELAY
        start = session.begin_utterance()
        assert start == pytest.approx(1.0)
        session.hear(sound(1, 0.9), RATE)  # all at once, faster than real time
        moved()
        assert session.seconds_heard == pytest.approx(1.9)
        session.end_utterance()
        passed(0.8)
        assert session.seconds_heard == pytest.approx(1.9)
        passed(0.6)
        assert session.seconds_heard == pytest.approx(2.4, abs=0.034)
        session.end()
        moved()
        frames = session.take()
    rest = silent(len(frames) - 57)
    whole = np.concatenate([silent(FPS), sound(1, 0.9), rest])
    np.testing.assert_allclose(joints(frames), offline(whole, seed=1).frames, atol=1e-5)


def test_sound_that_is_late_stops_the_clock_until_it_came():
    with opened(silence="fill") as session:
        session.begin_utterance()
        session.hear(sound(1, 0.2), RATE)
        passed(3.0, 0.5)
        session.hear(sound(1, 0.2), RATE)
        passed(3.0, 0.5)
        session.end_utterance()
        moved()
        assert session.seconds_heard == pytest.approx(0.4)
        passed(0.5)
        assert session.seconds_heard == pytest.approx(0.9, abs=0.034)


def test_sound_opens_an_utterance_by_itself():
    with opened(silence="fill") as session:
        passed(0.5)
        session.hear(sound(1, 0.5), RATE)
        passed(2.0)
        assert session.seconds_heard == pytest.approx(1.0)


def test_a_machine_that_stood_still_owes_no_more_than_a_second():
    clock = FillClock(10.0)
    clock.advance(500.0, 0.0, is_spoken=False)
    assert clock.due_frames(0.0, 30) == 30
    clock.advance(499.0, 1.0, is_spoken=False)  # nor goes back
    assert clock.due_frames(1.0, 30) == 0
    assert clock.next_monotonic(1.0, 30) == pytest.approx(499.0 + 1 / 30)


def test_silent_frames_of_all_sessions_are_due_together():
    clock, passes = small_engine()[1], 0
    with ExitStack() as stack:
        sessions = []
        for lane in range(LANES):
            sessions.append(stack.enter_context(opened(silence="fill")))
            clock.now += 0.011 * (lane + 1)
        for _ in range(500):
            clock.now += 0.002
            passes += moved()
        assert passes in (30, 31)
        heard = [session.seconds_heard for session in sessions]
        np.testing.assert_allclose(heard, 1.0, atol=0.1)


def test_silence_is_not_brought_to_whom_nobody_reads():
    with opened(silence="fill", ahead_seconds=1.0) as session:
        passed(2.5, 0.25)
        assert session.waiting_frames == FPS
        assert session.seconds_heard <= (2 * FPS + DELAY) / FPS
        held = session.take()
        passed(0.5)
        assert session.waiting_frames == pytest.approx(FPS * 0.5, abs=16)
        assert session.take()[0].index == held[-1].index + 1


def test_words_that_do_not_come_are_waited_for_and_then_given_up_with_one_notice():
    clock = small_engine()[1]
    with opened(words="timed", words_wait_seconds=0.5) as session:
        session.hear(sound(1, 0.4), RATE)
        session.say([Word("hello", 0.05, 0.2)])
        moved()
        assert session.lane.heard_frames == 6
        for _ in range(12):
            clock.now += 0.1
            session.hear(sound(2, 0.1), RATE)
            moved()
        assert session.seconds_heard == pytest.approx(1.6)
        assert session.lane.heard_frames == pytest.approx(1.1 * FPS, abs=3)
        (notice,) = session.notices
        assert "did not come within 0.5 s of it" in notice
        passed(0.6)  # no more sound comes either
        assert session.lane.heard_frames == 48
        session.say([Word("late", 0.3, 0.6)])
        session.hear(sound(2, 0.1), RATE)
        assert len(session.notices) == 2
        session.end_utterance()
        moved()
        assert session.lane.heard_frames == 51
        session.begin_utterance()
        session.hear(sound(2, 0.3), RATE)
        passed(0.6)
        assert len(session.notices) == 3


def test_words_that_come_after_all_of_their_sound_are_used():
    """As of a voice that is made faster than it is spoken, whose words come in another message."""
    samples, words = sound(1, 1.5), (Word("hello", 0.1, 0.5), Word("you", 1.2, 1.4))
    with opened(seed=2, words="timed") as session:
        session.hear(samples, RATE)
        passed(0.9)
        assert session.lane.heard_frames == 0
        session.say(words)
        session.end()
        moved()
        frames = joints(session.take())
        assert not session.notices
    np.testing.assert_allclose(frames, offline(samples, words, seed=2).frames, atol=1e-5)


def test_text_without_times_is_placed_as_the_sound_comes():
    with opened(seed=2, words="untimed") as session, opened(seed=2) as wordless:
        session.say_text("hello there, you all ")
        for each in (session, wordless):
            each.hear(sound(1, 1.5), RATE)
            each.end()
        moved()
        with_words, without = joints(session.take()), joints(wordless.take())
    assert with_words.shape == without.shape == (45, 9, 7)
    assert np.abs(with_words - without).max() > 1e-4


def test_silence_does_not_part_a_word_of_which_the_rest_is_to_come():
    with (
        opened(seed=2, words="untimed", silence="fill") as parted,
        opened(seed=2, words="untimed", silence="fill") as whole,
    ):
        passed(0.1, 0.1)
        parted.say_text("hel")
        passed(0.1, 0.1)
        parted.say_text("lo there ")
        whole.say_text("hello there ")
        frames = []
        for session in (parted, whole):
            session.hear(sound(1, 0.7), RATE)
            session.end()
            moved()
            frames.append(joints(session.take()))
    np.testing.assert_array_equal(*frames)


def test_sound_that_is_refused_opens_no_utterance():
    with opened(silence="fill") as session:
        with pytest.raises(UserError, match="not a finite"):
            session.hear(np.full(1600, np.nan, np.float32), RATE)
        passed(0.4, 0.1)
        assert session.seconds_heard == pytest.approx(0.4)


def test_two_people_are_heard_as_in_the_recording():
    mine, yours = sound(1), sound(2)
    with opened(seed=3, people=2) as session:
        session.hear(mine, RATE)
        session.hear(yours[:4800], RATE, person=1)
        moved()
        assert session.lane.heard_frames == 9
        session.hear(yours[4800:], RATE, person=1)
        session.end()
        moved()
        frames = joints(session.take())
    whole = offline(mine, other=heard_whole(yours), seed=3)
    np.testing.assert_allclose(frames, whole.frames, atol=1e-5)
    assert np.abs(frames - offline(mine, seed=3).frames).max() > 1e-4


def test_nobody_is_waited_for_longer_than_a_second():
    samples = sound(1)
    with opened(seed=3, people=2) as session:
        session.hear(samples, RATE)
        passed(OTHER_WAIT_SECONDS - 0.1, 0.1)
        assert session.lane.heard_frames == 0
        passed(0.2, 0.1)
        assert session.lane.heard_frames == 45
        session.end()
        moved()
        frames = joints(session.take())
    np.testing.assert_allclose(frames, offline(samples, seed=3).frames, atol=1e-5)


def test_another_person_who_was_away_is_heard_where_the_stream_is():
    clock = small_engine()[1]
    with opened(people=2, words="timed") as session:
        session.hear(sound(1, 2.0), RATE)
        session.say([], known_until_seconds=2.0)
        session.say([], person=1)
        session.hear(sound(2, 0.5), RATE, person=1)
        session.say([], person=1, known_until_seconds=0.5)
        moved()
        assert session.lane.heard_frames == 15
        clock.now += OTHER_WAIT_SECONDS
        small_engine()[0].step()
        session.hear(sound(2, 0.5), RATE, person=1)
        assert session.listening.ears[1].seconds_heard == pytest.approx(31 / FPS)
        session.say([Word("there", 0.6, 0.9)], person=1, known_until_seconds=31 / FPS)
        moved()
        assert session.lane.heard_frames == 31
        assert not session.notices


def test_an_utterance_of_an_ended_session_is_refused():
    with opened() as session:
        session.end()
        for call in (session.begin_utterance, session.end_utterance, session.end):
            with pytest.raises(UserError, match="was ended"):
                call()

"""Sessions side by side: each as if it were alone, and as the whole recording is animated."""

import threading
from typing import Any

import numpy as np
import pytest

from data_prep.words.word import Word
from llavataros.live.engine import Engine
from llavataros.live.options import SessionDials, SessionOptions
from llavataros.live.session import Session
from llavataros_jax.errors import UserError
from tests.inference.conftest import compilations  # noqa: F401  (a fixture)
from tests.live.small import (
    DELAY,
    FPS,
    LANES,
    RATE,
    joints,
    moved,
    offline,
    opened,
    small_engine,
    sound,
)

WORDS = (Word("hello", 0.1, 0.4), Word("there", 0.45, 0.7), Word("you", 0.9, 1.3))


@pytest.mark.parametrize("cuts", [(1603, 1604), (480,), (7001, 3, 16000)])
def test_live_frames_are_those_of_the_whole_recording_however_it_is_cut(cuts):
    samples, done, calls, frames = sound(1), 0, 0, []
    with opened(words="timed", seed=5, speaker="ben") as session:
        while done < len(samples):
            size = cuts[calls % len(cuts)]
            session.hear(samples[done : done + size], RATE)
            done, calls = done + size, calls + 1
            if calls == 1:
                session.say(WORDS[:2])
            moved()
            frames += session.take(1)
        session.say(WORDS[2:], known_until_seconds=9.0)
        session.end()
        moved()
        frames += session.take()
        assert session.is_over
        assert session.notices == ()
    wanted = offline(samples, WORDS, speaker="ben", seed=5)
    np.testing.assert_allclose(joints(frames), wanted.frames, atol=1e-5)
    assert [frame.index for frame in frames] == list(range(round(len(samples) / RATE * FPS)))
    np.testing.assert_allclose([frame.seconds for frame in frames], np.arange(len(frames)) / FPS)


def test_sessions_that_come_and_go_do_not_disturb_each_other():
    engine, found = small_engine()[0], {}

    def talk(session: Session, seed: int, begin: int, stop: int) -> None:
        session.hear(sound(seed)[begin:stop], RATE)

    with opened(seed=1) as first:
        talk(first, 1, 0, 9000)
        moved()
        with opened(seed=2, speaker="ben") as second, opened(seed=9) as gone:
            with pytest.raises(UserError, match="all 3 sessions are taken"):
                engine.open(SessionOptions())
            talk(gone, 9, 0, 20000)
            talk(second, 2, 0, 5000)
            engine.step()
            gone.close()
            assert gone.is_over
            with opened(seed=3) as third:
                talk(third, 3, 0, 30000)
                talk(first, 1, 9000, 30000)
                moved()
                talk(second, 2, 5000, 30000)
                for seed, session in enumerate((first, second, third), 1):
                    session.end()
                    moved()
                    found[seed] = joints(session.take())
        assert engine.open_sessions == 0
    for seed, frames in found.items():
        wanted = offline(sound(seed), seed=seed, speaker="ben" if seed == 2 else None)
        np.testing.assert_allclose(frames, wanted.frames, atol=1e-5)


def test_every_session_that_can_moves_by_one_frame_a_step():
    engine = small_engine()[0]
    with opened() as far, opened() as near, opened() as silent:
        far.hear(sound(1), RATE)
        near.hear(sound(2, 0.2), RATE)
        assert [engine.step() for _ in range(7)] == [2] * 6 + [1]
        assert far.frames_made == 0
        assert moved() == 45 - 7
        assert (far.frames_made, near.frames_made, silent.frames_made) == (45 - DELAY, 0, 0)


@pytest.mark.parametrize("frames", [0, 1, DELAY - 1, DELAY, DELAY + 1])
def test_a_short_stream_has_a_frame_for_each_of_its_own(frames):
    with opened(seed=4) as session:
        samples = sound(4, frames / FPS)
        session.hear(samples, RATE)
        session.end()
        moved()
        made = session.take()
        assert session.is_over
    assert len(made) == frames
    if frames:
        np.testing.assert_allclose(joints(made), offline(samples, seed=4).frames, atol=1e-5)


def test_nothing_compiles_once_it_is_warm(compilations):  # noqa: F811
    small_engine()
    compilations.clear()
    with opened(seed=1) as one, opened(people=2, silence="fill") as two:
        for session in (one, two):
            session.hear(sound(1, 0.7), RATE)
        two.hear(sound(2, 0.7), RATE, person=1)
        moved()
        two.turn(SessionDials(expressiveness=1.5, temperature=0.5))
        one.interrupt()
        one.hear(sound(3, 0.5), RATE)
        moved()
        one.end()
        moved()
        assert one.take()
    assert not compilations


def test_dials_turn_one_session_alone():
    samples = sound(1)
    with opened(seed=1) as plain, opened(seed=1) as large:
        for session in (plain, large):
            session.hear(samples[:12000], RATE)
        moved()
        large.turn(SessionDials(expressiveness=2.0))
        for session in (plain, large):
            session.hear(samples[12000:], RATE)
            session.end()
        moved()
        usual, larger = joints(plain.take()), joints(large.take())
        assert large.dials.expressiveness == 2
        assert large.dials.idle == 0
    turned = 22 - DELAY
    np.testing.assert_allclose(usual, offline(samples, seed=1).frames, atol=1e-5)
    np.testing.assert_array_equal(usual[:turned], larger[:turned])
    assert np.abs(usual[turned + 9 :] - larger[turned + 9 :]).max() > 0.01


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"speaker": "zoe"}, "speaker 'zoe' is unknown"),
        ({"seed": -1}, "seed is -1"),
        ({"people": 3}, "people is 3, but must be 1 or 2"),
        ({"words": "some"}, "words is 'some', but must be none or timed or untimed"),
        ({"silence": "loud"}, "silence is 'loud'"),
        ({"ahead_seconds": 0.1}, "ahead_seconds is 0.1, but must be from 1"),
        ({"words_wait_seconds": float("nan")}, "words_wait_seconds is nan"),
        ({"dials": SessionDials(idle=1.5)}, "idle must be from 0 to 1"),
        ({"dials": SessionDials(temperature=9)}, "temperature is 9, but must be from 0 to 3"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(UserError, match=message), opened(**options):
        pass
    assert small_engine()[0].open_sessions == 0


def test_what_waits_unread_or_unheard_asks_for_a_pause_and_nothing_is_lost():
    samples = sound(1, 2.6)
    with opened(seed=1, ahead_seconds=1.0) as session:
        assert session.has_room
        session.hear(samples[: RATE + 100], RATE)
        assert not session.has_room  # a second of sound was not moved to
        moved()
        assert session.has_room
        session.hear(samples[RATE + 100 :], RATE)
        session.end()
        moved()
        assert session.waiting_frames == 30
        assert not session.has_room
        frames = []
        while not session.is_over:
            frames += session.take(7)
            moved()
    np.testing.assert_allclose(joints(frames), offline(samples, seed=1).frames, atol=1e-5)


def test_bad_speech_is_refused_and_the_session_goes_on():
    samples = sound(1)
    with opened(seed=1) as session:
        session.hear(samples[:8000], RATE)
        for refused, message in (
            (lambda: session.hear(np.array([0.1, np.nan], np.float32), RATE), "not a finite"),
            (lambda: session.hear(samples, 44100), "44100 Hz came after sound of 16000 Hz"),
            (lambda: session.hear(samples, RATE, person=1), "person 1 is not in this session"),
            (lambda: session.say(WORDS), "words=none"),
            (lambda: session.say_text("hello"), "words=none"),
            (lambda: session.gesture("somersault"), "'somersault' is unknown"),
            (lambda: session.turn(SessionDials(size=4)), "size must be from 0 to 3"),
        ):
            with pytest.raises(UserError, match=message):
                refused()
        session.hear(samples[8000:], RATE)
        session.end()
        with pytest.raises(UserError, match="was ended"):
            session.hear(samples, RATE)
        moved()
        frames = joints(session.take())
        assert session.failure is None
    np.testing.assert_allclose(frames, offline(samples, seed=1).frames, atol=1e-5)


def test_what_goes_wrong_in_a_session_ends_it_alone():
    engine = small_engine()[0]

    def raises(*_: Any) -> None:
        raise ValueError("a bug of the listener\nwith a second line")

    with opened(seed=1) as good, opened(seed=2) as bad:
        bad.on_news = raises
        for session in (good, bad):
            session.hear(sound(1), RATE)
            session.end()
        moved()
        assert bad.failure == "ValueError: a bug of the listener"
        assert bad.notices == (bad.failure,)
        assert bad.take()
        assert bad.is_over
        with pytest.raises(UserError, match="over, because ValueError"):
            bad.hear(sound(1), RATE)
        assert good.failure is None
        np.testing.assert_allclose(joints(good.take()), offline(sound(1), seed=1).frames, atol=1e-5)
    assert engine.open_sessions == 0


def test_what_goes_wrong_while_listening_is_told_too(monkeypatch):
    told = []
    with opened() as session:
        session.on_news = lambda: told.append(session.failure)
        monkeypatch.setattr(session.listening.ears[0], "hear", lambda *_: 1 / 0)
        with pytest.raises(UserError, match="could not be used"):
            session.hear(sound(1), RATE)
        moved()
        assert session.is_over
    assert told == ["what was said could not be used (ZeroDivisionError: division by zero)"]


def test_a_step_that_fails_is_told_to_all_and_the_engine_goes_on(monkeypatch):
    engine = small_engine()[0]

    def breaks(*_: Any, **__: Any) -> None:
        raise RuntimeError("device lost")

    with opened() as one, opened() as other:
        told = []
        one.on_news = lambda: told.append("one")
        other.on_news = lambda: told.append("other")
        one.hear(sound(1), RATE)
        with monkeypatch.context() as broken:
            broken.setattr(engine._stepper._streamer, "_step", breaks)
            engine.step()
        assert told == ["one", "other"]
        assert (
            one.failure
            == other.failure
            == ("the network's step failed (RuntimeError: device lost)")
        )
        assert engine.open_sessions == 0
    with opened(seed=1) as next_one:
        next_one.hear(sound(1), RATE)
        next_one.end()
        moved()
        np.testing.assert_allclose(
            joints(next_one.take()), offline(sound(1), seed=1).frames, atol=1e-5
        )


def test_frames_tell_when_each_stage_was_done():
    clock = small_engine()[1]
    with opened() as session:
        session.hear(sound(1, 0.3), RATE)
        moved()
        clock.now += 1
        session.hear(sound(1, 0.1), RATE)
        heard = clock.now
        clock.now += 1
        moved()
        (frame, *_) = session.take()
        # Frame 0 depends on speech up to frame DELAY, which is in the second piece.
        assert (frame.heard_monotonic, frame.ready_monotonic) == (heard, heard)
        assert (frame.stepped_monotonic, frame.made_monotonic) == (heard + 1, heard + 1)


def test_threads_of_clients_and_the_loop_share_an_engine(monkeypatch):
    engine, clock = small_engine()
    monkeypatch.setattr(clock, "is_real", True)
    stop, found = threading.Event(), {}
    loop = threading.Thread(target=engine.run, args=(stop,))
    loop.start()

    def client(seed: int) -> None:
        samples, news = sound(seed), threading.Event()
        with opened(seed=seed) as session:
            session.on_news = news.set
            frames = []
            for first in range(0, len(samples), 1000):
                session.hear(samples[first : first + 1000], RATE)
                frames += session.take()
            session.end()
            while not session.is_over:
                assert news.wait(10)
                news.clear()
                frames += session.take()
            found[seed] = joints(frames)

    clients = [threading.Thread(target=client, args=(seed,)) for seed in range(LANES)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join(20)
    stop.set()
    loop.join(2)
    assert not loop.is_alive()
    for seed in range(LANES):
        np.testing.assert_allclose(found[seed], offline(sound(seed), seed=seed).frames, atol=1e-5)


def test_an_engine_of_nobody_is_refused():
    with pytest.raises(UserError, match="0 sessions moves nobody"):
        Engine(small_engine()[0].trained, sessions=0)

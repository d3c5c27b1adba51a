"""Sessions come and go, and a stream goes on: memory does not grow."""

import gc
import tracemalloc
from contextlib import ExitStack

import pytest

from tests.live.small import FPS, LANES, RATE, moved, opened, small_engine, sound

SECOND, PIECE = sound(1, 1.0), sound(1, 0.1)
# A session takes 57 kB, and programs of JAX that run for the first hundreds of times keep 20 kB.
_MOST_BYTES = 150_000


def traced() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def visits(count: int) -> None:
    """Sessions speak a little, as many at a time as there are lanes; one of them leaves early."""
    for number in range(count):
        with ExitStack() as stack:
            options = {"silence": "fill", "words": "timed"}
            sessions = [
                stack.enter_context(opened(seed=number, people=1 + lane % 2, **options))
                for lane in range(LANES)
            ]
            for session in sessions:
                session.hear(PIECE, RATE)
                session.end_utterance()
            small_engine()[0].step()
            hasty, other, last = sessions
            hasty.close()
            other.gesture("stop")
            if number % 5 == 0:
                last.interrupt()
            for session in sessions[1:]:
                session.hear(PIECE, RATE)
                session.end()
            small_engine()[1].now += 1.1
            moved()
            for session in sessions[1:]:
                assert session.take()
                assert session.is_over


@pytest.mark.slow
@pytest.mark.usefixtures("unchecked")
def test_hundreds_of_sessions_leave_nothing_behind():
    visits(30)
    tracemalloc.start()
    try:
        visits(6)
        before = traced()
        visits(14)
        assert traced() - before < _MOST_BYTES
    finally:
        tracemalloc.stop()
    assert small_engine()[0].open_sessions == 0


@pytest.mark.slow
@pytest.mark.usefixtures("unchecked")
def test_a_stream_that_goes_on_keeps_no_more_than_it_did():
    clock = small_engine()[1]
    tracemalloc.start()
    try:
        with opened(people=2, silence="fill", words="timed", ahead_seconds=1.0) as session:

            def talk(seconds: int) -> None:
                for _ in range(seconds):
                    clock.now += 1
                    for person in range(2):
                        session.hear(SECOND, RATE, person)
                        session.say([], person, known_until_seconds=session.seconds_heard)
                    moved()
                    session.take()

            talk(3)
            before = traced()
            talk(5)
            # What one frame keeps, of features, poses and joints, is 2 kB.
            assert traced() - before < _MOST_BYTES
            assert session.frames_made > 7 * FPS
    finally:
        tracemalloc.stop()

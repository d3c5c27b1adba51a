"""The body of a voice agent: what it brings to its listener, and which time of it is seen when."""

import time

import numpy as np
import pytest

from data_prep.words.word import Word
from llavataros.live.options import SessionDials
from llavataros.live.performer import Performer
from llavataros.live.playing import Player
from llavataros.live.vmc_body import BodyPose
from llavataros_jax.errors import UserError
from tests.live.test_vmc import MOVED, REST
from tests.live.test_vmc_pace import Clock

FPS, DELAY = 30.0, 0.5


class Listener:
    """Answers sound by frames half a second later; a frame tells its number by its hips."""

    bones, rest, fps, delay_seconds = MOVED, REST, FPS, DELAY
    is_over = False

    def __init__(self):
        self.heard, self.said, self.calls = 0.0, [], []
        self._next, self.fault = 0, None

    def take(self):
        if self.fault:
            raise self.fault
        first, self._next = self._next, max(self._next, int((self.heard - DELAY) * FPS + 1e-6) + 1)
        return [(n, self._pose(n)) for n in range(first, self._next)]

    def _pose(self, number):
        turned = np.tile([0.0, 0.0, 0.0, 1.0], (len(MOVED), 1))
        return BodyPose(turned, np.array([number / FPS, 0.9, 0.0]))

    def hear(self, samples, sample_rate):
        self.heard += len(samples) / sample_rate

    def say(self, words, known_until_seconds):
        self.said.append((list(words), known_until_seconds))

    def begin_utterance(self):
        self.calls.append("begin")
        return self.heard

    def end_utterance(self):
        self.calls.append("end")

    def interrupt(self, frame):
        self.calls.append(("interrupt", frame))
        self._next, self.heard = frame, frame / FPS + DELAY
        return frame

    def turn(self, dials):
        self.calls.append(dials)

    def gesture(self, name, at_seconds, strength):
        self.calls.append((name, at_seconds, strength))

    def say_text(self, text):
        raise AssertionError("no text without times is said here")

    def end(self):
        raise AssertionError("a body is closed, not ended")

    def take_notices(self):
        return []

    def close(self):
        self.calls.append("close")


class Seen:
    """Keeps which time of the stream was shown at each."""

    def __init__(self):
        self.times = []

    def show(self, pose, seconds):
        self.times.append((seconds, float(pose.hips[0])))

    def close(self):
        self.times.append("closed")


def shown_of(events, seconds=6.0, rate=60.0):
    """Plays a listener's frames under a clock of the test's; `events` happen at their times."""
    from llavataros.live.performer import _CUSHION_SECONDS, _Stream

    clock, seen, listener = Clock(), Seen(), Listener()
    player = Player(_Stream(listener, lambda: None), [seen], rate_per_second=rate,
                    cushion_seconds=_CUSHION_SECONDS, clock=clock, sleep=clock.sleep)  # fmt: skip
    due = sorted(events, key=lambda event: event[0])
    plain = listener.take

    def take():
        now = clock.now - 1e6
        if now > seconds:
            player.stop()
        while due and due[0][0] <= now:
            due.pop(0)[1](player, listener)
        listener.heard = max(listener.heard, now)  # silence, by the clock
        return plain()

    listener.take = take
    player.play()
    return np.array(seen.times), listener


def test_idling_is_shown_as_soon_as_it_can_be():
    times, _ = shown_of([])
    assert times[0, 0] >= DELAY - 1 / FPS, "nothing is shown before there is a first frame"
    later = times[times[:, 0] > 2.0]
    lag = later[:, 0] - later[:, 1]
    assert lag.min() >= DELAY
    assert lag.max() < DELAY + 0.35
    assert np.diff(later[:, 1]).min() > 0


def test_what_is_heard_is_seen_at_the_same_time_after_a_moment():
    """Four seconds of speech come at once at 2 s, and begin to be heard at 2.1 s."""

    def speak(player, listener):
        player.keep()
        listener.heard += 4.0 + DELAY + 0.5

    times, _ = shown_of([(2.0, speak), (2.1, lambda player, _: player.follow(2.0))], seconds=9.0)
    steps = np.diff(times[:, 1])
    assert steps.min() >= -1e-9, "it never goes back"
    assert steps.max() < 2.6 / 60, "nor does it jump"
    heard = 2.0 + times[:, 0] - 2.1
    together = (times[:, 0] > 3.0) & (heard < 6.0)
    assert np.abs(times[together, 1] - heard[together]).max() < 0.06
    late = times[times[:, 0] > 8.5]
    assert np.all(late[:, 0] - late[:, 1] < DELAY + 0.5), "and it idles on"


def test_an_interruption_is_seen_from_the_next_frame_on():
    def speak(player, listener):
        player.keep()
        listener.heard += 4.0
        player.follow(2.0)

    frames = []

    def interrupt(player, listener):
        def anew(frame):
            frames.append(frame)
            return listener.interrupt(frame)

        player.interrupt(anew)

    times, _ = shown_of([(2.0, speak), (4.0, interrupt)], seconds=6.0)
    seen = times[np.searchsorted(times[:, 0], 4.0) - 1, 1]
    assert frames == [int(seen * FPS) + 1]
    after = times[times[:, 0] > 4.02]
    assert after[0, 1] == pytest.approx(seen, abs=0.1)
    assert np.abs(np.diff(after[:, 1])).max() < 0.1


@pytest.fixture
def performed(monkeypatch):
    monkeypatch.setattr("llavataros.live.playing._BLEND_SECONDS", 0.05)
    listener, seen = Listener(), Seen()
    listener.heard = 2.0
    with Performer(listener, [seen], rate_per_second=60.0) as body:
        yield body, listener, seen


def test_times_of_words_count_from_the_utterance(performed):
    body, listener, _ = performed
    body.begin_utterance()
    body.say([("hello", 0.25, 0.5)])
    body.say([("there", 0.5, 0.75)], known_until_seconds=1.0)
    body.hear(np.zeros(8000), 16000)
    body.hear((np.ones(8000) * 16384).astype("<i2").tobytes(), 16000)
    assert listener.said == [
        ([Word("hello", 2.25, 2.5)], None),
        ([Word("there", 2.5, 2.75)], 3.0),
    ]
    assert listener.calls == ["begin"]
    assert listener.heard == 3.0


def test_an_utterance_is_seen_when_it_is_played_and_silence_follows_before_it_ends(performed):
    body, listener, seen = performed
    until(lambda: len(seen.times) > 5 and seen.times[-1][1] > 1.0)
    body.begin_utterance()
    body.hear(np.zeros(24000), 16000)  # 1.5 s, played from now on
    began = time.monotonic()
    assert listener.heard == 3.5
    body.end_utterance()
    assert listener.calls == ["begin", "end"]
    assert listener.heard == 3.5, "another sentence may follow without a gap"
    until(lambda: listener.heard > 3.5)
    assert time.monotonic() - began < 1.5
    assert listener.heard == pytest.approx(3.5 + DELAY + 0.5)
    assert listener.calls == ["begin", "end", "end"]
    until(lambda: time.monotonic() > began + 1.4)
    assert seen.times[-1][1] == pytest.approx(2.0 + time.monotonic() - began, abs=0.15)
    body.hear(np.zeros(160), 16000)  # begins another one by itself
    assert listener.calls == ["begin", "end", "end", "begin"]


def test_a_sentence_that_follows_in_time_continues_the_stream(performed):
    body, listener, _ = performed
    body.hear(np.zeros(16000), 16000)
    body.end_utterance()
    body.begin_utterance()
    body.hear(np.zeros(16000), 16000)
    assert listener.heard == 4.0
    assert listener.calls == ["begin", "end", "begin"]


def until(condition) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)


def test_gestures_dials_and_interruptions_reach_the_listener(performed):
    body, listener, _ = performed
    body.turn(expressiveness=1.5)
    body.gesture("wave", strength=0.5)
    time.sleep(0.1)
    body.interrupt()
    dials, wave, (kind, frame) = listener.calls
    assert dials == SessionDials(expressiveness=1.5)
    assert wave == ("wave", None, 0.5)
    assert kind == "interrupt"
    assert 0 < frame < 60


def test_it_is_closed_after_it_stands(performed):
    body, listener, seen = performed
    time.sleep(0.05)
    body.close()
    assert listener.calls[-1] == "close"
    assert seen.times[-1] == "closed"
    assert "sent" in str(body.played())


def test_a_listener_that_is_lost_is_told_at_the_next_word(performed):
    body, listener, _ = performed
    listener.fault = UserError("the server is gone")
    time.sleep(0.1)
    with pytest.raises(UserError, match="does not move any more: the server is gone"):
        body.hear(np.zeros(10), 16000)

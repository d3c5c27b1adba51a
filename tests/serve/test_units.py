"""Parts of the server alone: what is kept for a resume, rates, notices, times by stage."""

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.words.word import Word
from llavataros.benchmark.serve_client import RATE, Voice, speak
from llavataros.benchmark.serve_stages import _quantile
from llavataros.live.live_frame import LiveFrame
from llavataros.serve.codes import Refusal
from llavataros.serve.limits import Limits, Rate
from llavataros.serve.replies import Interrupted, Notice
from llavataros.serve.sent import Sent
from llavataros.serve.stream import _new
from llavataros_jax.errors import UserError
from tests.serve.fake_engine import DELAY
from tests.serve.serving import serving

JOINTS = np.zeros((1, 7), np.float32)


def frame(index: int) -> LiveFrame:
    return LiveFrame(index, index / 30, JOINTS, 0.0, 0.0, 0.0, 0.0)


@st.composite
def histories(draw):
    """Frames and replies in the order of sending, frames made anew among them."""
    items, next_frame, number = [], 0, 0
    for kind in draw(st.lists(st.sampled_from("fffni"), max_size=40)):
        if kind == "f":
            items.append(frame(next_frame))
            next_frame += 1
        elif kind == "n":
            items.append(Notice(number=number, text=""))
            number += 1
        else:
            next_frame = draw(st.integers(0, next_frame))
            items.append(Interrupted(number=number, from_frame=next_frame))
            number += 1
    return items


def place_of(items) -> tuple[int, int]:
    """Returns what a client that has received these asks for."""
    next_frame = number = 0
    for item in items:
        if isinstance(item, LiveFrame):
            next_frame = item.index + 1
        else:
            number = item.number + 1
            next_frame = item.from_frame if isinstance(item, Interrupted) else next_frame
    return next_frame, number


def all_of(sent: Sent, most: int = 3) -> list:
    found = []
    while (upcoming := sent.upcoming(most)) is not None:
        found += upcoming if isinstance(upcoming, list) else [upcoming]
        sent.advance(len(upcoming) if isinstance(upcoming, list) else 1)
    return found


@given(histories(), st.data())
def test_a_client_gets_exactly_what_it_lacks(items, data):
    sent = Sent(kept=100)
    for item in items:
        sent.add(item)
    assert all_of(sent) == items
    received = data.draw(st.integers(0, len(items)))
    sent.rewind(*place_of(items[:received]))
    assert all_of(sent) == items[received:]


@given(histories(), st.integers(0, 20), st.data())
def test_what_is_no_longer_kept_is_refused(items, kept, data):
    sent = Sent(kept)
    for item in items:
        sent.add(item)
    all_of(sent)
    received = data.draw(st.integers(0, len(items)))
    place = place_of(items[:received])
    if received >= len(items) - kept:
        sent.rewind(*place)
        assert all_of(sent) == items[received:]
    else:
        try:
            sent.rewind(*place)
        except Refusal:
            return
        # Another place of the same history: only what changes nothing lies between.
        assert place in {place_of(items[:k]) for k in range(len(items) - kept, len(items) + 1)}


@pytest.mark.parametrize("place", [(7, 0), (3, 1), (9, None)])
def test_what_was_never_sent_is_refused(place):
    sent = Sent(kept=100)
    for index in range(5):
        sent.add(frame(index))
    all_of(sent)
    with pytest.raises(Refusal, match="what is kept goes from 0 and 0 to 5 and 0"):
        sent.rewind(*place)


def test_a_rate_allows_bursts_of_two_seconds():
    now = [0.0]
    rate = Rate(10, clock=lambda: now[0])
    for _ in range(20):
        rate.count()
    with pytest.raises(Refusal, match="more than 10 messages"):
        rate.count()
    now[0] = 1.5
    for _ in range(14):
        rate.count()
    with pytest.raises(Refusal):
        rate.count()


def test_limits_must_be_sensible():
    assert Limits(sessions_per_address=0).of_one_address == 8
    for name in ("sessions", "idle_seconds", "body_bytes"):
        option = "--" + name.replace("_", "-")
        with pytest.raises(UserError, match=option):
            Limits(**{name: 0})
    with pytest.raises(UserError, match="--slow-seconds inf"):
        Limits(slow_seconds=float("inf"))


def test_new_notices_are_told_from_old_ones():
    assert _new((), ("a",)) == ("a",)
    assert _new(("a", "b"), ("a", "b")) == ()
    assert _new(("a", "b"), ("b", "c", "d")) == ("c", "d")
    assert _new(("a",), ("b",)) == ("b",)


def test_a_share_of_a_histogram():
    rows = [(0.1, 0.0), (0.2, 10.0), (0.4, 20.0), (float("inf"), 20.0)]
    assert _quantile(rows, 0.5) == pytest.approx(0.2)
    assert _quantile(rows, 0.75) == pytest.approx(0.3)
    assert _quantile(rows, 1.0) == pytest.approx(0.4)


def test_the_benchmark_counts_and_times_every_frame():
    samples = np.random.default_rng(0).uniform(-0.1, 0.1, RATE).astype(np.float32)
    voice = Voice(samples, [Word("hello", 0.1, 0.4)])
    assert voice.spoken(1.5)[1] == [("hello", 0.1, 0.4), ("hello", 1.1, 1.4)]
    with serving() as server:
        spoken = asyncio.run(
            speak(server.url, voice, 1.0, needed=lambda frame: (frame + 1) / 30, seed=0)
        )
    assert (spoken.frames, spoken.lost) == (30, 0)
    assert len(spoken.frame_seconds) == 30 - DELAY
    assert 0 < np.median(spoken.frame_seconds) < 0.2

"""Which word is active on which frame, and which times are refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.words.word import Word, checked_words, frame_index, share_interval
from llavataros_jax.errors import UserError


def brute_force(words, num_frames, fps):
    index = []
    for frame in range(num_frames):
        active = [
            (word.start_seconds, row)
            for row, word in enumerate(words)
            if word.start_seconds <= frame / fps < word.end_seconds
        ]
        index.append(max(active)[1] if active else -1)
    return index


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 20)), max_size=8),
    st.sampled_from([25, 30, 60]),
)
def test_frame_index_is_the_rule(spans, fps):
    # Times on tenths of a second fall on frame starts, where rounding would show.
    words = [Word("w", start / 10, (start + length) / 10) for start, length in spans]
    np.testing.assert_array_equal(frame_index(words, 150, fps), brute_force(words, 150, fps))


def test_frame_index_at_edges_silence_overlap_and_short_words():
    words = [Word("a", 0.1, 0.2), Word("long", 0.3, 0.6), Word("later", 0.4, 0.5)]
    expected = [-1] * 3 + [0] * 3 + [-1] * 3 + [1] * 3 + [2] * 3 + [1] * 3 + [-1] * 2
    index = frame_index(words, 20, 30)
    assert index.dtype == np.int32
    assert index.tolist() == expected
    assert frame_index([Word("blink", 0.34, 0.36)], 30, 30).max() == -1  # between two frames


def test_an_interval_is_shared_equally():
    assert share_interval(["new", "york"], 1.0, 2.0) == [
        Word("new", 1.0, 1.5),
        Word("york", 1.5, 2.0),
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "contains no words"),
        ([Word("a", -0.1, 1.0)], "before the audio"),
        ([Word("a", float("nan"), 1.0)], "has times nan"),
        ([Word("a", 1.0, 0.5)], "ends at 0.500 s before it starts at 1.000 s"),
        ([Word("a", 1.0, 1.5), Word("b", 0.5, 2.0)], "word 2 'b' starts at 0.500 s, before"),
        ([Word("a", 4.0, 5.1)], "ends at 5.100 s, after the audio of 5.000 s"),
    ],
)
def test_impossible_times_are_refused(words, message):
    with pytest.raises(UserError, match=message) as refusal:
        checked_words(words, 5.0, origin="speech.json")
    assert "speech.json" in str(refusal.value)


def test_a_word_that_ends_with_a_rounding_after_the_audio_is_cut():
    assert checked_words([Word("a", 4.0, 5.02)], 5.0, origin="x") == [Word("a", 4.0, 5.0)]


def test_the_ancestors_pointer_steps_once_a_frame():
    """Two words within one frame delay what comes after; long words are the same by both rules."""
    short = [
        Word("a", 0.0, 0.101), Word("b", 0.101, 0.11), Word("c", 0.11, 0.12),
        Word("d", 0.12, 0.3),
    ]  # fmt: skip
    assert frame_index(short, 12, 30).tolist() == [0] * 4 + [3] * 5 + [-1] * 3
    late = [0] * 4 + [-1] * 2 + [3] * 3 + [-1] * 3
    assert frame_index(short, 12, 30, rule="pointer").tolist() == late
    plain = [Word("a", 0.11, 0.42), Word("b", 0.42, 0.61), Word("c", 0.77, 0.95)]
    np.testing.assert_array_equal(
        frame_index(plain, 40, 30), frame_index(plain, 40, 30, rule="pointer")
    )
    assert frame_index([], 3, 30, rule="pointer").tolist() == [-1] * 3

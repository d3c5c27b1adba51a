"""Which word is active on a frame: the same for records and for films."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.words.word import Word, frame_index
from llavataros_jax.data.active_words import active_words
from llavataros_jax.rendering.caption import Panel


def test_each_frame_has_the_word_that_began_last() -> None:
    starts, ends = [0.1, -1.0, 0.2, 0.5], [0.3, 0.04, 0.25, 9.0]
    time = np.arange(20) / 30
    expected = np.full(20, -1)
    for row in (1, 0, 2, 3):
        expected[(starts[row] <= time) & (time < ends[row])] = row
    np.testing.assert_array_equal(active_words(starts, ends, 20, 30), expected)
    assert active_words([], [], 3, 30).tolist() == [-1] * 3
    assert active_words([-3.0, 5.0], [-1.0, 6.0], 4, 30).tolist() == [-1] * 4


def test_slack_forgives_what_moving_times_rounded() -> None:
    starts = [0.1 + 1e-12]  # a hair after the start of frame 3
    assert starts[0] > 3 / 30
    assert active_words(starts, [0.2], 6, 30).tolist() == [-1] * 4 + [0, 0]
    found = active_words(starts, [0.2], 6, 30, slack_seconds=1e-9)
    assert found.tolist() == [-1] * 3 + [0] * 3


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20)), max_size=6))
def test_a_film_shows_the_word_that_the_record_has(spans: list[tuple[int, int]]) -> None:
    """Words of a tenth of a second and longer, whose starts lie on frames and between them."""
    ordered = sorted((first / 20, (first + length) / 20) for first, length in spans)
    words = [Word(str(row), start, end) for row, (start, end) in enumerate(ordered)]
    shown = Panel(
        [(word.text, word.start_seconds, word.end_seconds) for word in words],
        np.zeros(0, np.float32),
        sound_rate=100.0,
        width=64,
        height=32,
        fps=30.0,
        num_frames=100,
    )
    recorded = [str(row) if row >= 0 else "" for row in frame_index(words, 100, 30)]
    drawn = [shown.words[row][0] if row >= 0 else "" for row in shown.index]
    assert drawn == recorded

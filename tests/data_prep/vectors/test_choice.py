"""The choice of word vectors, utterances, and the way from words to sub-tokens."""

import importlib.util

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.vectors.choice import check_text, text_features
from data_prep.vectors.hashed import hashed_vectors
from data_prep.vectors.sub_tokens import last_sub_tokens, lay_out, window_of, windows
from data_prep.words.utterances import utterance_starts
from data_prep.words.word import Word
from llavataros_jax.config import TextConfig
from llavataros_jax.errors import UserError


def timed(texts, *, pauses=()):
    """Returns words of half a second, each after no pause or the given one."""
    words, now = [], 0.0
    for row, text in enumerate(texts):
        now += dict(pauses).get(row, 0.0)
        words.append(Word(text, now, now + 0.5))
        now += 0.5
    return words


def test_hashed_vectors_read_no_other_option():
    words, config = timed(["hello", "there"]), TextConfig(kind="hashed")
    np.testing.assert_array_equal(
        text_features(words, config), hashed_vectors(["hello", "there"], config)
    )
    check_text(config)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"kind": "language_model"}, "belong together"),
        ({"model": "x"}, "belong together"),
        ({"size": 0}, "size must be positive"),
        ({"batch": 0}, "batch must be positive"),
        ({"context_tokens": 3}, "at least 16"),
    ],
)
def test_impossible_options_are_refused(options, expected):
    with pytest.raises(UserError, match=expected):
        TextConfig(**options)


@pytest.mark.skipif(
    importlib.util.find_spec("transformers") is not None, reason="transformers is installed"
)
def test_a_missing_extra_is_one_sentence():
    config = TextConfig(kind="language_model", model="owner/name", size=8)
    with pytest.raises(UserError, match="needs torch and transformers; install with: "):
        check_text(config)


def test_utterances_begin_after_sentences_and_pauses():
    texts = ["Well.", "It", "is", "so!”", "你好。", "Yes", "no", "3.5", "maybe"]
    words = timed(texts, pauses={6: 1.0, 7: 0.9})
    assert utterance_starts(words) == [0, 1, 4, 5, 6]
    assert utterance_starts([]) == []


def test_words_are_joined_as_they_are_written():
    words = ["I", "don't", "know,", "你", "好", "ok", "ไทย", "ดี", "<unk>", "", "한국", "말"]
    text, spans = lay_out(words)
    assert text == "I don't know, 你好 ok ไทยดี ...  한국 말"
    read = [text[start:stop] for start, stop in spans]
    assert read == [word.replace("<unk>", "...") for word in words]


def test_the_last_sub_token_of_each_word():
    # "I don't  👩 ok" with a byte-level tokenizer: spaces before, three parts of one sign.
    offsets = [(0, 0), (0, 1), (1, 5), (5, 7), (7, 10), (8, 10), (8, 10), (10, 13), (0, 0)]
    spans = [(0, 1), (2, 7), (9, 10), (11, 13)]
    assert last_sub_tokens(spans, offsets).tolist() == [1, 3, 6, 7]
    # One sub-token of two words, and a word of which nothing is left.
    assert last_sub_tokens([(0, 3), (4, 9)], [(0, 9)]).tolist() == [0, 0]
    assert last_sub_tokens([(0, 0), (1, 3), (4, 5)], [(1, 2), (2, 3)]).tolist() == [-1, 1, 1]


@given(st.integers(0, 400), st.integers(8, 90))
def test_windows_lose_nothing_and_give_context(count, longest):
    divided = windows(count, longest)
    tokens = np.arange(count)
    chosen = window_of(tokens, divided)
    for token, number in enumerate(chosen):
        window = divided[number]
        assert window.start <= token < window.stop <= count
        assert window.stop - window.start <= longest
        before, after = token - window.start, window.stop - 1 - token
        assert window.start == 0 or before >= longest // 4
        assert window.stop == count or after >= longest // 4 - 1

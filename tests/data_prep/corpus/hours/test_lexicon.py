"""The lexicon's words: each has one meaning, is said as one word, and a third is held out."""

import pytest

from data_prep.corpus.hours.lexicon import MEANINGS, all_held_out, held_out, meaning_of
from data_prep.corpus.speech import Voice, speak

WORDS = [word for words in MEANINGS.values() for word in words]


def test_each_word_has_one_meaning():
    assert len(set(WORDS)) == len(WORDS)
    assert [meaning_of(word) for word in ("enormous", "halt", "fork")] == ["big", "stop", None]


def test_meanings_have_enough_words():
    counts = {meaning: len(words) for meaning, words in MEANINGS.items()}
    assert len(counts) == 29
    assert {meaning for meaning, count in counts.items() if count < 9} == {"third"}


def test_a_third_is_held_out_but_never_the_word_that_names_the_meaning():
    for meaning, words in MEANINGS.items():
        assert len(held_out(meaning)) == len(words) // 3
        assert set(held_out(meaning)) < set(words)
        assert words[0] not in held_out(meaning)
    assert held_out("third") == ("thirds", "trio")
    assert all_held_out() == {word for meaning in MEANINGS for word in held_out(meaning)}


@pytest.mark.slow
def test_each_is_said_as_one_word():
    pytest.importorskip("espeakng_loader")
    said = speak(WORDS, Voice("en-us", 160, 50, 50))
    assert [len(line.words) for line in said] == [1] * len(WORDS)
    assert all(0.05 < len(line.samples) / line.sample_rate < 1.5 for line in said)

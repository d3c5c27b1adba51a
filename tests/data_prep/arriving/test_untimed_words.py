"""Words without times: found in the sound, the same however sound and text are cut."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.arriving.hearing import Hearing
from data_prep.arriving.sound_classes import ANY, SECONDS, SIBILANT, VOWEL, classes_of
from data_prep.arriving.text_pieces import TextPieces
from data_prep.arriving.untimed_words import UntimedWords
from data_prep.arriving.word_tracker import _NEW_RATE, _RATES, WordTracker
from data_prep.words.missing_times import usual_seconds
from llavataros_jax.config.shipped import shipped_folder
from llavataros_jax.errors import UserError
from llavataros_jax.sound.reader import read_mono
from tests.data_prep.arriving.spoken_file import small_config, sound, take_all

RATE = 16000
TEXT = "Hello there, my friend - it is 90% 世界。こんにちは、so good. Ünïcode\tway "


def texts(pieces, *, finish=True):
    joined = TextPieces()
    found = [word for piece in pieces for word in joined.add(piece, 0)]
    return found + (joined.finish() if finish else [])


@given(cuts=st.lists(st.integers(0, len(TEXT)), max_size=12))
def test_text_may_be_cut_anywhere(cuts):
    places = [0, *sorted(cuts), len(TEXT)]
    pieces = [TEXT[a:b] for a, b in itertools.pairwise(places)]
    expected = ["Hello", "there,", "my", "friend", "it", "is", "90%"]
    expected += ["世界。", "こんにちは、", "so", "good.", "Ünïcode", "way"]
    assert texts(pieces) == expected


def test_only_white_space_or_the_end_completes_a_word():
    assert texts(["hel"], finish=False) == []
    assert texts(["hel", "lo"], finish=False) == []
    assert texts(["hel", "lo "], finish=False) == ["hello"]
    assert texts(["hel", "lo"]) == ["hello"]


def test_text_without_words_or_with_too_many_is_refused():
    pieces = TextPieces()
    pieces.add("a" * 200, 0)
    with pytest.raises(UserError, match="has 257 characters, but a word has at most 256"):
        pieces.add("a" * 200, 0)
    assert pieces.add(" ", 0) == ["a" * 200]
    with pytest.raises(UserError, match="4000 words wait for their sound"):
        pieces.add("a " * 4000, 0)
    with pytest.raises(UserError, match="3001 words wait for their sound"):
        pieces.add("a ", 3000)


@given(text=st.text(min_size=1, max_size=20))
def test_a_word_of_any_script_has_sounds(text):
    found = classes_of(text)
    assert found
    assert all(0 <= kind < len(SECONDS) for kind in found)


def test_sounds_of_words():
    assert classes_of("see") == [SIBILANT, VOWEL]
    assert len(classes_of("2024")) > 8
    assert classes_of("世界") == [ANY, VOWEL, ANY, VOWEL]
    assert classes_of("привет") == [ANY] * 6


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(
    cuts=st.lists(st.floats(0, 1), min_size=5, max_size=5),
    text_cuts=st.lists(st.integers(0, len(TEXT)), max_size=4),
    most=st.integers(1, 40),
)
def test_any_cut_of_sound_and_text_gives_the_same(cuts, text_cuts, most):
    def heard(pieces, parts, most):
        hearing = Hearing(small_config(), words="untimed")
        for part in parts:
            hearing.say_text(part)
        found = []
        for piece in pieces:
            hearing.hear(piece, RATE)
            found += take_all(hearing, most)
        hearing.end()
        found += take_all(hearing, most)
        return [
            np.concatenate([getattr(part, name) for part in found])
            for name in ("audio", "words", "has_word")
        ]

    samples, places = sound(RATE), [0, *sorted(text_cuts), len(TEXT)]
    parts = [TEXT[a:b] for a, b in itertools.pairwise(places)]
    pieces = np.split(samples, sorted(int(cut * len(samples)) for cut in cuts))
    whole = heard([samples], [TEXT], 1000)
    for one, other in zip(whole, heard(pieces, parts, most), strict=True):
        np.testing.assert_array_equal(one, other)
    assert whole[-1].any()


@pytest.mark.slow
def test_words_of_the_bundled_corpus_are_found_nearer_than_at_a_constant_rate():
    errors, plain = [], []
    for name in ("ada_1", "ben_1"):
        path = shipped_folder("corpus") / f"{name}.flac"
        words = json.loads(path.with_suffix(".json").read_text())["words"]
        hearing, starts = Hearing(small_config(), words="untimed"), {}
        hearing.say_text(" ".join(word["word"] for word in words) + " ")
        hearing.hear(read_mono(path, RATE), RATE)
        assert isinstance(hearing._words, UntimedWords)
        while hearing.frames_ready:
            first = hearing.take(1).first
            starts.setdefault(hearing._words._tracker.word, first / 30)
        true = [word["start"] for word in words]
        errors += [abs(starts[k] - start) for k, start in enumerate(true) if k in starts]
        usual = np.cumsum([0, *(0.75 * usual_seconds(word["word"]) for word in words)])
        plain += [abs(true[0] + usual[k] - start) for k, start in enumerate(true)]
    assert len(errors) > 0.9 * len(plain)
    assert np.median(errors) < 0.1
    assert np.percentile(errors, 90) < 0.25 * np.percentile(plain, 90)


def test_the_filter_is_the_forward_pass_of_its_matrix():
    tracker, random = WordTracker(30), np.random.default_rng(0)
    for word in ("see,", "a", "dog"):
        tracker.add(word, classes_of(word))
    tracker.heard(np.ones((1, len(SECONDS))))
    classes, stays, moves, skips = tracker._laid
    count = len(classes)
    rates = len(_RATES)
    among = (1 - _NEW_RATE) * np.eye(rates) + _NEW_RATE / rates
    matrix = np.zeros((rates * count, rates * count))  # places, rate by rate
    for rate in range(rates):
        along = np.diag(stays[rate]) + np.diag(moves[rate, :-1], 1) + np.diag(skips[rate, :-2], 2)
        along[-2, -1] += skips[rate, -2]
        np.testing.assert_allclose(along.sum(axis=1), 1)
        for before in range(rates):
            rows = slice(before * count, (before + 1) * count)
            matrix[rows, rate * count : (rate + 1) * count] = among[before, rate] * along
    weights = tracker._weights.reshape(-1)
    likelihoods = random.uniform(0.01, 1, (60, len(SECONDS)))
    for likelihood in likelihoods:
        weights = weights @ matrix @ np.diag(np.tile(likelihood[classes], rates))
        weights /= weights.sum()
    tracker.heard(likelihoods)
    expected = weights.reshape(rates, count)[:, count - tracker._weights.shape[1] :]
    np.testing.assert_allclose(tracker._weights, expected, atol=1e-9)


def test_silence_has_no_word_and_the_words_of_a_later_utterance_begin_later():
    hearing = Hearing(small_config(), words="untimed")
    hearing.silence(30)
    hearing.say_text("hello big")
    hearing.hear(sound(RATE)[:RATE], RATE)
    hearing.all_words_known(2.0)
    hearing.say_text("world ")
    hearing.silence(3)
    first = hearing.take(1000)
    assert not first.has_word[:30].any()
    assert first.has_word[30:60].sum() > 20
    said = np.unique(first.words[:60][first.has_word[:60]], axis=0)
    assert 1 <= len(said) <= 2
    assert first.has_word[60:].sum() <= 1  # whose window reaches back to the voice


def test_a_text_may_come_during_silence_before_its_sound():
    hearing = Hearing(small_config(), words="untimed")
    for piece in ("hel", "lo ", "big", " "):
        hearing.say_text(piece)
        hearing.silence(2)
    hearing.all_words_known(hearing.seconds_heard)
    hearing.say_text("world ")
    hearing.silence(2)
    hearing.take(100)
    assert isinstance(hearing._words, UntimedWords)
    assert hearing._words._tracker.word == -1
    assert len(hearing._words._of_word) == 3
    hearing.hear(sound(RATE)[:RATE], RATE)
    assert hearing.take(100).has_word.any()


def test_dropped_words_are_not_said_any_more():
    hearing = Hearing(small_config(), words="untimed")
    hearing.say_text("hello big world and")
    hearing.hear(sound(RATE)[:4000], RATE)
    hearing.take(3)
    hearing.drop()
    hearing.hear(sound(RATE), RATE)
    assert not hearing.take(100).has_word.any()


def test_memory_does_not_grow():
    words = UntimedWords(small_config())
    random = np.random.default_rng(0)
    for _ in range(20):
        words.say("hello big world again and so on it goes for a long time ")
        words.take(random.normal(-3, 3, (90, 132)).astype(np.float16))
        words.all_known(words._taken / 30)
        assert len(words._of_word) <= 13
        assert words._tracker._weights.shape[1] < 200

"""What is said: many words, all kinds of sentences, every word of the repertoire."""

from collections import Counter

import numpy as np
import pytest

from data_prep.corpus.hours.grammar import Grammar, grammar
from data_prep.corpus.hours.lexicon import MEANINGS, all_held_out, meaning_of
from data_prep.corpus.hours.script import KINDS, Sentence, draw_sentence, meaning_of_spoken
from data_prep.corpus.hours.vocabulary import going, past, plural


def draw(count: int, seed: int = 0, spoken_by: Grammar | None = None) -> list[Sentence]:
    chance = np.random.default_rng(seed)
    return [draw_sentence(spoken_by or grammar(), chance) for _ in range(count)]


@pytest.fixture(scope="module")
def sentences() -> list[Sentence]:
    return draw(4000)


def test_every_word_of_the_repertoire_can_be_said():
    sayable = frozenset().union(*(grammar().words(kind) for kind in KINDS))
    assert not {word for words in MEANINGS.values() for word in words} - sayable


def test_many_different_words_are_said(sentences):
    assert len({token.text for s in sentences for token in s.tokens}) > 2000
    assert len({s.line for s in sentences}) > 0.93 * len(sentences)


def test_all_kinds_have_their_share(sentences):
    kinds = Counter(sentence.kind for sentence in sentences)
    shares = {kind: kinds[kind] / len(sentences) for kind in KINDS}
    assert 0.3 < shares["statement"] < 0.45
    assert all(0.08 < shares[kind] < 0.2 for kind in KINDS if kind != "statement")
    questions = [s for s in sentences if s.line.endswith("?")]
    assert 0.12 < len(questions) / len(sentences) < 0.25
    lists = [s for s in sentences if s.kind == "list"]
    assert np.mean([s.line.count(",") >= 1 for s in lists]) > 0.8


def test_a_third_of_the_words_or_less_have_a_meaning(sentences):
    tokens = [token for sentence in sentences for token in sentence.tokens]
    assert 0.2 < np.mean([token.meaning is not None for token in tokens]) < 0.36
    meanings = Counter(token.meaning for token in tokens if token.meaning)
    assert set(meanings) == set(MEANINGS)
    assert min(meanings.values()) > 50


def test_the_same_seed_says_the_same():
    assert draw(30, seed=7) == draw(30, seed=7)
    assert draw(30, seed=7) != draw(30, seed=8)


def test_what_is_left_out_is_never_said():
    held_out = all_held_out()
    said = draw(1500, spoken_by=grammar(held_out))
    assert not {token.text for s in said for token in s.tokens} & held_out
    # The same words are said without this.
    assert {token.text for s in draw(300) for token in s.tokens} & held_out
    # Contractions say the words that they are made of.
    words = {
        token.text for s in draw(1000, spoken_by=grammar(frozenset({"we"}))) for token in s.tokens
    }
    assert not words & {"we", "we're", "we've"}


def test_meanings_are_tagged_but_not_on_fillers(sentences):
    for sentence in sentences:
        for token in sentence.tokens:
            if "'" not in token.text:
                assert token.meaning in (None, meaning_of(token.text))
    fillers = [
        token.meaning
        for s in sentences
        for token, following in zip(s.tokens, s.tokens[1:], strict=False)
        if s.kind == "hesitation" and (token.written, following.text) == ("you", "know")
    ]
    assert len(fillers) > 10
    assert set(fillers) == {None}
    assert [meaning_of_spoken(w) for w in ("don't", "i'm", "anna's", "that's")] == [
        "no",
        "me",
        None,
        None,
    ]


def test_numbers_names_and_hesitations_are_said(sentences):
    words = Counter(token.text for sentence in sentences for token in sentence.tokens)
    for word in ("um", "uh", "twenty", "seven", "anna", "london", "monday"):
        assert words[word] >= 2
    assert not any(character.isdigit() for s in sentences for character in s.line)


def test_articles_fit_their_words(sentences):
    for sentence in sentences:
        for token, following in zip(sentence.tokens, sentence.tokens[1:], strict=False):
            if token.text == "a":
                assert following.text[0] not in "ai", sentence.line
            if token.text == "an":
                assert following.text[0] in "aeiou", sentence.line


def test_words_are_inflected():
    assert [plural(w) for w in ("bus", "party", "key", "box")] == [
        "buses",
        "parties",
        "keys",
        "boxes",
    ]
    assert [past(w) for w in ("carry", "move", "fix")] == ["carried", "moved", "fixed"]
    assert [going(w) for w in ("move", "agree", "carry")] == ["moving", "agreeing", "carrying"]

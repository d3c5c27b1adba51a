"""Word errors beside the definition, tried out in full on all short texts."""

import itertools

import pytest

from data_prep.words.word_errors import compared_words, word_errors


def by_search(reference, heard):
    """Grows the texts that can be had by so many changes until the other is among them."""
    reached, changes = {tuple(reference)}, 0
    while tuple(heard) not in reached:
        changes += 1
        grown = set(reached)
        for text in reached:
            for place in range(len(text) + 1):
                grown.add(text[:place] + text[place + 1 :])
                for word in "ab":
                    grown.add((*text[:place], word, *text[place:]))
                    grown.add((*text[:place], word, *text[place + 1 :]))
        reached = grown
    return changes


def test_all_pairs_of_short_texts_take_as_many_changes_as_a_search_finds():
    texts = [text for size in range(4) for text in itertools.product("ab", repeat=size)]
    for reference, heard in itertools.product(texts, repeat=2):
        assert word_errors(reference, heard) == by_search(reference, heard)


@pytest.mark.parametrize(
    ("reference", "heard", "errors"),
    [
        ("the cat sat on the mat", "the cat sat on mat", 1),
        ("the cat sat", "a the cat set", 2),
        ("", "word word", 2),
        ("one two three", "", 3),
    ],
)
def test_known_cases(reference, heard, errors):
    assert word_errors(reference.split(), heard.split()) == errors


def test_marks_and_case_are_no_errors():
    assert compared_words("Don't — “stop”, well-known CAFÉ!") == [
        *("don't", "stop", "well", "known", "cafe")
    ]

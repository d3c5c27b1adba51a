"""Everyday English that says the words of the repertoire in sentences drawn from rules."""

import functools
import re
from collections.abc import Mapping

import numpy as np

from data_prep.corpus.hours.phrases import MEANING_CLASSES
from data_prep.corpus.hours.rules import RULES
from data_prep.corpus.hours.vocabulary import word_classes

_SLOT = re.compile(r"\{(\w+)\}")
_WEIGHT = re.compile(r"(\d+)\|(.*)", re.DOTALL)
_MARKS = "*~"
PUNCTUATION = ",.?!"


class Grammar:
    """Draws sentences; the words of `without` are never said.

    Alternatives that say a word of `without`, or need a rule that has no alternative left, are
    taken out.
    """

    def __init__(self, without: frozenset[str] = frozenset()) -> None:
        rules = {name: [_weighted(text) for text in texts] for name, texts in _all_rules().items()}
        while True:
            kept = {
                name: [row for row in rows if not _is_barred(row[1], rules, without)]
                for name, rows in rules.items()
            }
            if kept == rules:
                break
            rules = kept
        self._texts = {name: [text for _, text in rows] for name, rows in rules.items()}
        self._bounds = {
            name: np.cumsum([weight for weight, _ in rows]) for name, rows in rules.items()
        }

    def draw(self, name: str, chance: np.random.Generator) -> str:
        """Expands a rule to plain words with their punctuation and marks."""
        bounds = self._bounds[name]
        index = int(np.searchsorted(bounds, chance.integers(bounds[-1]), side="right"))
        text = self._texts[name][index]
        return _SLOT.sub(lambda slot: self.draw(slot[1], chance), text)

    def words(self, name: str) -> frozenset[str]:
        """Returns all words that a rule can say, in lower case."""
        seen, names, words = {name}, [name], set()
        while names:
            for text in self._texts[names.pop()]:
                words |= plain_words(text)
                fresh = set(_SLOT.findall(text)) - seen
                seen |= fresh
                names += fresh
        return frozenset(words)


@functools.lru_cache(maxsize=4)
def grammar(without: frozenset[str] = frozenset()) -> Grammar:
    """Returns the grammar that does not say the words of `without`."""
    return Grammar(without)


def plain_words(text: str) -> set[str]:
    """Returns the words of an alternative that are no slots, in lower case without marks."""
    bare = (word.strip(PUNCTUATION + _MARKS) for word in _SLOT.sub(" ", text).lower().split())
    return {word for word in bare if word and word != "-"}


def _all_rules() -> Mapping[str, tuple[str, ...]]:
    meanings = {
        name: tuple(word.replace("-", " ") for word in text.split())
        for name, text in MEANING_CLASSES.items()
    }
    return {**word_classes(), **meanings, **RULES}


def _weighted(text: str) -> tuple[int, str]:
    match = _WEIGHT.fullmatch(text)
    return (int(match[1]), match[2]) if match else (1, text)


def _is_barred(
    text: str, rules: Mapping[str, list[tuple[int, str]]], without: frozenset[str]
) -> bool:
    said = plain_words(text)
    # A contraction says what it is made of: "we're" says "we".
    parts = {word.split("'")[0] for word in said}
    return bool((said | parts) & without) or any(not rules[slot] for slot in _SLOT.findall(text))

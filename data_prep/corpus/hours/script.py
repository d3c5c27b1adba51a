"""Sentences of a clip: what is said, how it is punctuated, and which words are stressed."""

import itertools
from dataclasses import dataclass
from typing import get_args

import numpy as np

from data_prep.corpus.hours.grammar import PUNCTUATION, Grammar
from data_prep.corpus.hours.lexicon import meaning_of
from data_prep.corpus.hours.spoken import SentenceKind

KINDS: tuple[SentenceKind, ...] = get_args(SentenceKind)
_SHARES = {
    "statement": 0.36,
    "question": 0.17,
    "negation": 0.13,
    "list": 0.11,
    "hesitation": 0.13,
    "exclamation": 0.10,
}
# Words on which no accent falls of itself.
_LISTED = (
    "a about all am an and are as at be because been but by can could did do does for from had has "
    "have he her him his how i if in into is it its just like may me might must my no nor not of "
    "off on or our out over shall she should so some such than that the their them then there they "
    "this to too us used very was we well were what when where which while who whose why will with "
    "would you your"
)
FUNCTION_WORDS = frozenset(_LISTED.split())
_AN_EXCEPTIONS = ("one", "uni", "use", "usu", "eu")
_LONGEST_SENTENCE_WORDS = 30

_PLAIN_CHANCE, _PLAIN_OF = 0.5, 6

# How often a word is stressed more than its neighbours: by what it is.
_ACCENT_CHANCE = {"content": 0.22, "meaning": 0.5, "function meaning": 0.22, "function": 0.02}


@dataclass(frozen=True)
class Token:
    """One word to be said.

    Attributes:
        written: As the synthesiser reads it, with the punctuation after it.
        text: Lower case, without punctuation.
        meaning: Key of `MEANINGS`, if the word has a gesture of its own.
        accent: 0 for none, 1 for a pitch accent as usual, more for emphasis.
    """

    written: str
    text: str
    meaning: str | None
    accent: float


@dataclass(frozen=True)
class Sentence:
    """Words said in one breath; `kind` says how."""

    kind: SentenceKind
    tokens: tuple[Token, ...]

    @property
    def line(self) -> str:
        """The sentence as the synthesiser reads it."""
        return " ".join(token.written for token in self.tokens)


def draw_sentence(grammar: Grammar, chance: np.random.Generator) -> Sentence:
    """Draws a sentence of any kind; every other one is the plainest of several.

    Most of what people say has no word of the repertoire, and beats alone.
    """
    kind = KINDS[int(chance.choice(len(KINDS), p=[_SHARES[kind] for kind in KINDS]))]
    count = _PLAIN_OF if chance.random() < _PLAIN_CHANCE else 1
    drawn = [draw_kind(grammar, kind, kind, chance) for _ in range(count)]
    return min(drawn, key=_share_of_meanings)


def _share_of_meanings(sentence: Sentence) -> float:
    return sum(token.meaning is not None for token in sentence.tokens) / len(sentence.tokens)


def draw_backchannel(grammar: Grammar, chance: np.random.Generator) -> Sentence:
    """Draws what a listener says while the other goes on."""
    return draw_kind(grammar, "backchannel", "statement", chance)


def draw_kind(
    grammar: Grammar, rule: str, kind: SentenceKind, chance: np.random.Generator
) -> Sentence:
    """Draws a sentence by a rule of the grammar."""
    while True:
        words = _written(grammar.draw(rule, chance))
        if len(words) <= _LONGEST_SENTENCE_WORDS:
            break
    return Sentence(kind, tuple(_token(word, chance) for word in words))


def _written(text: str) -> list[str]:
    """Joins what belongs together and puts the article and the capital right."""
    words: list[str] = []
    for word in text.split():
        if word in ("'s", "-") and words:
            words[-1] += "'s" if word == "'s" else ","
        else:
            words.append(word)
    for index, (word, following) in enumerate(itertools.pairwise(words)):
        sound = following.lstrip("*~").lower()
        if word == "a" and sound[0] in "aeiou" and not sound.startswith(_AN_EXCEPTIONS):
            words[index] = "an"
    return words


def _token(marked: str, chance: np.random.Generator) -> Token:
    written = marked.lstrip("*~")
    text = written.strip(PUNCTUATION).lower()
    meaning = None if marked.startswith("~") else meaning_of_spoken(text)
    is_function = text.split("'")[0] in FUNCTION_WORDS
    if meaning:
        group = "function meaning" if is_function else "meaning"
    else:
        group = "function" if is_function else "content"
    accent = 0.0 if is_function else 1.0
    if marked.startswith("*") or chance.random() < _ACCENT_CHANCE[group]:
        accent = chance.uniform(1.6, 3.0)
    return Token(written, text, meaning, float(accent))


def meaning_of_spoken(text: str) -> str | None:
    """Returns the meaning of a word as it is spoken: that of "don't" is `no`, of "I'm" `me`."""
    if text.endswith("n't"):
        return "no"
    base, apostrophe, ending = text.partition("'")
    if apostrophe and ending == "s":
        # "that's" is no pointing, and "Anna's" has no meaning.
        return None
    return meaning_of(base)

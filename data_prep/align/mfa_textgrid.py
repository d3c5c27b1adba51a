"""Transcripts for the Montreal Forced Aligner, and its TextGrids back to the user's words."""

import re
from collections.abc import Sequence
from pathlib import Path

from data_prep.words.labels import UNKNOWN_LABELS
from data_prep.words.numerals import spoken_number
from data_prep.words.pronunciation import SYMBOLS
from data_prep.words.spelling import bare_form, letters
from data_prep.words.tiers import Interval, read_tiers
from data_prep.words.word import Word
from llavataros_jax.errors import UserError

_UNSPACED = {"ja", "th", "zh"}  # MFA splits their sentences itself
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:st|nd|rd|th)?")


def lab_text(words: Sequence[str], language: str) -> str:
    """Returns the text of a `.lab` file: the words without punctuation, in one line."""
    return " ".join(filter(None, (lab_word(word, language) for word in words))) + "\n"


def lab_word(word: str, language: str) -> str:
    """Returns one word as MFA is told it: without marks around it, English numbers in words."""
    plain = bare_form(word)
    if language != "en" or (plain and not _NUMBER.fullmatch(plain)):
        return plain
    # Numbers and symbols stand in no dictionary; a unit such as % or $ is said after its number.
    said = spoken_number(plain)[0] if plain else []
    return " ".join([*said, *(SYMBOLS[mark] for mark in word if mark in SYMBOLS)])


def read_mfa_words(
    path: Path, expected: Sequence[str], language: str
) -> tuple[list[Word], list[str]]:
    """Reads MFA's TextGrid, whose tiers are `words` and `phones`, back to the words it was given.

    MFA lowers case and splits compounds, so its intervals are gathered letter by letter; in
    languages that are written without spaces its own words are returned.

    Returns:
        The words with the user's spelling, and those that its dictionary lacks.

    Raises:
        UserError: When the tiers have other names or the words are not the expected ones.
    """
    tiers = dict(read_tiers(path))
    spoken, phones = tiers.get("words"), tiers.get("phones")
    if spoken is None or phones is None or len(tiers) != 2:
        raise UserError(
            f"MFA's {path.name} needs the tiers words and phones, but has: "
            f"{', '.join(tiers) or 'none'}; use a version of MFA from 2.0 on"
        )
    intervals = [interval for interval in spoken if interval.label.strip()]
    noise = [phone for phone in phones if phone.label in UNKNOWN_LABELS]
    if language in _UNSPACED:
        words = [Word(found.label, found.start, found.end) for found in intervals]
    else:
        words = _gathered(path, expected, intervals, language)
    unknown = {
        word.text: None
        for word in words
        if any(p.start < word.end_seconds and p.end > word.start_seconds for p in noise)
    }
    return words, list(unknown)


def _gathered(
    path: Path, expected: Sequence[str], intervals: Sequence[Interval], language: str
) -> list[Word]:
    """Gives each expected word the intervals that spell it."""
    words: list[Word] = []
    rest = list(reversed(intervals))
    for number, text in enumerate(expected, 1):
        wanted, spelled = letters(lab_word(text, language)), ""
        taken: list[Interval] = []
        while spelled != wanted and rest:
            interval = rest.pop()
            taken.append(interval)
            # An unknown word may be written as such; it then counts as the rest of this one.
            is_unknown = interval.label in UNKNOWN_LABELS
            spelled = wanted if is_unknown else spelled + letters(interval.label)
            if not wanted.startswith(spelled):
                break
        if spelled != wanted:
            found = taken[-1].label if taken else "nothing"
            raise UserError(
                f"MFA's {path.name} does not hold the transcript's words: word {number} "
                f"is {text!r}, but there is {found!r}"
            )
        previous = words[-1].end_seconds if words else 0.0
        start, end = (taken[0].start, taken[-1].end) if taken else (previous, previous)
        words.append(Word(text, start, end))
    if rest:
        raise UserError(
            f"MFA's {path.name} has {len(rest)} more words than the transcript, from "
            f"{rest[-1].label!r} on"
        )
    return words

"""What the readers of all forms return: labels with the times as the file has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from data_prep.words.forms.moments import number, seconds

_PHRASE_TOKENS = 4


class Unit(NamedTuple):
    """A unit of time, and how many of it make a second."""

    name: str
    per_second: int


SECONDS, MILLISECONDS = Unit("seconds", 1), Unit("milliseconds", 1000)
TICKS = Unit("ticks of 100 ns", 10_000_000)
SECONDS_FIRST = (SECONDS, MILLISECONDS, TICKS)
MILLISECONDS_FIRST = (MILLISECONDS, SECONDS, TICKS)
TICKS_FIRST = (TICKS, MILLISECONDS, SECONDS)


@dataclass(frozen=True)
class Entry:
    """A label of a file.

    Attributes:
        text: What it says: a word, or several.
        start: When it begins, in the file's unit; None when the file does not say.
        end: When it ends, likewise.
        confidence: Probability in [0, 1], if the file gives one.
        in_seconds: Whether the times are seconds whatever the file's unit is, as `0.1s` says.
        is_cue: Whether it is a phrase to be looked up in its span, also when it is a single word.
    """

    text: str
    start: float | None = None
    end: float | None = None
    confidence: float | None = None
    in_seconds: bool = False
    is_cue: bool = False


@dataclass(frozen=True)
class Reading:
    """The labels of a file.

    Attributes:
        entries: In the file's order.
        units: Units that the form's times may have, the documented one first.
        may_run_back: Whether programs that write this form are known to put times out of order.
        notes: What was done to read them.
    """

    entries: Sequence[Entry]
    units: tuple[Unit, ...] = SECONDS_FIRST
    may_run_back: bool = False
    notes: tuple[str, ...] = ()


def entry(
    text: Any,
    start: Any = None,
    end: Any = None,
    *,
    duration: Any = None,
    confidence: Any = None,
    is_cue: bool = False,
) -> Entry:
    """Makes an entry of values as a file holds them; what is no time counts as none."""
    words = str(text) if isinstance(text, str | int | float) else ""
    values = [start, end, duration]
    explicit = [seconds(value) for value in values]
    in_seconds = any(value is not None for value in explicit)
    begin, finish, lasts = (
        number(value) if known is None else known
        for value, known in zip(values, explicit, strict=True)
    )
    if finish is None and begin is not None and lasts is not None:
        finish = begin + lasts
    share = number(confidence)
    share = share if share is not None and 0 <= share <= 1 else None
    return Entry(words, begin, finish, share, in_seconds, is_cue)


def with_mark(entries: list[Entry], mark: Any) -> None:
    """Appends a punctuation mark, which some services give as an item of its own, to the last."""
    if entries and isinstance(mark, str):
        last = entries[-1]
        text = last.text.rstrip() + mark.strip()
        entries[-1] = Entry(text, last.start, last.end, last.confidence, last.in_seconds)


def as_cues_if_phrases(entries: Sequence[Entry]) -> list[Entry]:
    """Makes all entries cues if some are phrases: then a single word among them is one too."""
    if not any(len(found.text.split()) >= _PHRASE_TOKENS for found in entries):
        return list(entries)
    return [as_cue(found) for found in entries]


def as_cue(found: Entry) -> Entry:
    """Returns the same entry as a cue."""
    return Entry(found.text, found.start, found.end, found.confidence, found.in_seconds, True)

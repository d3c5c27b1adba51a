"""Which words may get a stroke and when: what is heard decides, never what comes much later.

The learner hears `HORIZON_SECONDS` ahead. Nothing here needs more: what is done at a time follows
from words that have begun by then or begin within the horizon, and from the sound of those.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from data_prep.corpus.hours.spoken import SpokenWord
from data_prep.corpus.hours.styles import Style

HORIZON_SECONDS = 0.4
# A gap that is as long as this is a pause; it is known as such when it begins.
PAUSE_SECONDS = 0.38
APEX_SECONDS = 0.06
_MEANING_LEAD_SECONDS = 0.35
_BEAT_LEAD_SECONDS = 0.25
_DECIBELS, _SEMITONES = 4.0, 3.0
_USUAL_PROMINENCE = 0.3
_FREQUENT_PROMINENCE = 0.3
# The longer hands have not moved, the less prominent a word may be that moves them: people gesture
# through all of their speech, and the first stressed word after a pause gets a stroke.
_MOST_RELIEF, _RELIEF_STARTS_SECONDS, _RELIEF_SECONDS = 1.1, 0.45, 1.1

# Words so frequent that they carry their gesture only when they are prominent.
_FREQUENT = (
    "i my we us our you your they not cannot what which who how when where may might could but "
    "much more all two couple another start end likely rather while"
)
FREQUENT = frozenset(_FREQUENT.split())


@dataclass(frozen=True)
class Candidate:
    """A stroke that a word asks for.

    Attributes:
        word: Number of the word.
        kind: `beat`, or the word's meaning.
        start_seconds: When its preparation would begin.
        apex_seconds: When the stroke would end.
        prominence: How prominent the word is.
        size: Size of the stroke.
    """

    word: int
    kind: str
    start_seconds: float
    apex_seconds: float
    prominence: float
    size: float


def prominence(word: SpokenWord) -> float:
    """Says how much a word stands out by its sound: 0 is usual, and one word of ten has 1."""
    return word.loudness_decibels / _DECIBELS / 2 + word.pitch_semitones / _SEMITONES / 2


def beat_size(value: float) -> float:
    """Returns a beat's size for a prominence: 1.6 times as large for one more, within limits."""
    return min(max(1.6 ** (value - _USUAL_PROMINENCE), 0.5), 1.6)


def meaning_size(value: float) -> float:
    """Returns the size of a meaning's gesture, which depends little on prominence."""
    return 1 + 0.15 * math.tanh(value - 0.3)


def relief(idle_seconds: float) -> float:
    """Returns by how much the threshold is lower so long after the last stroke's apex."""
    share = (idle_seconds - _RELIEF_STARTS_SECONDS) / _RELIEF_SECONDS
    return _MOST_RELIEF * min(max(share, 0.0), 1.0)


def candidates(words: Sequence[SpokenWord], style: Style) -> list[Candidate]:
    """Lists the strokes that words ask for, in the order in which they are decided."""
    found = []
    for index, word in enumerate(words):
        value = prominence(word)
        frequent = word.text in FREQUENT
        meaning = (
            word.meaning if not frequent or value > style.threshold + _FREQUENT_PROMINENCE else None
        )
        if meaning is None and value <= style.threshold - _MOST_RELIEF:
            continue
        start = word.stress_seconds - _BEAT_LEAD_SECONDS
        if meaning is not None and not frequent:
            start = word.start_seconds - _MEANING_LEAD_SECONDS
        start = max(start, word.start_seconds - _MEANING_LEAD_SECONDS, 0.0)
        size = beat_size(value) if meaning is None else meaning_size(value)
        apex = word.stress_seconds + APEX_SECONDS
        found.append(Candidate(index, meaning or "beat", start, apex, value, size))
    return sorted(found, key=lambda candidate: candidate.start_seconds)


def runs(words: Sequence[SpokenWord]) -> list[tuple[float, float]]:
    """Returns start and end of every stretch of speech without a pause, in seconds."""
    found: list[tuple[float, float]] = []
    for word in words:
        if found and word.start_seconds - found[-1][1] < PAUSE_SECONDS:
            found[-1] = (found[-1][0], max(found[-1][1], word.end_seconds))
        else:
            found.append((word.start_seconds, word.end_seconds))
    return found

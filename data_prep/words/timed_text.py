"""Timed words, of which some are known by the span of their phrase alone."""

from dataclasses import dataclass

from data_prep.words.word import Word


@dataclass(frozen=True)
class Cue:
    """A phrase whose span is known, such as a subtitle.

    Attributes:
        first: Row of its first word.
        stop: Row after its last word.
        start_seconds: When its span begins.
        end_seconds: When its span ends.
    """

    first: int
    stop: int
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True)
class TimedText:
    """What a file of timed words holds.

    Attributes:
        words: All words in order. Those of a cue share its span by their length, until an aligner
            finds them in the sound.
        cues: The phrases among them, in order; their spans do not overlap.
    """

    words: tuple[Word, ...] = ()
    cues: tuple[Cue, ...] = ()

"""What is said and how, between the generator of speech and that of gesture."""

from dataclasses import dataclass
from typing import Literal

SentenceKind = Literal["statement", "question", "negation", "list", "hesitation", "exclamation"]


@dataclass(frozen=True)
class SpokenWord:
    """One word of a performance, with what can be heard of it.

    Attributes:
        text: Lower case, without punctuation.
        meaning: Key of `lexicon.MEANINGS` whose gesture falls on the word, if there is one.
        start_seconds: Start in the clip.
        end_seconds: End in the clip.
        stress_seconds: Onset of the stressed vowel.
        loudness_decibels: Measured level of the stressed syllable relative to the speaker's usual.
        pitch_semitones: Measured peak of the pitch there relative to the speaker's median.
        sentence: Number of the sentence in the clip, counted from 0.
        kind: Kind of that sentence.
    """

    text: str
    meaning: str | None
    start_seconds: float
    end_seconds: float
    stress_seconds: float
    loudness_decibels: float
    pitch_semitones: float
    sentence: int
    kind: SentenceKind

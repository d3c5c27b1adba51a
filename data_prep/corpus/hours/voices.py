"""The twelve speakers' voices: families of espeak-ng variants, varied from clip to clip.

A voice's size shifts all its formants: what is said is played slower or faster by it, and spoken
faster or slower to make up for that.
"""

from dataclasses import dataclass

import numpy as np

from data_prep.corpus.speech import Voice


@dataclass(frozen=True)
class VoiceFamily:
    """What one speaker can sound like.

    Attributes:
        variants: Names of espeak-ng voices of a like timbre.
        pitch: Middle of espeak-ng's scale from 0 to 100.
        pitch_range: How far the melody goes, 0 to 100.
        words_per_minute: Middle of the tempo.
        liveliness: How much accents stand out, 1 as usual.
        neural_size: Size of the head with a neural voice, which has but one pitch.
    """

    variants: tuple[str, ...]
    pitch: int
    pitch_range: int
    words_per_minute: int
    liveliness: float
    neural_size: float


@dataclass(frozen=True)
class Tone:
    """How a speaker sounds in one clip: `size` over 1 has a larger head and lower formants."""

    voice: Voice
    size: float
    liveliness: float


def _family(variants: str, *numbers: float) -> VoiceFamily:
    pitch, pitch_range, words_per_minute, *others = numbers
    return VoiceFamily(
        tuple(variants.split()), int(pitch), int(pitch_range), int(words_per_minute), *others
    )


VOICES: dict[str, VoiceFamily] = {
    "ada": _family("en-us+f3 en-us+f5 en-us+Annie en-us+f2", 60, 62, 150, 1.1, 0.86),
    "ben": _family("en-us+m3 en-us+m1 en-us+max en-us", 36, 52, 138, 1.0, 1.0),
    "cora": _family("en+f1 en+f4 en-gb-x-rp+f1 en+aunty", 48, 50, 142, 0.9, 0.9),
    "dan": _family("en+m7 en-gb-x-rp+m3 en+m6 en+Lee", 46, 45, 156, 1.0, 0.97),
    "eve": _family("en-us+f2 en-us+belinda en-us+linda en-us+f4", 50, 70, 170, 1.2, 0.84),
    "finn": _family(
        "en-gb-scotland+m2 en-gb-scotland+m5 en-gb-scotland+m1", 52, 60, 160, 1.1, 0.94
    ),
    "gia": _family("en-us+f4 en-us+shelby en-us+f1 en-us+steph", 66, 75, 158, 1.2, 0.82),
    "hugo": _family("en-us+m8 en-us+quincy en-us+m4 en-us+Mike", 26, 45, 130, 0.9, 1.08),
    "iris": _family("en+f5 en+f2 en-gb-x-gbcwmd+f3 en+grandma", 42, 48, 136, 0.9, 0.92),
    "jon": _family("en-us-nyc+m4 en-us-nyc+m5 en-us-nyc+m3 en-us+m2", 44, 66, 172, 1.2, 0.96),
    "kim": _family("en-us+f5 en-us+Annie en+f3 en-us+f3", 70, 56, 162, 1.0, 0.8),
    "leo": _family("en-gb-x-gbclan+m6 en-gb-x-gbclan+m3 en+adam en+michel", 32, 58, 148, 1.0, 1.04),
}


def draw_tone(name: str, chance: np.random.Generator, neural_voice: str | None = None) -> Tone:
    """Draws how a speaker sounds in a clip, near to what is usual.

    With a neural voice, espeak-ng's voice `neural_voice` gives its phonemes.
    """
    family = VOICES[name]
    size = float(np.exp(chance.normal(0.0, 0.035)))
    if neural_voice:
        size *= family.neural_size
    words_per_minute = family.words_per_minute * chance.uniform(0.86, 1.16) * size
    voice = Voice(
        name=neural_voice or str(chance.choice(family.variants)),
        words_per_minute=int(np.clip(words_per_minute, 105, 210)),
        pitch=int(np.clip(family.pitch + chance.normal(0, 6), 8, 88)),
        pitch_range=int(np.clip(family.pitch_range * chance.uniform(0.7, 1.35), 20, 95)),
    )
    return Tone(voice, size, family.liveliness * float(chance.uniform(0.8, 1.2)))

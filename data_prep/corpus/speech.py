"""Speech with the true times of its words, from espeak-ng through its C interface.

The library and its data come from the PyPI package `espeakng-loader`. espeak-ng keeps state from
one utterance to the next (its pitch flutter), so every call of `speak` runs in a fresh process:
the same lines then give the same samples, in whatever order clips are made.
"""

import ctypes
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from llavataros_jax.errors import UserError

VOWELS = frozenset("aeiouyɐɑɒæɔəɚɛɜɪʊʌᵻ")
_STRESS_MARKS = "ˈˌ"

# Numbers of espeak-ng's speak_lib.h.
_SYNCHRONOUS, _PHONEME_EVENTS_IN_IPA = 2, 3
_LIST_END, WORD, PHONEME = 0, 1, 7
_RATE, _PITCH, _PITCH_RANGE = 1, 3, 4
_UTF8 = 1

_SEED = 1

# A pause shorter than this belongs to the word before it, as the closure of a stop does.
SHORTEST_PAUSE_SECONDS = 0.12


@dataclass(frozen=True)
class Voice:
    """How a speaker sounds: an espeak-ng voice, words per minute, pitch and its range (0-100)."""

    name: str
    words_per_minute: int
    pitch: int
    pitch_range: int


@dataclass(frozen=True)
class WordTimes:
    """When a word is said; `stress_seconds` is the onset of its most stressed vowel."""

    start_seconds: float
    end_seconds: float
    stress_seconds: float


@dataclass(frozen=True)
class Utterance:
    """One spoken line without the silence around it."""

    samples: Float[np.ndarray, " n"]
    sample_rate: int
    words: tuple[WordTimes, ...]


class _Label(ctypes.Union):
    _fields_ = [
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    ]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Label),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True)
class Sound:
    """All that the synthesiser made of a line: samples and its events.

    An event is its kind, its time in seconds, the place in the text that it belongs to (counted
    from 0) and, of a phoneme, its name in IPA.
    """

    samples: Float[np.ndarray, " n"]
    sample_rate: int
    events: tuple[tuple[int, float, int, str], ...]


class Synthesiser:
    """The espeak-ng library of this process; what it says depends on all that it said before.

    Raises:
        UserError: When espeakng-loader is missing.
    """

    def __init__(self) -> None:
        try:
            import espeakng_loader
        except ImportError as missing:
            raise UserError(
                "making the corpus needs espeak-ng: pip install espeakng-loader (the corpus itself "
                "is committed, so nothing else needs it)"
            ) from missing
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._rate = self._library.espeak_Initialize(
            _SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), _PHONEME_EVENTS_IN_IPA
        )
        # Otherwise breath and roughness are seeded by the clock.
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(_SEED))
        self._blocks: list[np.ndarray] = []
        self._events: list[tuple[int, float, int, str]] = []
        # The name must stay bound while the library may call it.
        self._callback = _Callback(self._collect)
        self._library.espeak_SetSynthCallback(self._callback)

    def set_voice(self, voice: Voice) -> None:
        """Makes all that follows be said by `voice`.

        Raises:
            UserError: When there is no such voice.
        """
        if self._library.espeak_SetVoiceByName(voice.name.encode()) != 0:
            raise UserError(f"espeak-ng has no voice {voice.name!r}; name one that it has")
        self._library.espeak_SetParameter(_RATE, voice.words_per_minute, 0)
        self._library.espeak_SetParameter(_PITCH, voice.pitch, 0)
        self._library.espeak_SetParameter(_PITCH_RANGE, voice.pitch_range, 0)

    def say(self, line: str) -> Sound:
        """Says a line, which may hold espeak-ng's embedded commands."""
        self._blocks.clear()
        self._events.clear()
        text = line.encode() + b"\0"
        self._library.espeak_Synth(text, len(text), 0, 1, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        samples = np.concatenate(self._blocks).astype(np.float64) / 32768
        return Sound(samples, self._rate, tuple(self._events))

    def _collect(self, samples, count, event) -> int:
        if samples and count > 0:
            self._blocks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        index = 0
        while event[index].type != _LIST_END:
            told = event[index]
            label = told.id.string.decode("utf-8", "ignore") if told.type == PHONEME else ""
            seconds = told.sample / self._rate
            self._events.append((told.type, seconds, told.text_position - 1, label))
            index += 1
        return 0


def speak(lines: Sequence[str], voice: Voice) -> list[Utterance]:
    """Says lines with a voice, in a fresh process.

    Raises:
        UserError: When espeakng-loader is missing, or a line's words and espeak-ng's word events
            do not correspond one to one.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_speak_here, tuple(lines), voice).result()


def _speak_here(lines: Sequence[str], voice: Voice) -> list[Utterance]:
    synthesiser = Synthesiser()
    synthesiser.set_voice(voice)
    utterances = []
    for line in lines:
        sound = synthesiser.say(line)
        events = [(kind, seconds, label) for kind, seconds, _, label in sound.events]
        utterances.append(_trim(sound.samples, sound.sample_rate, _word_times(events, line)))
    return utterances


def _word_times(events: Sequence[tuple[int, float, str]], line: str) -> list[WordTimes]:
    """Groups phonemes under words by the order of events: their times may tie or cross."""
    groups: list[tuple[float, list[tuple[float, str]]]] = []
    for kind, seconds, label in events:
        if kind == WORD:
            groups.append((seconds, []))
        elif kind == PHONEME and groups:
            groups[-1][1].append((seconds, label))
    groups = [(start, phonemes) for start, phonemes in groups if any(p for _, p in phonemes)]
    expected = len(line.split())
    if len(groups) != expected:
        raise UserError(
            f"espeak-ng said {len(groups)} words for the {expected} of {line!r}; it merges pairs "
            "such as 'of the' and splits digits and apostrophes, so write the line another way"
        )
    words = []
    for index, (start, phonemes) in enumerate(groups):
        last = max(i for i, (_, label) in enumerate(phonemes) if label)
        spoken = phonemes[: last + 1]
        following = groups[index + 1][0] if index + 1 < len(groups) else None
        pause = phonemes[last + 1][0] if last + 1 < len(phonemes) else following
        assert pause is not None
        if following is not None and following - pause < SHORTEST_PAUSE_SECONDS:
            pause = following
        words.append(WordTimes(start, pause, stress_seconds(start, spoken)))
    return words


def stress_seconds(start: float, phonemes: Sequence[tuple[float, str]]) -> float:
    """Finds the onset of the first vowel of the strongest stress that the word has."""
    vowels = [(seconds, label) for seconds, label in phonemes if VOWELS & set(label)]
    for mark in _STRESS_MARKS:
        for seconds, label in vowels:
            if mark in label:
                return max(start, seconds)
    return max(start, vowels[0][0]) if vowels else start


def _trim(samples: np.ndarray, rate: int, words: list[WordTimes]) -> Utterance:
    """Cuts the synthesiser's silence before the first and after the last word."""
    first, last = words[0].start_seconds, words[-1].end_seconds + 0.05
    begin, end = round(first * rate), min(len(samples), round(last * rate))
    shifted = tuple(
        WordTimes(w.start_seconds - first, w.end_seconds - first, w.stress_seconds - first)
        for w in words
    )
    return Utterance(samples[begin:end], rate, shifted)

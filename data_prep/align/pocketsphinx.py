"""Forced alignment by PocketSphinx, whose English model comes with its package.

Long recordings are aligned in windows, so that memory and time per minute do not grow: of each
window the words before its longest late pause are kept, and the next begins in that pause.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from data_prep.align.window import Window, sounds
from data_prep.words.language import language_code
from data_prep.words.note import Note
from data_prep.words.pronunciation import pronunciations
from data_prep.words.spelling import latin_form
from data_prep.words.word import Word
from llavataros_jax.config import WordsConfig
from llavataros_jax.errors import UserError
from llavataros_jax.listing import listed
from llavataros_jax.packages import missing_packages, needs
from llavataros_jax.sound.reader import SPEECH_RATE, blocks

WINDOW_SECONDS = 180.0
FRAME_SECONDS = 0.01

_PADDING_SECONDS = 0.3
_COMMIT_SHARES = 0.6, 0.9  # words that end later may still change with what follows
_MOST_WORDS_PER_SECOND = 8
_LOUD_RMS, _NOISE_RMS = 0.1, 3e-4
_BEAM = 1e-100
_LISTED_WORDS = 12
_NOISE_PHONE = "+SPN+"


class PocketSphinxAligner:
    """Aligns English speech; see `data_prep.align.aligner.Aligner`."""

    name = "pocketsphinx"

    def __init__(self, config: WordsConfig) -> None:
        self._config = config

    def missing(self) -> str | None:
        """Tells of another language than English or of a missing package."""
        if language_code(self._config.language) != "en":
            return (
                f"PocketSphinx knows English (en) only, not words.language={self._config.language}"
            )
        missing = missing_packages("pocketsphinx")
        return needs("PocketSphinx", missing, extra="prep") if missing else None

    def identity(self) -> dict[str, Any]:
        """Returns nothing: its model comes with it."""
        return {}

    def align(
        self,
        audio_path: Path,
        words: list[str],
        note: Note,
        *,
        window_seconds: float = WINDOW_SECONDS,
    ) -> list[Word]:
        """Returns one `Word` for each of `words`; its times are multiples of 10 ms.

        Raises:
            UserError: When no word can be pronounced in English or the words do not fit the audio.
        """
        decoder = _decoder()
        entries = _enter_words(decoder, audio_path, words, note)
        reader = _WindowReader(audio_path)
        found: list[Word] = []
        while len(found) < len(words):
            samples, start_seconds, is_last = reader.window(window_seconds)
            rest = entries[len(found) :]
            if not is_last:
                rest = rest[: int(_MOST_WORDS_PER_SECOND * window_seconds)]
            spans = _align_window(decoder, samples, rest, is_last=is_last)
            if is_last and len(spans) < len(rest):
                raise UserError(
                    f"the transcript does not fit {audio_path}: {len(found)} of {len(words)} words "
                    f"were found before {start_seconds:.1f} s and the rest, from "
                    f"{words[len(found)]!r} on, were not; check that it says what is spoken"
                )
            kept, cut_seconds = len(spans), window_seconds
            if not is_last:
                kept, cut_seconds = _commit(spans, window_seconds)
            found += [
                Word(word, round(start_seconds + start, 3), round(start_seconds + end, 3))
                for word, (start, end) in zip(words[len(found) :], spans[:kept], strict=False)
            ]
            reader.advance(cut_seconds)
        return found

    def align_windows(
        self, audio_path: Path, windows: Sequence[Window], note: Note
    ) -> Iterator[list[Word] | None]:
        """See `data_prep.align.window.WindowAligner`."""
        decoder = _decoder()
        words = [word for window in windows for word in window.words]
        entries = dict(zip(words, _enter_words(decoder, audio_path, words, note), strict=True))
        for window, samples in zip(windows, sounds(audio_path, windows), strict=True):
            asked = [entries[word] for word in window.words]
            spans = _align_window(decoder, samples, asked, is_last=True) if len(samples) else []
            if len(spans) < len(asked):
                yield None
                continue
            first = window.start_seconds
            yield [
                Word(word, round(first + start, 3), round(first + end, 3))
                for word, (start, end) in zip(window.words, spans, strict=True)
            ]


def _decoder():
    from pocketsphinx import Decoder

    # The lattice's best path may end in the middle of the text, so it is off; the default beam
    # loses the text where something else is said. Both were measured on real and synthetic speech.
    return Decoder(lm=None, loglevel="FATAL", bestpath=False, beam=_BEAM, pbeam=_BEAM, wbeam=_BEAM)


def _enter_words(decoder, audio_path: Path, words: list[str], note: Note) -> list[str]:
    """Finds the dictionary entry of each word, and adds entries for those that have none."""

    def lookup(word: str) -> list[str]:
        names = (word, *(f"{word}({number})" for number in range(2, 5)))
        found = [decoder.lookup_word(name) for name in names] if word else []
        return [phones for phones in found if phones]

    entries, guessed, unspoken = {}, [], []
    for word in words:
        if word in entries:
            continue
        plain = latin_form(word)
        if plain and "(" not in plain and decoder.lookup_word(plain):
            entries[word] = plain
            continue
        sounds = pronunciations(word, lookup)
        (guessed if sounds else unspoken).append(word)
        entries[word] = f"guessed{len(entries)}"
        for number, phones in enumerate(sounds or [_NOISE_PHONE], 1):
            name = entries[word] if number == 1 else f"{entries[word]}({number})"
            decoder.add_word(name, phones, False)
    if len(unspoken) == len(entries):
        raise UserError(
            f"no word of the transcript of {audio_path} can be spoken in English (it begins with "
            f"{words[0]!r}); PocketSphinx knows Latin script only, so bring timed words"
        )
    if guessed:
        note(f"pronunciation guessed for {listed(guessed, _LISTED_WORDS)}")
    if unspoken:
        note(f"not English, so timed as noise: {listed(unspoken, _LISTED_WORDS)}")
    return [entries[word] for word in words]


def _align_window(
    decoder, samples: Float32[np.ndarray, " n"], entries: list[str], *, is_last: bool
) -> list[tuple[float, float]]:
    """Returns start and end of the words found in a window: all of them, if it is the last."""
    decoder.set_align_text(" ".join(entries))
    decoder.start_utt()
    decoder.process_raw(_as_speech(samples).tobytes(), full_utt=True)
    # Before the end of the utterance the best path may stop at any word, after it only at the last.
    segments = None if is_last else decoder.seg()
    spans = _spans(segments)
    decoder.end_utt()
    if is_last:
        spans = _spans(decoder.seg())
    seconds = len(samples) / SPEECH_RATE
    return [(min(max(a, 0.0), seconds), min(max(b, 0.0), seconds)) for a, b in spans]


def _spans(segments) -> list[tuple[float, float]]:
    return [
        (
            segment.start_frame * FRAME_SECONDS - _PADDING_SECONDS,
            (segment.end_frame + 1) * FRAME_SECONDS - _PADDING_SECONDS,
        )
        for segment in segments or []
        if segment.word[0] not in "<[(+"
    ]


def _commit(spans: list[tuple[float, float]], window_seconds: float) -> tuple[int, float]:
    """Chooses how many words to keep and where to cut: in the longest late pause."""
    earliest, latest = (share * window_seconds for share in _COMMIT_SHARES)
    late = [number for number, (_, end) in enumerate(spans[:-1], 1) if earliest <= end <= latest]
    if not late:
        sure = sum(end <= latest for _, end in spans)
        if not sure:
            return 0, earliest
        # Nothing is said late in the window: the pause after the last sure word is long.
        following = spans[sure][0] if sure < len(spans) else latest
        return sure, (spans[sure - 1][1] + max(following, spans[sure - 1][1])) / 2
    best = max(late, key=lambda number: spans[number][0] - spans[number - 1][1])
    return best, (spans[best - 1][1] + spans[best][0]) / 2


def _as_speech(samples: Float32[np.ndarray, " n"]) -> np.ndarray:
    """Brings speech to a usual level, above faint noise and with silence at both ends, as int16.

    Digital silence has no logarithm, and the search goes astray in it; a word needs silence
    before it to begin. The noise is the same at every call.
    """
    padding = round(_PADDING_SECONDS * SPEECH_RATE)
    tenth = samples[: len(samples) // 1600 * 1600].reshape(-1, 1600)
    loudness = np.sqrt(np.mean(tenth**2, axis=1)) if len(tenth) else np.zeros(1)
    gain = np.clip(_LOUD_RMS / max(float(np.percentile(loudness, 95)), 1e-6), 0.1, 300)
    noise = np.random.default_rng(0).standard_normal(len(samples) + 2 * padding, np.float32)
    noise *= _NOISE_RMS
    noise[padding : padding + len(samples)] += gain * samples
    return (np.clip(noise, -1, 1) * 32767).astype("<i2")


class _WindowReader:
    """Reads a recording forwards and holds no more of it than a window."""

    def __init__(self, path: Path) -> None:
        self._source: Iterator[np.ndarray] = blocks(path, SPEECH_RATE)
        self._samples = np.zeros(0, np.float32)
        self._first = 0

    def window(self, seconds: float) -> tuple[np.ndarray, float, bool]:
        """Returns the next window, its start, and whether it reaches the end of the recording.

        A rest of up to a quarter of a window more comes along with the last.
        """
        wanted = round(1.25 * seconds * SPEECH_RATE)
        parts, available = [self._samples], len(self._samples)
        while available < wanted and (part := next(self._source, None)) is not None:
            parts.append(part)
            available += len(part)
        self._samples = np.concatenate(parts)
        is_last = available < wanted
        stop = available if is_last else round(seconds * SPEECH_RATE)
        return self._samples[:stop], self._first / SPEECH_RATE, is_last

    def advance(self, seconds: float) -> None:
        """Lets the next window begin `seconds` after this one, at a whole 10 ms."""
        skipped = round(seconds / FRAME_SECONDS) * round(FRAME_SECONDS * SPEECH_RATE)
        self._samples = self._samples[skipped:]
        self._first += skipped

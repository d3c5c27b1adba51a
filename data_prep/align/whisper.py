"""Forced alignment by openai-whisper: its attention from text to sound, warped in time.

Whisper sees 30 s at once. A longer recording is first written down by Whisper itself; where the
transcript says the same, the words' times are known roughly, and the recording is cut there.
"""

import difflib
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from data_prep.listen.whisper import WhisperTranscriber
from data_prep.listen.whisper_model import load_whisper, whisper_language
from data_prep.listen.whisper_weights import missing_whisper, whisper_identity
from data_prep.words.note import Note
from data_prep.words.spelling import bare_form
from data_prep.words.word import Word
from llavataros_jax.config import WordsConfig
from llavataros_jax.errors import UserError
from llavataros_jax.sound.reader import SPEECH_RATE, read_mono

LARGEST_WINDOW_SECONDS = 28.0

_ENGINE = "openai-whisper"
_LEAST_MATCHING = 0.3
_MARGIN_SECONDS = 0.5
_LAST_SECONDS = 2.0  # kept after the last word that is known
_SPECIAL_TOKENS = 8

Window = tuple[int, int, float, float]  # first word, word after the last, start and end in seconds


class WhisperAligner:
    """Aligns any language that Whisper knows; see `data_prep.align.aligner.Aligner`."""

    name = "whisper"

    def __init__(self, config: WordsConfig) -> None:
        self._config = config

    def missing(self) -> str | None:
        """Tells of a missing package or missing weights."""
        return missing_whisper(self._config, _ENGINE)

    def identity(self) -> dict[str, Any]:
        """Returns the weights, and the gate through which long recordings are first heard."""
        return whisper_identity(self._config, _ENGINE)

    def align(self, audio_path: Path, words: list[str], note: Note) -> list[Word]:
        """Returns one `Word` with its confidence for each of `words`.

        Raises:
            UserError: When what Whisper hears in a long recording is not what the transcript says.
        """
        loaded = load_whisper(self._config, _ENGINE)
        code, model = whisper_language(loaded, self._config.language), loaded.model
        samples = read_mono(audio_path, SPEECH_RATE)
        seconds = len(samples) / SPEECH_RATE
        windows: list[Window] = [(0, len(words), 0.0, seconds)]
        if seconds > LARGEST_WINDOW_SECONDS:
            heard = WhisperTranscriber(self._config).transcribe(
                audio_path, self._config.language, lambda message: None
            )
            code = code or heard.language
            windows = plan_windows(words, heard.words, seconds, audio_path)
        found: list[Word] = []
        for first, stop, start, end in windows:
            part = samples[round(start * SPEECH_RATE) : round(end * SPEECH_RATE)]
            spans = _align_window(model, part, words[first:stop], code, audio_path)
            for text, (begin, finish, confidence) in zip(words[first:stop], spans, strict=True):
                earliest = found[-1].start_seconds if found else 0.0
                begin = min(max(start + begin, earliest), seconds)
                finish = min(max(start + finish, begin), seconds)
                found.append(Word(text, round(begin, 3), round(finish, 3), confidence))
        return found


def plan_windows(
    words: Sequence[str], heard: Sequence[Word], audio_seconds: float, audio_path: Path
) -> list[Window]:
    """Cuts a long recording in pauses between words that Whisper heard as they are written.

    Raises:
        UserError: When too few are, or there is a part that is too long to be seen at once.
    """
    rough = _match(words, heard)
    if len(rough) < _LEAST_MATCHING * len(words):
        raise UserError(
            f"the transcript does not fit {audio_path}: Whisper heard {len(rough)} of its "
            f"{len(words)} words; check that it says what is spoken"
        )
    cuts = []
    for number in range(1, len(words)):
        if number in rough and number - 1 in rough:
            before, after = rough[number - 1].end_seconds, rough[number].start_seconds
            cuts.append((number, min((before + after) / 2, before + _LAST_SECONDS)))
    windows: list[Window] = []
    first, start = 0, _start_of(0, rough, 0.0)
    last = max(rough)
    end = rough[last].end_seconds + _LAST_SECONDS if last == len(words) - 1 else audio_seconds
    while (latest := start + LARGEST_WINDOW_SECONDS) < end:
        ahead = [(number, cut) for number, cut in cuts if number > first and start < cut <= latest]
        if not ahead and rough[last].end_seconds < latest:
            end = latest  # what follows the last known word must be near it
            break
        if not ahead:
            raise UserError(
                f"the transcript does not fit {audio_path}: from {start:.1f} s on, Whisper heard "
                f"no two words of it in a row for {LARGEST_WINDOW_SECONDS:g} s, after "
                f"{words[first]!r}"
            )
        late = [(n, cut) for n, cut in ahead if cut > start + LARGEST_WINDOW_SECONDS / 2] or ahead
        stop, cut = max(late, key=lambda c: rough[c[0]].start_seconds - rough[c[0] - 1].end_seconds)
        windows.append((first, stop, start, cut))
        first, start = stop, _start_of(stop, rough, cut)
    return [*windows, (first, len(words), start, min(end, audio_seconds))]


def _match(words: Sequence[str], heard: Sequence[Word]) -> dict[int, Word]:
    """Finds the words that Whisper heard as they are written."""
    ours = [bare_form(word) for word in words]
    theirs = [bare_form(word.text) for word in heard]
    matcher = difflib.SequenceMatcher(None, ours, theirs, autojunk=False)
    return {
        block.a + offset: heard[block.b + offset]
        for block in matcher.get_matching_blocks()
        for offset in range(block.size)
    }


def _start_of(number: int, rough: dict[int, Word], earliest: float) -> float:
    """Leaves out silence before a word whose time is known."""
    if number not in rough:
        return earliest
    return max(earliest, rough[number].start_seconds - _MARGIN_SECONDS)


def _align_window(
    model: Any,
    samples: Float32[np.ndarray, " n"],
    words: Sequence[str],
    language: str | None,
    audio_path: Path,
) -> list[tuple[float, float, float]]:
    """Returns start, end and confidence of each word in up to 30 s of sound."""
    from whisper.audio import (  # pyright: ignore[reportMissingImports]
        HOP_LENGTH,
        N_FRAMES,
        log_mel_spectrogram,
        pad_or_trim,
    )
    from whisper.timing import find_alignment  # pyright: ignore[reportMissingImports]
    from whisper.tokenizer import get_tokenizer  # pyright: ignore[reportMissingImports]

    mel = log_mel_spectrogram(samples, model.dims.n_mels, padding=N_FRAMES * HOP_LENGTH)
    mel = pad_or_trim(mel, N_FRAMES).to(model.device)
    if language is None:
        _, scores = model.detect_language(mel)
        language = max(scores, key=scores.get)
    tokenizer = get_tokenizer(
        model.is_multilingual,
        num_languages=model.num_languages,
        language=language,
        task="transcribe",
    )
    tokens = [tokenizer.encode(f" {word}") for word in words]
    if sum(map(len, tokens)) > model.dims.n_text_ctx - _SPECIAL_TOKENS:
        raise UserError(
            f"the transcript does not fit {audio_path}: {len(words)} words for "
            f"{len(samples) / SPEECH_RATE:.1f} s are more than Whisper can place"
        )
    num_frames = min(len(samples) // HOP_LENGTH, N_FRAMES)
    timings = find_alignment(model, tokenizer, list(itertools.chain(*tokens)), mel, num_frames)
    # Whisper's own division into words may differ from ours; tokens are the same.
    owner = [timing for timing in timings for _ in timing.tokens]
    spans, done = [], 0
    for part in tokens:
        mine = owner[done : done + len(part)]
        done += len(part)
        confidence = float(np.mean([timing.probability for timing in mine]))
        spans.append((float(mine[0].start), float(mine[-1].end), confidence))
    return spans

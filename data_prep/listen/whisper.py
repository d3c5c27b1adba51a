"""Transcripts by Whisper, of the parts of a recording in which somebody speaks."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from data_prep.listen.parts import Part, speech_parts
from data_prep.listen.transcription import Transcription
from data_prep.listen.whisper_model import (
    LEAST_PAUSE_SECONDS,
    Segment,
    load_whisper,
    whisper_language,
)
from data_prep.listen.whisper_weights import missing_whisper, whisper_identity
from data_prep.sound.voice_activity import joined, tells_music
from data_prep.words.note import Note
from data_prep.words.word import Word, share_interval
from llavataros_jax.config import WordsConfig
from llavataros_jax.errors import UserError
from llavataros_jax.sound.reader import SPEECH_RATE

_PART_SECONDS = 600.0  # so that two hours need no more memory than ten minutes
_MOST_COMPRESSION = 2.4  # of the text: Whisper's own mark of a loop
_SOUND = re.compile(r"[\[(*♪].*[\])*♪]")  # such as [Music], which nobody says


class WhisperTranscriber:
    """Runs Whisper where somebody speaks, with weights that each process loads once."""

    name = "whisper"

    def __init__(self, config: WordsConfig) -> None:
        if reason := missing_whisper(config):
            raise UserError(reason)
        self._config = config

    def identity(self) -> dict[str, Any]:
        """Returns the weights, what runs them, and the voice gate."""
        return whisper_identity(self._config)

    def transcribe(self, audio_path: Path, language: str, note: Note) -> Transcription:
        """Returns Whisper's words, cut to the audio and made to follow one another."""
        if not tells_music():
            note("speech found by loudness alone, without faster-whisper, so music may have words")
        words: list[Word] = []
        loops, is_spoken, code, how = 0, False, None, ""
        for part in speech_parts(audio_path, _PART_SECONDS):
            if not part.spans:
                continue
            model = load_whisper(self._config)
            if not is_spoken:
                code = whisper_language(model, language)
                is_spoken, how = True, "" if code else ", found by itself"
            spans = joined(part.spans, LEAST_PAUSE_SECONDS)
            segments, code = model.hear(part.samples, spans, code)
            said = [segment for segment in segments if not _SOUND.fullmatch(segment.text)]
            heard = [segment for segment in said if not _is_loop(segment)]
            loops += len(said) - len(heard)
            words += _words(heard, part, words[-1].start_seconds if words else 0.0)
        if not is_spoken:
            note("no words, because nobody speaks in it")
            return Transcription(())
        if loops:
            note(f"{loops} parts left out, in which Whisper repeated itself")
        weights = Path(str(self._config.whisper)).name
        said = "words written" if words else "no words could be made out"
        note(f"{said} by Whisper ({weights}), language {code}{how}")
        return Transcription(tuple(words), code, times_are_rough=True)


def _is_loop(segment: Segment) -> bool:
    return segment.compression_ratio > _MOST_COMPRESSION


def _words(segments: Sequence[Segment], part: Part, previous_seconds: float) -> list[Word]:
    """Turns Whisper's words into ours; those that lie in no speech are invented and left out."""
    found = []
    last_seconds = part.start_seconds + len(part.samples) / SPEECH_RATE
    for heard in (word for segment in segments for word in segment.words):
        start, end = heard.start_seconds, heard.end_seconds
        if not any(first < end and start < last for first, last in part.spans):
            continue
        start = min(max(part.start_seconds + start, previous_seconds), last_seconds)
        end = min(max(part.start_seconds + end, start), last_seconds)
        previous_seconds = start
        tokens = [token for token in heard.text.split() if any(map(str.isalnum, token))]
        for word in share_interval(tokens, start, end) if tokens else ():
            found.append(replace(word, confidence=heard.confidence))
    return found

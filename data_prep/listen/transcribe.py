"""Words and times from the recording alone: the interface of transcribers, and Whisper."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from data_prep.listen.whisper_model import load_whisper, missing_whisper, whisper_language
from data_prep.sound.voice_activity import Spans, joined, speech_spans, tells_music
from data_prep.words.note import Note
from data_prep.words.textgrid import words_of_label
from data_prep.words.word import Word, checked_words
from llavataros_jax.config import WordsConfig
from llavataros_jax.errors import UserError
from llavataros_jax.sound.reader import SPEECH_RATE, is_silent, read_info, read_mono

_LARGEST_CHUNK_SECONDS = 600.0  # so that two hours need no more memory than their samples
_LEAST_PAUSE_SECONDS = 2.0  # whatever is said before a shorter one helps with what follows
_MOST_COMPRESSION = 2.4  # of the text: Whisper's own mark of a loop
_SEED = 0


@dataclass(frozen=True)
class Transcription:
    """What is said in a recording: words with times and confidence, and the language."""

    words: tuple[Word, ...]
    language: str | None = None

    @property
    def text(self) -> str:
        """The transcript."""
        return " ".join(word.text for word in self.words)


@runtime_checkable
class Transcriber(Protocol):
    """Writes down what is said, with times."""

    name: str

    def transcribe(self, audio_path: Path, language: str, note: Note) -> Transcription:
        """Returns the words of a recording in order; says what is remarkable to `note`."""
        ...


def transcribe(
    audio_path: Path | str, config: WordsConfig, *, note: Note = lambda message: None
) -> list[Word]:
    """Finds words and their times in a recording that comes with neither.

    Where nobody speaks there are no words, and a note says so.

    Raises:
        UserError: When no weights are configured or installed.
    """
    return list(transcription_of(audio_path, config, note=note).words)


def transcription_of(
    audio_path: Path | str, config: WordsConfig, *, note: Note = lambda message: None
) -> Transcription:
    """Returns words, transcript and language of a recording; see `transcribe`."""
    audio_path = Path(audio_path)
    info = read_info(audio_path)
    transcriber = choose_transcriber(audio_path, config)
    if is_silent(audio_path):
        note("no words, because it is silent")
        return Transcription(())
    found = transcriber.transcribe(audio_path, config.language, note)
    if not found.words:
        return found
    origin = f"{transcriber.name} on {audio_path}"
    return replace(found, words=tuple(checked_words(found.words, info.seconds, origin=origin)))


def choose_transcriber(audio_path: Path, config: WordsConfig) -> Transcriber:
    """Returns the transcriber whose weights the config names."""
    if config.whisper is None:
        raise UserError(
            f"{audio_path} has no words: give timed words (TextGrid, JSON, TSV or CTM), "
            "a transcript (.txt), or Whisper weights (words.whisper=PATH)"
        )
    return WhisperTranscriber(config)


class WhisperTranscriber:
    """Runs openai-whisper where somebody speaks, with weights that each process loads once."""

    name = "whisper"

    def __init__(self, config: WordsConfig) -> None:
        if reason := missing_whisper(config):
            raise UserError(reason)
        self._config = config

    def transcribe(self, audio_path: Path, language: str, note: Note) -> Transcription:
        """Returns Whisper's words, cut to the audio and made to follow one another."""
        samples = read_mono(audio_path, SPEECH_RATE)
        spans = joined(speech_spans(samples), _LEAST_PAUSE_SECONDS)
        if not tells_music():
            note("speech found by loudness alone, without silero-vad, so music may have words")
        if not spans:
            note("no words, because nobody speaks in it")
            return Transcription(())
        model = load_whisper(self._config)
        code = whisper_language(model, language)
        words: list[Word] = []
        loops = 0
        for start, end, relative in _chunks(spans):
            part = samples[round(start * SPEECH_RATE) : round(end * SPEECH_RATE)]
            result = _run(model, part, relative, code)
            code = code or result["language"]
            segments = [s for s in result["segments"] if not _is_loop(s)]
            loops += len(result["segments"]) - len(segments)
            previous = words[-1].start_seconds if words else 0.0
            words += _words(segments, start, previous, len(samples) / SPEECH_RATE, spans)
        if loops:
            note(f"{loops} parts left out, in which Whisper repeated itself")
        weights = Path(str(self._config.whisper)).name
        how = ", found by itself" if language == "auto" else ""
        said = "words written" if words else "no words could be made out"
        note(f"{said} by Whisper ({weights}), language {code}{how}")
        return Transcription(tuple(words), code)


def _run(model: Any, samples: Any, spans: Spans, language: str | None) -> dict[str, Any]:
    """Runs Whisper on those parts of the samples in which somebody speaks."""
    try:
        import torch  # pyright: ignore[reportMissingImports]

        torch.manual_seed(_SEED)  # it draws at random where it is not sure
    except ImportError:
        pass
    # Samples instead of a path: with a path, Whisper calls an ffmpeg that may not be there.
    return model.transcribe(
        samples,
        language=language,
        word_timestamps=True,
        fp16=str(model.device) != "cpu",
        clip_timestamps=[edge for span in spans for edge in span],
        condition_on_previous_text=False,  # or one invented sentence leads to the next
        hallucination_silence_threshold=_LEAST_PAUSE_SECONDS,
        verbose=None,
    )


def _chunks(spans: Spans) -> Iterator[tuple[float, float, Spans]]:
    """Yields parts of a recording with the spans in them, relative to the part's start."""
    group: Spans = []
    for start, end in spans:
        for piece in _pieces(start, end):
            if group and piece[1] - group[0][0] > _LARGEST_CHUNK_SECONDS:
                yield _chunk(group)
                group = []
            group.append(piece)
    if group:
        yield _chunk(group)


def _pieces(start: float, end: float) -> Spans:
    edges = [start]
    while end - edges[-1] > _LARGEST_CHUNK_SECONDS:
        edges.append(edges[-1] + _LARGEST_CHUNK_SECONDS)
    return list(zip(edges, [*edges[1:], end], strict=True))


def _chunk(group: Spans) -> tuple[float, float, Spans]:
    first = group[0][0]
    return first, group[-1][1], [(start - first, end - first) for start, end in group]


def _is_loop(segment: dict[str, Any]) -> bool:
    return float(segment.get("compression_ratio", 0)) > _MOST_COMPRESSION


def _words(
    segments: list[dict[str, Any]],
    offset_seconds: float,
    previous_seconds: float,
    audio_seconds: float,
    spans: Spans,
) -> list[Word]:
    """Turns Whisper's words into ours; those that lie in no speech are invented and left out."""
    words = []
    for entry in (entry for segment in segments for entry in segment.get("words", [])):
        start, end = (float(entry[edge]) + offset_seconds for edge in ("start", "end"))
        start = min(max(start, previous_seconds), audio_seconds)
        end = min(max(end, start), audio_seconds)
        if not any(first < end and start < last for first, last in spans):
            continue
        previous_seconds = start
        for word in words_of_label(str(entry["word"]), start, end):
            words.append(replace(word, confidence=float(entry.get("probability", 1.0))))
    return words

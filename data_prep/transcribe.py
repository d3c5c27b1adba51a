"""Words and times from the recording alone: the interface of transcribers, and Whisper."""

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from data_prep.align import Note
from data_prep.audio import is_silent, read_info, read_mono
from data_prep.textgrid import words_of_label
from data_prep.words import Word, checked_words
from llavataros_jax.config import WordsConfig
from llavataros_jax.errors import UserError

WHISPER_RATE = 16000


class Transcriber(Protocol):
    """Writes down what is said, with times."""

    name: str

    def transcribe(self, audio_path: Path, language: str, note: Note) -> list[Word]:
        """Returns the words of a recording in order; says what is remarkable to `note`."""
        ...


def transcribe(
    audio_path: Path | str, config: WordsConfig, *, note: Note = lambda message: None
) -> list[Word]:
    """Finds words and their times in a recording that comes with neither.

    Raises:
        UserError: When no weights are configured or installed, or nothing is said.
    """
    audio_path = Path(audio_path)
    info = read_info(audio_path)
    transcriber = choose_transcriber(audio_path, config)
    if is_silent(audio_path):
        raise UserError(f"audio {audio_path} is silent, so there is nothing to transcribe in it")
    words = transcriber.transcribe(audio_path, config.language, note)
    return checked_words(words, info.seconds, origin=f"{transcriber.name} on {audio_path}")


def choose_transcriber(audio_path: Path, config: WordsConfig) -> Transcriber:
    """Returns the transcriber whose weights the config names."""
    if config.whisper is None:
        raise UserError(
            f"{audio_path} has no words: give timed words (TextGrid, JSON, TSV or CTM), "
            "a transcript (.txt), or Whisper weights (words.whisper=PATH)"
        )
    return WhisperTranscriber(Path(config.whisper))


class WhisperTranscriber:
    """Runs openai-whisper with weights from a file; nothing is downloaded."""

    name = "whisper"

    def __init__(self, weights: Path) -> None:
        if not weights.is_file():
            raise UserError(f"words.whisper={weights} does not exist; give the path of a .pt file")
        if importlib.util.find_spec("whisper") is None:
            raise UserError(
                "words.whisper needs openai-whisper; install it with: "
                "pip install 'llavataros-jax[whisper]'"
            )
        self._weights = weights

    def transcribe(self, audio_path: Path, language: str, note: Note) -> list[Word]:
        """Returns Whisper's words, cut to the audio and made to follow one another."""
        import whisper  # pyright: ignore[reportMissingImports]

        samples = read_mono(audio_path, WHISPER_RATE)
        try:
            model = whisper.load_model(str(self._weights), device="cpu")
        except Exception as problem:  # torch raises many kinds for a file that is no checkpoint
            raise UserError(
                f"words.whisper={self._weights} cannot be loaded ({type(problem).__name__}); "
                "give the .pt file of an openai-whisper model"
            ) from problem
        # Samples instead of a path: with a path, Whisper calls an ffmpeg that may not be there.
        result = model.transcribe(samples, word_timestamps=True, fp16=False, language=language)
        words, previous, seconds = [], 0.0, len(samples) / WHISPER_RATE
        for segment in result["segments"]:
            for entry in segment.get("words", []):
                start = min(max(float(entry["start"]), previous), seconds)
                end = min(max(float(entry["end"]), start), seconds)
                previous = start
                for word in words_of_label(str(entry["word"]), start, end):
                    probability = float(entry.get("probability", 1.0))
                    words.append(replace(word, confidence=probability))
        note(f"words written by Whisper ({self._weights.name})")
        return words

"""Who writes down what is said in a recording that comes without words."""

from pathlib import Path
from typing import Any

from data_prep.listen.pocketsphinx import PocketSphinxTranscriber
from data_prep.listen.transcription import Transcriber, Transcription
from data_prep.listen.whisper import WhisperTranscriber
from data_prep.listen.whisper_weights import with_kept_weights
from data_prep.words.language import language_code
from data_prep.words.note import Note
from llavataros_jax.config import WordsConfig
from llavataros_jax.errors import UserError

SOUND_ALONE = "no words: animated from sound alone"


def choose_transcriber(config: WordsConfig) -> Transcriber:
    """Returns the transcriber that the config names, or with `auto` the best that is here.

    With `auto` that is Whisper if `words.whisper` names weights or some were downloaded before,
    else PocketSphinx for English, else none.

    Raises:
        UserError: When the one that is named, or the weights that are, cannot be used.
    """
    if config.transcriber == "none":
        return NoTranscriber()
    if config.transcriber == "pocketsphinx":
        pocketsphinx = PocketSphinxTranscriber(config)
        if reason := pocketsphinx.missing():
            raise UserError(reason)
        return pocketsphinx
    with_weights = with_kept_weights(config)
    if config.transcriber == "whisper" or with_weights.whisper is not None:
        return WhisperTranscriber(with_weights)
    pocketsphinx = PocketSphinxTranscriber(config)
    if reason := pocketsphinx.missing():
        size = "base.en" if language_code(config.language) == "en" else "base"
        return NoTranscriber(f", because {reason}; words.whisper={size} writes them down")
    return pocketsphinx


class NoTranscriber:
    """Writes nothing down.

    Attributes:
        reason: Why not, as the end of a sentence; empty when nothing was asked for.
    """

    name = "none"

    def __init__(self, reason: str = "") -> None:
        self.reason = reason

    def identity(self) -> dict[str, Any]:
        """Returns why, which the notes say."""
        return {"reason": self.reason} if self.reason else {}

    def transcribe(self, audio_path: Path, language: str, note: Note) -> Transcription:
        """Returns no words."""
        note(f"{SOUND_ALONE}{self.reason}")
        return Transcription(())

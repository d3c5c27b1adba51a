"""Words and times from the recording alone."""

from dataclasses import replace
from pathlib import Path

from data_prep.listen.choice import choose_transcriber
from data_prep.listen.transcription import Transcription
from data_prep.words.note import Note
from data_prep.words.word import checked_words
from llavataros_jax.config import WordsConfig
from llavataros_jax.sound.reader import is_silent, read_info


def transcription_of(
    audio_path: Path | str, config: WordsConfig, *, note: Note = lambda message: None
) -> Transcription:
    """Finds words and their times in a recording that comes with neither.

    Where nobody speaks there are no words, and a note says so.

    Raises:
        UserError: When the recording cannot be read, or the transcriber that is named not be used.
    """
    audio_path = Path(audio_path)
    info, transcriber = read_info(audio_path), choose_transcriber(config)
    if is_silent(audio_path):
        note("no words, because it is silent")
        return Transcription(())
    found = transcriber.transcribe(audio_path, config.language, note)
    if not found.words:
        return found
    origin = f"{transcriber.name} on {audio_path}"
    return replace(found, words=tuple(checked_words(found.words, info.seconds, origin=origin)))

"""Times for the words of a transcript, by the aligner that is chosen."""

import importlib
from pathlib import Path
from typing import cast

from data_prep.align.aligner import Aligner
from data_prep.words.note import Note
from data_prep.words.word import Word, checked_words
from llavataros_jax.config import WordsConfig
from llavataros_jax.errors import UserError
from llavataros_jax.sound.reader import is_silent, read_info

CHOICE = "words timed by"
FASTEST_WORDS_PER_SECOND = 12  # a fast speaker says six
ALIGNERS = {  # best first
    "mfa": "data_prep.align.mfa:MfaAligner",
    "pocketsphinx": "data_prep.align.pocketsphinx:PocketSphinxAligner",
    "whisper": "data_prep.align.whisper:WhisperAligner",
}


def align(
    audio_path: Path | str,
    transcript: str,
    config: WordsConfig,
    *,
    note: Note = lambda message: None,
) -> list[Word]:
    """Finds the times of a transcript's words, which keep the user's spelling and punctuation.

    Args:
        audio_path: The recording, of any length, rate and number of channels.
        transcript: What is said in it, in order; tokens of punctuation alone are left out.
        config: Which aligner and which language.
        note: Is told what is remarkable, such as words with a guessed pronunciation.

    Raises:
        UserError: When the transcript is empty, in another script or too long for the audio, the
            audio is silent, no aligner is installed, or the words cannot be found in the audio.
    """
    words = spoken_words(Path(audio_path), transcript)
    aligner = choose_aligner(config)
    found = align_by(aligner, Path(audio_path), words, note)
    if said := choice_note(aligner, config):
        note(said)
    return found


def align_by(aligner: Aligner, audio_path: Path, words: list[str], note: Note) -> list[Word]:
    """Finds the times of words by one aligner; see `align`."""
    found = aligner.align(audio_path, words, note)
    seconds = read_info(audio_path).seconds
    return checked_words(found, seconds, origin=f"alignment of {audio_path}")


def spoken_words(audio_path: Path, transcript: str) -> list[str]:
    """Returns the words of a transcript, if they can be those of the recording.

    Raises:
        UserError: When there are none or too many, or the recording is silent.
    """
    words = tokens(transcript)
    if not words:
        raise UserError(f"the transcript of {audio_path} holds no words; write down what is said")
    seconds = read_info(audio_path).seconds
    if len(words) > FASTEST_WORDS_PER_SECOND * seconds:
        raise UserError(
            f"the transcript of {audio_path} has {len(words)} words for {seconds:.2f} s of audio; "
            "check that it belongs to this recording"
        )
    if is_silent(audio_path):
        raise UserError(
            f"audio {audio_path} is silent, so its {len(words)} words cannot be found in it; "
            "check the recording, or leave the transcript out"
        )
    return words


def choice_note(aligner: Aligner, config: WordsConfig) -> str:
    """Says which aligner was chosen, when the choice was not the user's."""
    return f"{CHOICE} {aligner.name}" if config.aligner == "auto" else ""


def tokens(transcript: str) -> list[str]:
    """Splits a transcript at white space and drops tokens in which nothing is spoken."""
    return [
        token
        for token in transcript.replace("\ufeff", "").split()
        if any(character.isalnum() or character in "%&@+=$€£" for character in token)
    ]


def choose_aligner(config: WordsConfig) -> Aligner:
    """Returns the aligner that the config names, or with `auto` the best that is available.

    Raises:
        UserError: When it cannot work, with what each lacks.
    """
    names = list(ALIGNERS) if config.aligner == "auto" else [config.aligner]
    reasons = []
    for name in names:
        module, _, attribute = ALIGNERS[name].partition(":")
        aligner = cast(Aligner, getattr(importlib.import_module(module), attribute)(config))
        reason = aligner.missing()
        if reason is None:
            return aligner
        reasons.append(reason)
    raise UserError(
        f"words.aligner={config.aligner} cannot align words.language={config.language}: "
        f"{'; '.join(reasons)}; or bring words that are timed already (TextGrid, JSON, SRT, CSV, …)"
    )

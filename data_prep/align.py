"""Times for the words of a transcript: the interface of aligners, and the choice among them."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from data_prep.audio import is_silent, read_info
from data_prep.words import Word, checked_words
from llavataros_jax.config import WordsConfig
from llavataros_jax.errors import UserError

Note = Callable[[str], None]
FASTEST_WORDS_PER_SECOND = 12  # a fast speaker says six


class Aligner(Protocol):
    """Finds when the words of a transcript are spoken."""

    name: str

    def available(self, language: str) -> bool:
        """Tells whether what it needs is installed and knows the language."""
        ...

    def align(self, audio_path: Path, words: list[str], note: Note) -> list[Word]:
        """Returns one `Word` for each of `words`, in order; says what is remarkable to `note`."""
        ...


ALIGNERS = {"pocketsphinx": "data_prep.pocketsphinx_aligner:PocketSphinxAligner"}  # best first


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
    audio_path = Path(audio_path)
    words = tokens(transcript)
    if not words:
        raise UserError(f"the transcript of {audio_path} holds no words; write down what is said")
    aligner = choose_aligner(config)
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
    found = aligner.align(audio_path, words, note)
    return checked_words(found, seconds, origin=f"alignment of {audio_path}")


def tokens(transcript: str) -> list[str]:
    """Splits a transcript at white space and drops tokens in which nothing is spoken."""
    return [
        token
        for token in transcript.replace("\ufeff", "").split()
        if any(character.isalnum() or character in "%&@+=$€£" for character in token)
    ]


def choose_aligner(config: WordsConfig) -> Aligner:
    """Returns the aligner that the config names, or with `auto` the best that is available."""
    names = list(ALIGNERS) if config.aligner == "auto" else [config.aligner]
    for name in names:
        module, _, attribute = ALIGNERS[name].partition(":")
        aligner: Aligner = getattr(importlib.import_module(module), attribute)()
        if aligner.available(config.language):
            return aligner
    raise UserError(
        f"words.aligner={config.aligner} cannot align words.language={config.language}: "
        "PocketSphinx knows English (en) and needs: pip install 'llavataros-jax[prep]'; "
        "or bring words that are timed already (TextGrid, JSON, TSV or CTM)"
    )

"""The interface of aligners, which find when the words of a transcript are spoken."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from data_prep.words.note import Note
from data_prep.words.word import Word
from llavataros_jax.config import WordsConfig


@runtime_checkable
class Aligner(Protocol):
    """Finds when the words of a transcript are spoken."""

    name: str

    def __init__(self, config: WordsConfig) -> None: ...

    def missing(self) -> str | None:
        """Says why it cannot work and what helps, or None when all that it needs is here."""
        ...

    def identity(self) -> dict[str, Any]:
        """Returns what decides its results besides recording, words and language."""
        ...

    def align(self, audio_path: Path, words: list[str], note: Note) -> list[Word]:
        """Returns one `Word` for each of `words`, in order; says what is remarkable to `note`."""
        ...


@dataclass(frozen=True)
class Utterance:
    """A recording and what is said in it.

    Attributes:
        name: Name that no other utterance has.
        speaker: Whose voice it is.
        audio: Sound file.
        words: What is said, one by one.
    """

    name: str
    speaker: str
    audio: Path
    words: tuple[str, ...]


@dataclass(frozen=True)
class Alignment:
    """Words with their times, and what is remarkable about them; or why there are none."""

    words: tuple[Word, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str | None = None


@runtime_checkable
class CorpusAligner(Protocol):
    """An aligner that is better run once for many recordings than once for each."""

    def align_corpus(self, utterances: Sequence[Utterance], folder: Path) -> dict[str, Alignment]:
        """Returns the alignment of each utterance by name; works and leaves its log in `folder`."""
        ...

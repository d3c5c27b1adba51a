"""The interface of transcribers, which write down what is said."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from data_prep.words.note import Note
from data_prep.words.word import Word


@dataclass(frozen=True)
class Transcription:
    """What is said in a recording.

    Attributes:
        words: The words in order.
        language: Its code, if there are words.
        times_are_rough: Whether an aligner would find better times for the same words.
    """

    words: tuple[Word, ...]
    language: str | None = None
    times_are_rough: bool = False

    @property
    def text(self) -> str:
        """The transcript."""
        return " ".join(word.text for word in self.words)


@runtime_checkable
class Transcriber(Protocol):
    """Writes down what is said, with times."""

    name: str

    def identity(self) -> dict[str, Any]:
        """Returns what decides its results besides recording and language."""
        ...

    def transcribe(self, audio_path: Path, language: str, note: Note) -> Transcription:
        """Returns the words of a recording in order; says what is remarkable to `note`."""
        ...

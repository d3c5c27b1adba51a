"""Words of captions and other phrases, each aligned inside the span that is known of it."""

import tempfile
import wave
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from data_prep.align.aligner import Aligner, Alignment, CorpusAligner, Utterance
from data_prep.align.choice import choose_aligner
from data_prep.words.note import Note
from data_prep.words.timed_text import Cue, TimedText
from data_prep.words.word import Word
from llavataros_jax.config import WordsConfig
from llavataros_jax.errors import ExhaustedError, UserError
from llavataros_jax.sound.reader import SPEECH_RATE, blocks

_ROUNDING_SECONDS = 1e-6


def aligner_of_cues(config: WordsConfig) -> Aligner | None:
    """Returns the aligner that the config names; None when `auto` finds none that can work.

    Raises:
        UserError: When the one that is named cannot work.
    """
    try:
        return choose_aligner(config)
    except UserError:
        if config.aligner != "auto":
            raise
        return None


def align_cues(aligner: Aligner | None, audio: Path, text: TimedText, note: Note) -> list[Word]:
    """Returns all words of a file, those of cues where the aligner finds them in their span.

    A cue in which it does not find them keeps its words shared by their length, and `note` is told.

    Args:
        aligner: What looks for the words; without one, all cues keep theirs.
        audio: The recording.
        text: Words, and which of them are cues.
        note: Is told how many cues were aligned, and what was remarkable about them.
    """
    words = list(text.words)
    if not text.cues:
        return words
    if aligner is None:
        note(
            f"words of {_counted(len(text.cues))} share its span by their length, because no "
            "aligner is there for words.language"
        )
        return words
    failed, told = 0, dict[str, None]()
    with tempfile.TemporaryDirectory(prefix="cues_") as folder:
        for cue, found in _aligned(aligner, audio, text, Path(folder)):
            placed = _placed(cue, found.words)
            if found.problem is not None or placed is None:
                failed += 1
                continue
            told.update(dict.fromkeys(found.notes))
            kept = words[cue.first : cue.stop]
            words[cue.first : cue.stop] = [
                replace(new, text=old.text) for old, new in zip(kept, placed, strict=True)
            ]
    note(f"words of {_counted(len(text.cues))} timed inside its span by {aligner.name}")
    for message in told:
        note(message)
    if failed:
        note(
            f"words of {_counted(failed)} were not found in the sound and share its span by their "
            "length"
        )
    return words


def _counted(count: int) -> str:
    return "a cue" if count == 1 else f"{count} cues, each"


def _aligned(
    aligner: Aligner, audio: Path, text: TimedText, folder: Path
) -> Iterator[tuple[Cue, Alignment]]:
    """Yields what the aligner finds for each cue."""
    spoken = [tuple(word.text for word in text.words[c.first : c.stop]) for c in text.cues]
    parts = _cut(audio, text.cues, folder)
    if isinstance(aligner, CorpusAligner):  # one run of the program for all cues
        utterances = [
            Utterance(f"cue{row}", "speaker", part, spoken[row]) for row, part in enumerate(parts)
        ]
        try:
            found = aligner.align_corpus(utterances, folder / "run")
        except ExhaustedError:
            raise
        except UserError as refusal:
            found = {each.name: Alignment(problem=str(refusal)) for each in utterances}
        for row, cue in enumerate(text.cues):
            yield cue, found.get(f"cue{row}", Alignment(problem="not aligned"))
        return
    for cue, words, part in zip(text.cues, spoken, parts, strict=True):
        notes: list[str] = []
        try:
            yield cue, Alignment(tuple(aligner.align(part, list(words), notes.append)), (*notes,))
        except ExhaustedError:
            raise
        except UserError as refusal:
            yield cue, Alignment(problem=str(refusal))
        part.unlink()


def _placed(cue: Cue, found: Sequence[Word]) -> list[Word] | None:
    """Brings words from the cue's own time to the recording's; None when they cannot be its."""
    length, count = cue.end_seconds - cue.start_seconds, cue.stop - cue.first
    if len(found) != count:
        return None
    placed, latest = [], 0.0
    for word in found:
        start, end = (
            min(max(time, 0.0), length) for time in (word.start_seconds, word.end_seconds)
        )
        if start < latest - _ROUNDING_SECONDS or end < start:
            return None
        latest = start
        placed.append(
            replace(
                word,
                start_seconds=cue.start_seconds + start,
                end_seconds=cue.start_seconds + end,
            )
        )
    return placed


def _cut(audio: Path, cues: Sequence[Cue], folder: Path) -> Iterator[Path]:
    """Writes the sound of each cue to a file of its own, and holds no more than one of them."""
    source = blocks(audio, SPEECH_RATE)
    held, first = np.zeros(0, np.float32), 0
    for row, cue in enumerate(cues):
        start, stop = (round(t * SPEECH_RATE) for t in (cue.start_seconds, cue.end_seconds))
        while first + len(held) < stop and (block := next(source, None)) is not None:
            skipped = min(max(start - first, 0), len(held))
            held, first = np.concatenate([held[skipped:], block]), first + skipped
        path = folder / f"{row}.wav"
        _write(path, held[max(start - first, 0) : stop - first])
        yield path


def _write(path: Path, samples: Float32[np.ndarray, " n"]) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SPEECH_RATE)
        values = samples if len(samples) else np.zeros(1, np.float32)
        file.writeframes((np.clip(values, -1, 1) * 32767).astype("<i2").tobytes())

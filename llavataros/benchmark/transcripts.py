"""Transcripts: word errors and speed of every transcriber that is here, on your own recordings."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from data_prep.align.heard import heard_words
from data_prep.listen.choice import choose_transcriber
from data_prep.listen.transcribe import transcription_of
from data_prep.sources.files import AUDIO_SUFFIXES
from data_prep.words.text_file import read_text
from data_prep.words.timed_files import read_timed_words
from data_prep.words.word_errors import compared_words, word_errors
from llavataros_jax.config import WordsConfig
from llavataros_jax.errors import UserError
from llavataros_jax.sound.reader import read_info

_TEXTS = (".lab", ".txt")


@dataclass
class _Total:
    """What a way of transcribing has done so far.

    Attributes:
        errors: Wrong words.
        words: Words that are right by the reference.
        seconds: Seconds of sound.
        spent_seconds: Wall time.
        core_seconds: Time of all cores together, which a busy machine changes less.
    """

    errors: int = 0
    words: int = 0
    seconds: float = 0.0
    spent_seconds: float = 0.0
    core_seconds: float = 0.0

    def row(self, way: str) -> str:
        """Returns a line of the table."""
        return (
            f"  {way:<34} {self.errors / self.words:>7.1%} "
            f"{self.spent_seconds / self.seconds:>9.3f} {self.core_seconds / self.seconds:>9.3f}"
        )


def run(recordings: Path, whisper: str | None) -> None:
    """Writes all recordings with a known transcript down by every way that is here.

    Args:
        recordings: Folder of sound files; beside each, or anywhere in the folder under the same
            name, what is said: `.lab` or `.txt`, or a TextGrid with a tier of words.
        whisper: Weights, as `words.whisper` has them.

    Raises:
        UserError: When the folder holds no recording with a transcript.
    """
    pairs = list(_pairs(recordings))
    if not pairs:
        raise UserError(
            f"{recordings} holds no recording beside which what is said is written (.lab, .txt or "
            ".TextGrid of the same name)"
        )
    ways = {"PocketSphinx": WordsConfig(transcriber="pocketsphinx")}
    if whisper is not None:
        ways[f"Whisper {Path(whisper).name}"] = WordsConfig(whisper=whisper)
    for config in ways.values():
        choose_transcriber(config)
    print(f"{len(pairs)} recordings in {recordings}")
    print(f"  {'':<34} {'wrong':>7} {'x real':>9} {'cores x':>9}")
    for way, config in ways.items():
        _try(way, config, pairs)


def _try(way: str, config: WordsConfig, pairs: list[tuple[Path, list[str]]]) -> None:
    """Prints how one way does without and, where it is aligned afterwards, with alignment."""
    heard, aligned = _Total(), _Total()
    is_whisper = config.whisper is not None
    transcription_of(pairs[0][0], config)  # loads the weights, once for all
    for path, said in pairs:
        seconds = read_info(path).seconds
        for total in (heard, aligned) if is_whisper else (heard,):
            began, cores = time.perf_counter(), _core_seconds()
            find = heard_words if total is aligned else transcription_of
            found = find(path, config)
            total.spent_seconds += time.perf_counter() - began
            total.core_seconds += _core_seconds() - cores
            total.seconds += seconds
            total.errors += word_errors(said, compared_words(found.text))
            total.words += len(said)
            if total is heard:
                wrong = word_errors(said, compared_words(found.text)) / len(said)
                print(f"    {way:<22} {path.stem[:28]:<28} {wrong:>6.1%} of {len(said)} words")
    print(heard.row(way))
    if is_whisper:
        print(aligned.row(f"{way}, aligned"))


def _core_seconds() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _pairs(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yields recordings and what is said in them."""
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; give the one with recordings")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for audio in (path for path in files if path.suffix.lower() in AUDIO_SUFFIXES):
        named = [path for path in files if path.stem == audio.stem]
        texts = [path for path in named if path.suffix.lower() in _TEXTS]
        grids = [path for path in named if path.suffix.lower() == ".textgrid"]
        if texts:
            yield audio, compared_words(read_text(texts[0]))
        elif grids:
            timed = read_timed_words(grids[0], read_info(audio).seconds)
            yield audio, compared_words(" ".join(word.text for word in timed))

"""Words that the user has already timed: TextGrid, JSON, TSV and CTM files."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from data_prep.words.spelling import without_sentence_marks
from data_prep.words.text_file import read_text
from data_prep.words.textgrid import read_textgrid, words_of_label
from data_prep.words.word import Word, checked_words
from llavataros_jax.atomic import write_json
from llavataros_jax.errors import UserError

_TEXT_KEYS = ("word", "text", "label")
_START_KEYS = ("start", "start_seconds", "begin")
_END_KEYS = ("end", "end_seconds")
_CONFIDENCE_KEYS = ("confidence", "probability", "score")
_LARGEST, _MOST_SHOWN = 2**53, 60


def read_timed_words(path: Path | str, audio_seconds: float) -> list[Word]:
    """Reads timed words in the format that the file's suffix names.

    Labels of silence are left out; words out of the source's vocabulary become `<unk>`; several
    tokens in one interval share it equally. A file that says that nothing is said has no words, as
    that of somebody who only listens.

    Raises:
        UserError: When the file is missing, without any bytes, of an unknown kind or malformed,
            when its times are negative or out of order, or when it ends after the audio.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"timed words {path} do not exist; check the path")
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UserError(
            f"{path} is not a file of timed words; known kinds are {', '.join(sorted(READERS))}"
        )
    if not path.stat().st_size:
        raise UserError(f"{path} is empty (0 bytes); export it again")
    words = reader(path)
    return checked_words(words, audio_seconds, origin=str(path)) if words else []


def write_words(path: Path | str, words: Sequence[Word]) -> None:
    """Writes words atomically as JSON that `read_timed_words` reads back to equal ones."""
    write_json(Path(path), {"words": [asdict(word) for word in words]})


def read_json_words(path: Path) -> list[Word]:
    """Reads a list of {word, start, end}, or the JSON of MFA, Whisper, WhisperX or Gentle."""
    try:
        tree = json.loads(read_text(path))
    except json.JSONDecodeError as problem:
        raise UserError(f"{path} is not valid JSON (line {problem.lineno}); export it again") from (
            problem
        )
    except (ValueError, RecursionError) as problem:  # thousands of digits or of brackets
        raise UserError(f"{path} is JSON that cannot be read; export it again") from problem
    words = []
    for number, entry in enumerate(_json_entries(tree, path), 1):
        if isinstance(entry, list | tuple) and len(entry) == 3:
            entry = {"start": entry[0], "end": entry[1], "word": entry[2]}
        if not isinstance(entry, dict):
            raise UserError(f"{path}: word {number} is {_shown(entry)}, not {{word, start, end}}")
        start, end, text = (_first(entry, keys) for keys in (_START_KEYS, _END_KEYS, _TEXT_KEYS))
        if not (_is_number(start) and _is_number(end) and isinstance(text, str)):
            raise UserError(
                f"{path}: word {number} {_shown(text)} needs a text and a start and end in "
                f"seconds, but has start {_shown(start)} and end {_shown(end)}"
            )
        confidence = _first(entry, _CONFIDENCE_KEYS)
        # Half of a pair of surrogates, which JSON can hold, is no character.
        text = text.encode("utf-8", "replace").decode()
        found = words_of_label(text, float(start), float(end))
        if _is_number(confidence):
            found = [
                Word(word.text, word.start_seconds, word.end_seconds, float(confidence))
                for word in found
            ]
        words += found
    return words


def read_tsv_words(path: Path) -> list[Word]:
    """Reads lines `start end text`, as the GENEA data has them; `, . ! ?` are dropped."""
    words = []
    for number, line in _lines(path):
        fields = re.split(r"\t", line, maxsplit=2) if "\t" in line else line.split(maxsplit=2)
        try:
            start, end = float(fields[0]), float(fields[1])
        except (ValueError, IndexError):
            if number == 1 and not any(character.isdigit() for character in line):
                continue  # a header
            raise UserError(
                f"{path}: line {number} is {_shown(line)}, not start, end, text"
            ) from None
        text = fields[2] if len(fields) > 2 else ""
        words += words_of_label(without_sentence_marks(text), start, end)
    return words


def read_ctm_words(path: Path) -> list[Word]:
    """Reads lines `utterance channel start duration word [confidence]` of one utterance.

    A file of several utterances must hold one that is named like the file.
    """
    rows = []
    for number, line in _lines(path):
        if line.startswith(";;"):
            continue
        fields = line.split()
        try:
            start, duration = float(fields[2]), float(fields[3])
            confidence = float(fields[5]) if len(fields) > 5 else None
            rows.append((fields[0], fields[4], start, duration, confidence))
        except (ValueError, IndexError):
            raise UserError(
                f"{path}: line {number} is {_shown(line)}, not utterance, channel, start, "
                "duration, word"
            ) from None
    utterances = {row[0] for row in rows}
    if len(utterances) > 1:
        if path.stem not in utterances:
            raise UserError(
                f"{path} holds {len(utterances)} utterances and none is called {path.stem}; "
                "give each recording a file of its own"
            )
        rows = [row for row in rows if row[0] == path.stem]
    words = []
    for _, text, start, duration, confidence in rows:
        for word in words_of_label(text, start, start + duration):
            words.append(Word(word.text, word.start_seconds, word.end_seconds, confidence))
    return words


READERS: dict[str, Callable[[Path], list[Word]]] = {
    ".textgrid": read_textgrid,
    ".json": read_json_words,
    ".tsv": read_tsv_words,
    ".ctm": read_ctm_words,
}


def _json_entries(tree: Any, path: Path) -> list[Any]:
    if isinstance(tree, list):
        return tree
    if isinstance(tree, dict):
        if isinstance(tree.get("segments"), list) and not isinstance(tree.get("words"), list):
            segments = tree["segments"]
            if all(_is_dict(part) and isinstance(part.get("words"), list) for part in segments):
                return [word for part in segments for word in part["words"]]
            raise UserError(
                f"{path} holds segments without words; run Whisper with word_timestamps=True"
            )
        tier = tree.get("tiers", {}).get("words", tree) if _is_dict(tree.get("tiers", {})) else tree
        for key in ("words", "entries"):
            if _is_dict(tier) and isinstance(tier.get(key), list):
                return tier[key]
    raise UserError(f"{path} holds no list of words; it needs [{{word, start, end}}, …]")


def _is_dict(value: Any) -> bool:
    return isinstance(value, dict)


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and (isinstance(value, float) or abs(value) < _LARGEST)


def _shown(value: Any) -> str:
    """Returns what stands in a file as a sentence may hold it."""
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def _first(entry: dict[str, Any], keys: Sequence[str]) -> Any:
    return next((entry[key] for key in keys if key in entry), None)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if line.strip():
            yield number, line.strip()

"""Amazon Polly's speech marks: JSON lines with a time in milliseconds and no end."""

from typing import Any

from data_prep.words.forms.document import Document, records
from data_prep.words.forms.entry import MILLISECONDS_FIRST, Reading, entry

_KINDS = ("word", "sentence", "viseme", "ssml")


def is_polly(document: Document) -> bool:
    """Tells marks, each with `time`, `type` and `value`."""
    marks = _marks(document.tree)
    return bool(marks) and all(
        "time" in mark and "value" in mark and mark.get("type") in _KINDS for mark in marks
    )


def read_polly(document: Document) -> Reading:
    """Reads the marks of words; without any, those of sentences are cues.

    `start` and `end` of a mark count bytes of the text, so they are no times.
    """
    marks = _marks(document.tree)
    words = [mark for mark in marks if mark["type"] == "word"]
    chosen = words or [mark for mark in marks if mark["type"] == "sentence"]
    entries = [entry(mark["value"], mark["time"], is_cue=not words) for mark in chosen]
    return Reading(entries, MILLISECONDS_FIRST)


def _marks(tree: Any) -> list[dict[str, Any]]:
    return records(tree) or records([tree])

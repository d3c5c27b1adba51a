"""Vosk's JSON: one object for each utterance, in a list, one a line or one after another."""

from typing import Any

from data_prep.words.forms.document import Document, at, records
from data_prep.words.forms.entry import SECONDS_FIRST, Reading
from data_prep.words.forms.plain_json import word_entry


def is_vosk(document: Document) -> bool:
    """Tells objects of which one has a `result` of words."""
    return any(_words(part) for part in _parts(document.tree))


def read_vosk(document: Document) -> Reading:
    """Reads the words of all utterances; of alternatives the first."""
    words = [word for part in _parts(document.tree) for word in _words(part)]
    return Reading([word_entry(word) for word in words], SECONDS_FIRST)


def _parts(tree: Any) -> list[dict[str, Any]]:
    return records(tree) or records([tree])


def _words(part: dict[str, Any]) -> list[dict[str, Any]]:
    for found in (part.get("result"), at(part, "alternatives", 0, "result")):
        if words := [word for word in records(found) if "word" in word]:
            return words
    return []

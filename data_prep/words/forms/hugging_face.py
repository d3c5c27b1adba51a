"""The JSON of Hugging Face's pipelines: chunks with `timestamp` [start, end]."""

from typing import Any

from data_prep.words.forms.document import Document, at, either, records
from data_prep.words.forms.entry import SECONDS_FIRST, Reading, as_cues_if_phrases, entry
from data_prep.words.forms.pieces import joined


def has_chunks(document: Document) -> bool:
    """Tells a list of chunks with timestamps, or an object that has one."""
    chunks = _chunks(document.tree)
    return bool(chunks) and all("timestamp" in chunk or "timestamps" in chunk for chunk in chunks)


def read_chunks(document: Document) -> Reading:
    """Reads chunks of words, of phrases or of characters; the last may have no end."""
    entries = []
    for chunk in _chunks(document.tree):
        span = either(chunk, "timestamp", "timestamps")
        entries.append(entry(chunk.get("text"), at(span, 0), at(span, 1)))
    if entries and all(len(found.text) <= 1 for found in entries):
        entries = joined(entries)
    return Reading(as_cues_if_phrases(entries), SECONDS_FIRST, may_run_back=True)


def _chunks(tree: Any) -> list[dict[str, Any]]:
    for part in (tree, at(tree, 0)):
        if isinstance(at(part, "chunks"), list):
            return records(at(part, "chunks"))
    return records(tree)

"""JSON of items, some of which are punctuation: Amazon Transcribe, Speechmatics, Rev, Vosk."""

from typing import Any

from data_prep.words.forms.document import Document, at, either, records
from data_prep.words.forms.entry import SECONDS_FIRST, Entry, Reading, entry, with_mark

_MARKS = ("punct", "punctuation")


def is_aws_transcribe(document: Document) -> bool:
    """Tells `results.items`, whose times are texts."""
    return isinstance(at(document.tree, "results", "items"), list)


def read_aws_transcribe(document: Document) -> Reading:
    """Reads Amazon Transcribe's words; marks are put to the word before them."""
    return _read(records(at(document.tree, "results", "items")))


def is_speechmatics(document: Document) -> bool:
    """Tells `results` of a type each, with alternatives that have a `content`."""
    found = records(at(document.tree, "results"))
    return bool(found) and all("type" in item and "alternatives" in item for item in found)


def read_speechmatics(document: Document) -> Reading:
    """Reads Speechmatics' words; marks are put to the word before them."""
    return _read(records(at(document.tree, "results")))


def has_monologues(document: Document) -> bool:
    """Tells `monologues`, as Rev and vosk-transcriber write them."""
    return isinstance(at(document.tree, "monologues"), list)


def read_monologues(document: Document) -> Reading:
    """Reads the elements of all monologues, which two speakers may say at once."""
    items = []
    for monologue in records(at(document.tree, "monologues")):
        items += records(either(monologue, "elements", "terms"))
    found = _read(items)
    return Reading(found.entries, found.units, may_run_back=True)


def _read(items: list[dict[str, Any]]) -> Reading:
    entries: list[Entry] = []
    for item in items:
        best = at(item, "alternatives", 0)
        text = either(best, "content") or either(item, "content", "value", "text")
        if str(item.get("type", "")).lower() in _MARKS:
            with_mark(entries, text)
            continue
        entries.append(
            entry(
                text,
                either(item, "start_time", "ts", "start"),
                either(item, "end_time", "end_ts", "end"),
                confidence=either(best, "confidence") or item.get("confidence"),
            )
        )
    return Reading(entries, SECONDS_FIRST)

"""The sync maps of aeneas: fragments whose times are texts."""

from data_prep.words.forms.document import Document, at, records
from data_prep.words.forms.entry import SECONDS, Entry, Reading, as_cues_if_phrases, entry


def is_sync_map(document: Document) -> bool:
    """Tells fragments with `begin` and `lines`."""
    found = records(at(document.tree, "fragments"))
    return bool(found) and all("begin" in part and "lines" in part for part in found)


def read_sync_map(document: Document) -> Reading:
    """Reads fragments, which are words or phrases."""
    entries: list[Entry] = []
    for part in records(at(document.tree, "fragments")):
        lines = part["lines"] if isinstance(part["lines"], list) else []
        text = " ".join(line for line in lines if isinstance(line, str))
        entries.append(entry(text, part["begin"], part.get("end")))
    return Reading(as_cues_if_phrases(entries), (SECONDS,))

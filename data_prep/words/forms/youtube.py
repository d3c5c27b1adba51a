"""YouTube's `json3` captions, whose words have offsets in milliseconds inside their event."""

from data_prep.words.forms.document import Document, at, records
from data_prep.words.forms.entry import MILLISECONDS, Entry, Reading, as_cue, entry
from data_prep.words.forms.moments import number
from data_prep.words.forms.pieces import joined


def is_youtube(document: Document) -> bool:
    """Tells events with `tStartMs`."""
    return any("tStartMs" in event for event in records(at(document.tree, "events")))


def read_youtube(document: Document) -> Reading:
    """Reads words of automatic captions, which have no ends, and cues of those people wrote."""
    entries: list[Entry] = []
    for event in records(at(document.tree, "events")):
        start = number(event.get("tStartMs"))
        pieces = records(event.get("segs"))
        if start is None or not pieces or event.get("aAppend"):
            continue
        if any("tOffsetMs" in piece for piece in pieces):
            starts = [start + (number(piece.get("tOffsetMs", 0)) or 0.0) for piece in pieces]
            entries += joined(
                entry(piece.get("utf8"), begin) for piece, begin in zip(pieces, starts, strict=True)
            )
        else:
            text = "".join(str(piece.get("utf8", "")) for piece in pieces)
            entries.append(as_cue(entry(text, start, duration=event.get("dDurationMs"))))
    return Reading(entries, (MILLISECONDS,), may_run_back=True)

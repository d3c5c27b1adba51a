"""The JSON of ElevenLabs' text to speech: characters with times."""

from typing import Any

from data_prep.words.forms.document import Document, at, either, records
from data_prep.words.forms.entry import MILLISECONDS_FIRST, SECONDS_FIRST, Entry, Reading, entry
from data_prep.words.forms.pieces import joined

_CHARACTERS = ("characters", "chars")
_WRAPPERS = ("alignment", "normalized_alignment", "normalizedAlignment")


def is_elevenlabs(document: Document) -> bool:
    """Tells lists of characters and of their times, also those of a stream."""
    return any(_alignment(part) is not None for part in _parts(document.tree))


def read_elevenlabs(document: Document) -> Reading:
    """Joins characters to words; of what was said and what was written, the latter is taken."""
    characters = read_characters(document)
    return Reading(joined(characters.entries), characters.units)


def read_characters(document: Document) -> Reading:
    """Reads the characters by themselves, with the spaces between words."""
    alignments = [_alignment(part) for part in _parts(document.tree)]
    known = [alignment for alignment in alignments if alignment is not None]
    in_milliseconds = any("charStartTimesMs" in alignment for alignment in known)
    pieces = [piece for alignment in known for piece in _pieces(alignment)]
    return Reading(pieces, MILLISECONDS_FIRST if in_milliseconds else SECONDS_FIRST)


def _pieces(alignment: dict[str, Any]) -> list[Entry]:
    texts = _column(alignment, *_CHARACTERS)
    starts = _column(alignment, "character_start_times_seconds", "charStartTimesMs")
    ends = _column(alignment, "character_end_times_seconds")
    durations = _column(alignment, "charDurationsMs", "charsDurationsMs")
    return [
        entry(text, at(starts, row), at(ends, row), duration=at(durations, row))
        for row, text in enumerate(texts)
    ]


def _column(alignment: dict[str, Any], *names: str) -> list[Any]:
    found = either(alignment, *names)
    return found if isinstance(found, list) else []


def _parts(tree: Any) -> list[dict[str, Any]]:
    return records(tree) or records([tree])


def _alignment(part: dict[str, Any]) -> dict[str, Any] | None:
    for place in (part, *(part.get(name) for name in _WRAPPERS)):
        times = either(place, "character_start_times_seconds", "charStartTimesMs")
        if isinstance(times, list) and isinstance(either(place, *_CHARACTERS), list):
            return place
    return None

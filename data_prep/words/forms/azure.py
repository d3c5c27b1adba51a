"""The JSON of Azure's speech services: ticks of 100 ns, ISO durations or milliseconds."""

from typing import Any

from data_prep.words.forms.document import Document, records
from data_prep.words.forms.entry import (
    MILLISECONDS_FIRST,
    TICKS_FIRST,
    Entry,
    Reading,
    as_cue,
    entry,
)

_PHRASES = ("recognizedphrases", "phrases", "segmentresults", "audiofileresults")
_TICKS, _MILLISECONDS = (
    ("offsetinticks", "durationinticks"),
    (
        "offsetmilliseconds",
        "durationmilliseconds",
    ),
)
_SPEECH = ("word", "text", "display", "lexical")
_BOUNDARY = ("word", "wordboundary")
_PARTS = ("words", "displaywords", "displaywordtimings")


def is_azure(document: Document) -> bool:
    """Tells phrases with `NBest`, `offsetMilliseconds` or `AudioOffset`, however capitalised."""
    return bool(_phrases(document.tree)) or bool(_boundaries(document.tree))


def read_azure(document: Document) -> Reading:
    """Reads the words of all phrases; a phrase without words is a cue."""
    phrases = _phrases(document.tree)
    if not phrases:
        return Reading([_entry(item) for item in _boundaries(document.tree)], TICKS_FIRST)
    entries: list[Entry] = []
    in_milliseconds = False
    for phrase in phrases:
        best = _lower(next(iter(records(phrase.get("nbest"))), {}))
        words = next(
            (found for part in (best, phrase) for key in _PARTS if (found := _rows(part.get(key)))),
            [],
        )
        in_milliseconds |= any(name in row for row in (phrase, *words) for name in _MILLISECONDS)
        if words:
            entries += [_entry(word) for word in words]
        else:
            entries.append(as_cue(_entry({**best, **phrase})))
    # Phrases of two channels are mixed in one list.
    return Reading(
        entries, MILLISECONDS_FIRST if in_milliseconds else TICKS_FIRST, may_run_back=True
    )


def _entry(row: dict[str, Any]) -> Entry:
    start = _first(row, _TICKS[0], _MILLISECONDS[0], "audiooffset", "offset")
    duration = _first(row, _TICKS[1], _MILLISECONDS[1], "duration")
    text = next((row[key] for key in _SPEECH if isinstance(row.get(key), str)), None)
    return entry(text, start, duration=duration, confidence=row.get("confidence"))


def _first(row: dict[str, Any], *keys: str) -> Any:
    return next((row[key] for key in keys if row.get(key) is not None), None)


def _phrases(tree: Any) -> list[dict[str, Any]]:
    """Returns all phrases, those of batches and those of single results, with lower-case keys."""
    found = []
    for row in _rows(tree) or _rows([tree]):
        inner = [phrase for key in _PHRASES for phrase in _rows(row.get(key))]
        deeper = [phrase for part in inner for key in _PHRASES for phrase in _rows(part.get(key))]
        found += deeper or inner or [row]
    return [row for row in found if "nbest" in row or _MILLISECONDS[0] in row]


def _boundaries(tree: Any) -> list[dict[str, Any]]:
    """Returns the words that text to speech announces, as `edge-tts` and Azure's library do."""
    rows = [_boundary(row) for row in _rows(tree) or _rows([tree])]
    rows = [row for row in rows if "audiooffset" in row or {"offset", "duration"} <= row.keys()]
    rows = [row for row in rows if any(isinstance(row.get(key), str) for key in _SPEECH)]
    kinds = [str(row.get("boundarytype", row.get("type", "word"))).lower() for row in rows]
    return [row for row, kind in zip(rows, kinds, strict=True) if kind.split(".")[-1] in _BOUNDARY]


def _boundary(row: dict[str, Any]) -> dict[str, Any]:
    """Brings `{Type, Data: {Offset, Duration, text: {Text}}}` to one level."""
    data = _lower(row["data"]) if isinstance(row.get("data"), dict) else {}
    text = _lower(data["text"]) if isinstance(data.get("text"), dict) else {}
    return {**row, **data, **text}


def _rows(value: Any) -> list[dict[str, Any]]:
    return [_lower(row) for row in records(value)]


def _lower(row: dict[str, Any]) -> dict[str, Any]:
    """Returns it with keys in lower case, and without the `_` of its library for Python."""
    return {key.lower().replace("_", ""): value for key, value in row.items()}

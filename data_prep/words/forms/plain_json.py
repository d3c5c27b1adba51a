"""JSON of words as people and programs of few words write it.

A list of {word, start, end} or of [start, end, word], bare or under `words`, `entries`, …; also
lists of words, starts and ends beside each other.
"""

from typing import Any

from data_prep.words.forms.document import Document, at, either, records, shown
from data_prep.words.forms.entry import (
    MILLISECONDS_FIRST,
    SECONDS_FIRST,
    Entry,
    Reading,
    entry,
    with_mark,
)
from data_prep.words.forms.moments import number, seconds
from llavataros_jax.errors import UserError

_TEXT = ("word", "punctuatedword", "text", "label", "value", "body", "content", "token")
_START = ("start", "startseconds", "begin", "starttime", "from", "ts", "startts", "startsec")
_END = ("end", "endseconds", "stop", "endtime", "to", "endts", "endsec")
_DURATION = ("duration", "dur", "durationseconds")
_CONFIDENCE = ("confidence", "probability", "score", "conf", "prob")
_START_MS, _END_MS = ("startms", "starttimems", "offsetms"), ("endms", "endtimems")
_DURATION_MS = ("durationms",)
_KEYS = ("words", "entries", "word_segments", "items", "timestamps", "wordTimings", "word_timings")
_NOT_SPOKEN = {"spacing", "space", "audio_event", "silence", "phoneme", "noise", "filler_pause"}
_MARKS = {"punct", "punctuation"}


def has_words(document: Document) -> bool:
    """Tells a list of words, or an object that has one."""
    return _list(document.tree) is not None or _columns(document.tree) is not None


def read_plain_json(document: Document) -> Reading:
    """Reads a list of words with their times.

    Raises:
        UserError: When an item of the list is no word with times.
    """
    tree = document.tree
    if (columns := _columns(tree)) is not None:
        return Reading(columns)
    items = _list(tree) or []
    if items and all(isinstance(item, list) for item in items) and not any(map(_triple, items)):
        items = [part for item in items for part in item]  # words in segments
    entries: list[Entry] = []
    for place, item in enumerate(items, 1):
        if found := _triple(item):
            entries.append(found)
            continue
        if not isinstance(item, dict):
            raise UserError(
                f"{document.path}: word {place} is {shown(item)}, not {{word, start, end}}"
            )
        kind = str(item.get("type", "")).lower()
        if kind in _MARKS:
            with_mark(entries, word_entry(item).text)
        elif kind not in _NOT_SPOKEN:
            entries.append(_checked(item, place, document))
    in_milliseconds = any(_keyed(item, _START_MS) is not None for item in records(items))
    return Reading(entries, MILLISECONDS_FIRST if in_milliseconds else SECONDS_FIRST)


def word_entry(item: dict[str, Any], *, is_cue: bool = False) -> Entry:
    """Makes an entry of an object with the usual keys, however they are spelled."""
    span = _keyed(item, ("timestamp", "timestamps", "time"))
    start, end = _keyed(item, _START), _keyed(item, _END)
    if start is None and isinstance(span, list) and len(span) == 2:
        start, end = span
    if start is None:
        start, end = _keyed(item, _START_MS), _keyed(item, _END_MS)
    return entry(
        _keyed(item, _TEXT),
        start,
        end,
        duration=_keyed(item, (*_DURATION, *_DURATION_MS)),
        confidence=_keyed(item, _CONFIDENCE),
        is_cue=is_cue,
    )


def _checked(item: dict[str, Any], place: int, document: Document) -> Entry:
    text = _keyed(item, _TEXT)
    times = [_keyed(item, keys) for keys in (_START, _END)]
    are_times = all(t is None or number(t) is not None or seconds(t) is not None for t in times)
    if not (isinstance(text, str | int | float) and are_times):
        raise UserError(
            f"{document.path}: word {place} {shown(text)} needs a text and a start and end in "
            f"seconds, but has start {shown(times[0])} and end {shown(times[1])}"
        )
    return word_entry(item)


def _keyed(item: dict[str, Any], names: tuple[str, ...]) -> Any:
    """Returns what an object has by one of these names, in lower case and without `_` and `-`."""
    for name in names:
        if item.get(name) is not None:
            return item[name]
    plain = {key.lower().replace("_", "").replace("-", ""): key for key in item}
    return next((item[plain[name]] for name in names if name in plain), None)


def _triple(item: Any) -> Entry | None:
    """Reads [start, end, word] and [word, start, end]."""
    if not isinstance(item, list) or len(item) != 3:
        return None
    for text, start, end in ((item[2], item[0], item[1]), (item[0], item[1], item[2])):
        found = entry(text, start, end)
        if isinstance(text, str) and found.start is not None and found.end is not None:
            return found
    return None


def _list(tree: Any) -> list[Any] | None:
    if isinstance(tree, list):
        return tree
    paths = [(key,) for key in _KEYS]
    paths += [(outer, "words") for outer in ("data", "result", "transcript", "response", "output")]
    paths += [("timestamp", "word"), ("timestamps", "words"), ("result",)]
    return next((found for path in paths if isinstance(found := at(tree, *path), list)), None)


def _columns(tree: Any) -> list[Entry] | None:
    """Reads {words: [...], start: [...], end: [...]}, also inside one other object."""
    places = [tree, *records(list(tree.values()))] if isinstance(tree, dict) else []
    for place in places:
        columns = [
            either(place, "words"),
            either(place, "start", "starts", "start_times"),
            either(place, "end", "ends", "end_times"),
        ]
        lists = [column for column in columns if isinstance(column, list)]
        if len(lists) == 3 and len(set(map(len, lists))) == 1:
            texts, starts, ends = lists
            if all(isinstance(text, str) for text in texts):
                return [entry(*row) for row in zip(texts, starts, ends, strict=True)]
    return None

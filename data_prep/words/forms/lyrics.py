"""Lyrics with times (LRC): lines `[00:12.30]text`, whose words may have times `<00:12.50>` too."""

import re
from dataclasses import replace

from data_prep.words.forms.caption_text import spoken_lines
from data_prep.words.forms.document import Document
from data_prep.words.forms.entry import SECONDS, Entry, Reading
from data_prep.words.forms.moments import seconds
from data_prep.words.forms.pieces import joined

_CLOCK = r"\d{1,3}:\d{1,2}(?:[.,:]\d{1,3})?"
_LINE = re.compile(rf"\s*((?:\[{_CLOCK}\]\s*)+)(.*)")
_INLINE = re.compile(rf"<({_CLOCK})>")
_TAG = re.compile(r"\s*\[[A-Za-z#]+:[^\]]*\]\s*")


def is_lyrics(document: Document) -> bool:
    """Tells by the first line that is no tag such as `[ar:…]`."""
    first = next((line for _, line in document.lines if not _TAG.fullmatch(line)), "")
    return _LINE.fullmatch(first) is not None


def read_lyrics(document: Document) -> Reading:
    """Reads lines, each a cue until the next one begins; one without text ends that before it."""
    rows: list[tuple[float, str]] = []
    for _, line in document.lines:
        if match := _LINE.fullmatch(line):
            rows += [(_time(clock), match[2]) for clock in re.findall(_CLOCK, match[1])]
    rows.sort(key=lambda row: row[0])
    entries: list[Entry] = []
    for place, (start, text) in enumerate(rows):
        end = rows[place + 1][0] if place + 1 < len(rows) else None
        if _INLINE.search(text):
            entries += _words(text, start, end)
        elif spoken := " ".join(spoken_lines(text)):
            entries.append(Entry(spoken, start, end, None, True, is_cue=True))
    return Reading(entries, (SECONDS,))


def _words(text: str, start: float, end: float | None) -> list[Entry]:
    first, *rest = _INLINE.split(text)
    times: list[float | None] = [start, *map(_time, rest[::2]), end]
    spans = zip([first, *rest[1::2]], times[:-1], times[1:], strict=True)
    words = joined(Entry(part, begin, finish, None, True) for part, begin, finish in spans)
    return [replace(word, end=None) if word.end == word.start else word for word in words]


def _time(clock: str) -> float:
    """Reads `01:02.30`, and `01:02:30`, whose last part are hundredths too."""
    minutes, _, rest = clock.partition(":")
    return seconds(f"{minutes}:{rest.replace(':', '.')}") or 0.0

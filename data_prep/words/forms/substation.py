"""Subtitles of SubStation Alpha (`.ass`, `.ssa`), with or without the marks of karaoke."""

import re

from data_prep.words.forms.caption_text import spoken_lines
from data_prep.words.forms.document import Document, shown
from data_prep.words.forms.entry import SECONDS, Entry, Reading
from data_prep.words.forms.moments import seconds
from data_prep.words.forms.pieces import joined
from llavataros_jax.errors import UserError

_FIELDS = ("layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect")
_SYLLABLE = re.compile(r"\{[^{}]*?\\[kK][fo]?(\d{1,6})[^{}]*\}")
_DRAWING = re.compile(r"\{[^{}]*\\p[1-9]")


def is_substation(document: Document) -> bool:
    """Tells its first section or a line of dialogue."""
    return bool(
        re.search(r"^\s*(?:\[Script Info\]|Dialogue:)", document.text[:20_000], re.M | re.I)
    )


def read_substation(document: Document) -> Reading:
    """Reads the lines of dialogue: syllables with `\\k` become words, others are cues.

    Raises:
        UserError: When a line has other times.
    """
    fields, entries, in_events = list(_FIELDS), [], False
    for place, line in document.lines:
        kind, _, rest = line.strip().partition(":")
        if line.strip().startswith("["):
            in_events = line.strip().lower() == "[events]"
        elif kind.lower() == "format" and in_events:
            fields = [field.strip().lower() for field in rest.split(",")][:-1]
        elif kind.lower() == "dialogue":
            values = rest.strip().split(",", len(fields))
            named = dict(zip(fields, values, strict=False))
            start, end = seconds(named.get("start", "")), seconds(named.get("end", ""))
            if start is None or end is None or len(values) <= len(fields):
                raise UserError(
                    f"{document.path}: line {place} is {shown(line)}, not a dialogue with start, "
                    "end and text; export it again"
                )
            if not _DRAWING.search(values[-1]):
                entries += _entries(values[-1], start, end)
    return Reading(entries, (SECONDS,), may_run_back=True)


def _entries(text: str, start: float, end: float) -> list[Entry]:
    if not _SYLLABLE.search(text):
        spoken = " ".join(spoken_lines(text))
        return [Entry(spoken, start, end, None, True, is_cue=True)] if spoken else []
    _, *parts = _SYLLABLE.split(text)
    pieces, begin = [], start
    for duration, syllable in zip(parts[::2], parts[1::2], strict=True):
        finish = begin + int(duration) / 100
        syllable = re.sub(r"\{[^{}]*\}", "", syllable).replace("\\N", " ")
        pieces.append(Entry(syllable, begin, finish, None, True))
        begin = finish
    return joined(pieces)

"""Lines `start end text`: Audacity's labels, the tables of GENEA, HTK's labels in ticks."""

import re

from data_prep.words.forms.document import Document, shown
from data_prep.words.forms.entry import SECONDS_FIRST, Entry, Reading, as_cues_if_phrases
from data_prep.words.forms.moments import number
from data_prep.words.spelling import without_sentence_marks
from llavataros_jax.errors import UserError

_COULD_BE_PROSE = (".txt", ".lab")


def has_intervals(document: Document) -> bool:
    """Tells by the first line; prose may begin with two numbers, so there all lines count."""
    lines = [line for _, line in document.lines if not _is_extra(line)]
    if not lines or _times(lines[0]) is None:
        return False
    if document.path.suffix.lower() not in _COULD_BE_PROSE:
        return True
    times = [_times(line) for line in lines]
    known = [pair for pair in times if pair is not None]
    is_rising = all(start <= end for start, end in known) and known == sorted(known)
    return len(known) == len(times) and is_rising and ("\t" in lines[0] or len(lines) > 1)


def read_intervals(document: Document) -> Reading:
    """Reads lines `start end text`; `, . ! ?` are dropped, which GENEA has among its words.

    Raises:
        UserError: When a line is something else.
    """
    entries: list[Entry] = []
    for place, line in document.lines:
        if _is_extra(line):
            continue
        times = _times(line)
        if times is None:
            if place == 1 and not any(character.isdigit() for character in line):
                continue  # a header
            raise UserError(f"{document.path}: line {place} is {shown(line)}, not start, end, text")
        entries.append(Entry(without_sentence_marks(_fields(line)[2]), *times))
    if entries and all(found.start == found.end for found in entries):  # labels at points
        entries = [Entry(found.text, found.start) for found in entries]
    return Reading(as_cues_if_phrases(entries), SECONDS_FIRST)


def _is_extra(line: str) -> bool:
    """Tells Audacity's lines of frequencies, which follow a label, and comments."""
    return line.startswith(("\\", "#"))


def _fields(line: str) -> list[str]:
    fields = re.split(r"\t", line, maxsplit=2) if "\t" in line else line.split(maxsplit=2)
    return [*(field.strip() for field in fields), "", "", ""][:3]


def _times(line: str) -> tuple[float, float] | None:
    """Returns start and end, also with decimal commas, as some systems write them."""
    start, end = (number(field.replace(",", ".")) for field in _fields(line)[:2])
    return None if start is None or end is None else (start, end)

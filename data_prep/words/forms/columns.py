"""Tables with columns of text, start and end: CSV in any order, Whisper's TSV, MFA's, ELAN's.

Columns are told by their names, without names by what stands in them. Commas may be decimal where
others separate the columns.
"""

import csv
import re
from collections.abc import Sequence

from data_prep.words.forms.document import Document, shown
from data_prep.words.forms.entry import (
    MILLISECONDS_FIRST,
    SECONDS_FIRST,
    Entry,
    Reading,
    as_cues_if_phrases,
    entry,
)
from data_prep.words.forms.moments import number, seconds
from data_prep.words.spelling import without_sentence_marks
from llavataros_jax.errors import UserError

_SEPARATORS = "\t;|,"
_TEXT = (
    "word", "text", "label", "token", "transcript", "name", "value", "annotation", "content",
    "caption", "subtitle", "utterance", "sentence", "wort", "mot", "palabra",
)  # fmt: skip
_START = ("start", "begin", "onset", "tmin", "xmin", "tstart")
_END = ("end", "stop", "tmax", "xmax", "finish", "tend")
_EXACT = {"from": "start", "t0": "start", "in": "start", "to": "end", "t1": "end", "out": "end"}
_CONFIDENCE = ("confidence", "conf", "probability", "score")
_MILLISECONDS = re.compile(r"(?:^|[^a-z])m(?:illi)?s(?:ec|econds)?(?:$|[^a-z])|[a-z]Ms$|millis")
_LARGEST_FIELD = 1 << 17


def has_columns(document: Document) -> bool:
    """Tells a table by its header, or by a first row of two times and a text."""
    rows = _rows(document, most=2)
    return bool(rows) and (_named(rows[0][1]) is not None or _unnamed(rows[0][1]) is not None)


def read_columns(document: Document) -> Reading:
    """Reads the rows of a table; of MFA's those of words alone.

    Raises:
        UserError: When a row has other times.
    """
    rows = _rows(document)
    separator = _separator(document)
    header = rows[0][1] if rows else []
    columns = _named(header)
    units, drops_marks = SECONDS_FIRST, False
    if columns is None:
        columns = _unnamed(header)
    else:
        rows = rows[1:]
        if "text" not in columns:
            columns["text"] = _column_of_texts(rows, columns)
        is_plain = [cell.strip().lower() for cell in header] == ["start", "end", "text"]
        whole = all(cell.strip().isdigit() for _, row in rows for cell in row[:2])
        if _MILLISECONDS.search(header[columns["start"]]) or (is_plain and whole):
            units = MILLISECONDS_FIRST  # as Whisper writes them
        drops_marks = is_plain and not whole and separator == "\t"
    if columns is None:
        raise UserError(
            f"{document.path} has a quotation mark without a second one, so its rows cannot be "
            "told; export it again"
        )
    entries: list[Entry] = []
    for place, row in _of_words(rows, header, document):
        found = _entry(row, columns, width=len(header))
        if found is None:
            raise UserError(
                f"{document.path}: line {place} is {shown(separator.join(row))}, which has no "
                "times where the lines above have them"
            )
        if drops_marks:
            found = Entry(without_sentence_marks(found.text), found.start, found.end)
        entries.append(found)
    return Reading(as_cues_if_phrases(entries), units)


def _entry(row: Sequence[str], columns: dict[str, int], *, width: int) -> Entry | None:
    """Reads a row; a last column of texts holds what separators without quotation marks cut."""
    cells = {name: row[place].strip() for name, place in columns.items() if place < len(row)}
    if len(row) > width == columns["text"] + 1:
        cells["text"] = ", ".join(part.strip() for part in row[columns["text"] :] if part.strip())
    times = {name: cells.get(name, "") for name in ("start", "end", "duration")}
    if any(value and not _is_time(value) for value in times.values()):
        return None
    values = {
        name: value if ":" in value else value.replace(",", ".") for name, value in times.items()
    }
    return entry(
        cells.get("text", ""),
        values["start"],
        values["end"],
        duration=values["duration"],
        confidence=cells.get("confidence"),
    )


def _of_words(
    rows: Sequence[tuple[int, list[str]]], header: Sequence[str], document: Document
) -> list[tuple[int, list[str]]]:
    """Returns the rows of words: MFA has those of phones too, and those of other speakers."""
    names = [cell.strip().lower() for cell in header]
    kept = list(rows)
    if "type" in names:
        column = names.index("type")
        words = [row for row in kept if _cell(row[1], column) in ("word", "words")]
        kept = words or kept
    for wanted in (document.tier, document.speaker):
        if wanted is not None and "speaker" in names:
            column = names.index("speaker")
            own = [row for row in kept if _cell(row[1], column) == wanted.strip().lower()]
            kept = own or kept
    return kept


def _cell(row: Sequence[str], column: int) -> str:
    return row[column].strip().lower() if column < len(row) else ""


def _named(header: Sequence[str]) -> dict[str, int] | None:
    """Finds the columns by their names; the text may be the one that is left."""
    found: dict[str, int] = {}
    names = [re.sub(r"[^a-z0-9]+", "", cell.lower()) for cell in header]
    if any(_is_time(cell.strip()) for cell in header):
        return None
    for place, name in enumerate(names):
        kind = _EXACT.get(name)
        if name.startswith(_TEXT):
            kind = "text"
        elif name.startswith("offset"):
            kind = "end" if "onset" in names else "start"
        elif name.startswith(_START):
            kind = "start"
        elif name.startswith(_END):
            kind = "end"
        elif name.startswith(("dur", "length")):
            kind = "duration"
        elif name in _CONFIDENCE:
            kind = "confidence"
        if kind:
            found.setdefault(kind, place)
    has_end = "end" in found or "duration" in found
    return found if "start" in found and (has_end or "text" in found) and len(names) > 1 else None


def _column_of_texts(rows: Sequence[tuple[int, list[str]]], columns: dict[str, int]) -> int:
    """Finds the last column in which something else than times stands."""
    width = max((len(row) for _, row in rows), default=0)
    for place in range(width - 1, -1, -1):
        cells = [row[place].strip() for _, row in rows if place < len(row)]
        if place not in columns.values() and not all(_is_time(cell) for cell in cells):
            return place
    return width


def _unnamed(row: Sequence[str]) -> dict[str, int] | None:
    """Finds two times beside each other, and the text before or after them."""
    cells = [cell.strip() for cell in row]
    for start, text in ((0, 2), (1, 0)):
        if len(cells) > max(start + 1, text) and all(map(_is_time, cells[start : start + 2])):
            is_text = bool(cells[text]) and (start == 0 or len(cells) == 3)
            return {"start": start, "end": start + 1, "text": text} if is_text else None
    return None


def _is_time(cell: str) -> bool:
    return number(cell.replace(",", ".")) is not None or seconds(cell) is not None


def _separator(document: Document) -> str:
    first = document.lines[0][1] if document.lines else ""
    return next((mark for mark in _SEPARATORS if mark in first), "\t")


def _rows(document: Document, *, most: int | None = None) -> list[tuple[int, list[str]]]:
    """Returns the rows that are not empty, and their lines' numbers."""
    lines = document.lines[:most]
    if not lines or any(len(line) > _LARGEST_FIELD for _, line in lines):
        return []
    separator = _separator(document)
    reader = csv.reader((line for _, line in lines), delimiter=separator, skipinitialspace=True)
    try:
        rows = list(reader)
    except csv.Error:
        return []
    # A text in quotation marks may hold line feeds, so the numbers are those of the rows' order.
    return [(lines[min(place, len(lines) - 1)][0], row) for place, row in enumerate(rows)]

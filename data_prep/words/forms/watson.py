"""IBM Watson's JSON: alternatives with `timestamps` of [word, start, end]."""

from typing import Any

from data_prep.words.forms.document import Document, at, records
from data_prep.words.forms.entry import SECONDS, Reading, entry


def is_watson(document: Document) -> bool:
    """Tells results with timestamps."""
    return bool(_rows(document.tree))


def read_watson(document: Document) -> Reading:
    """Reads the words of the best alternatives."""
    entries = [entry(at(row, 0), at(row, 1), at(row, 2)) for row in _rows(document.tree)]
    return Reading(entries, (SECONDS,))


def _rows(tree: Any) -> list[Any]:
    rows = []
    for part in records(tree) or records([tree]):
        for result in records(part.get("results")):
            found = at(result, "alternatives", 0, "timestamps")
            rows += found if isinstance(found, list) else []
    return rows

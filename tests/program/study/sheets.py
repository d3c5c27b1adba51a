"""CSV files of participants, as the page writes them."""

import csv
from collections.abc import Iterable
from pathlib import Path

from llavataros.study.answers import COLUMNS


def row(**changed: str) -> dict[str, str]:
    """Returns a judgement of a preference study, changed as told."""
    plain = {
        "study": "s1", "kind": "preference", "participant": "p1", "trial": "1", "clip": "c1",
        "left": "one", "right": "two", "left_speech": "c1", "right_speech": "c1",
        "answer": "left", "seconds": "7.25", "attention": "", "passed": "",
        "user_agent": "Browser (X; Y), 1", "answered_at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    return plain | changed


def check(asked: str, answer: str, **changed: str) -> dict[str, str]:
    """Returns an answered attention check."""
    passed = "1" if asked == answer else "0"
    return row(attention=asked, answer=answer, passed=passed, **changed)


def write(path: Path, rows: Iterable[dict[str, str]]) -> Path:
    """Writes rows as a CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path

"""Gestures that a generated corpus tells of: which word carries which, and when it is reached."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BEAT = "beat"


@dataclass(frozen=True)
class Stroke:
    """A gesture on a word; seconds are of the clip.

    Attributes:
        kind: `beat`, or a gesture that belongs to the word.
        stress_seconds: When the word's stressed vowel begins.
        apex_seconds: When the hands arrive.
    """

    kind: str
    stress_seconds: float
    apex_seconds: float


def read_strokes(recording: Path, *, start_seconds: float, seconds: float) -> tuple[Stroke, ...]:
    """Reads the gestures of a part of a recording from the timed words beside it.

    They are in a `.json` of the recording's name, as `python -m data_prep.corpus` writes it: words
    with `gesture`, `apex` and `stress`. Recordings of people have none.

    Args:
        recording: Sound file.
        start_seconds: Where the part begins.
        seconds: Its length.

    Returns:
        The strokes whose apex lies in the part; none where none are told of.
    """
    try:
        tree = json.loads(recording.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    rows = tree.get("words") if isinstance(tree, dict) else None
    found = [_stroke(row, start_seconds) for row in rows] if isinstance(rows, list) else []
    return tuple(s for s in found if s is not None and 0 <= s.apex_seconds < seconds)


def _stroke(row: Any, start_seconds: float) -> Stroke | None:
    if not isinstance(row, dict) or not isinstance(row.get("gesture"), str):
        return None
    stress, apex = _time(row.get("stress", row.get("start"))), _time(row.get("apex"))
    if not (math.isfinite(stress) and math.isfinite(apex)):
        return None
    return Stroke(row["gesture"], stress - start_seconds, apex - start_seconds)


def _time(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan

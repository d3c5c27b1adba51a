"""Times as files write them: bare numbers, whose unit the form says, and those that say it."""

import re
from typing import Any

_LARGEST = 2**53
_BARE = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_WITH_UNIT = re.compile(r"([-+]?\d{1,15}(?:\.\d{0,15})?)\s*(s|sec|secs|seconds|ms)")
_CLOCK = re.compile(r"(?:(\d{1,4}):)?(\d{1,4}):(\d{1,2}(?:[.,]\d{0,9})?)")
_ISO = re.compile(r"PT(?:(\d{1,4})H)?(?:(\d{1,6})M)?(?:(\d{1,9}(?:\.\d{0,12})?)S)?", re.IGNORECASE)


def number(value: Any) -> float | None:
    """Returns a bare number, also one that is written as a text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return value
    if isinstance(value, int):
        return float(value) if abs(value) < _LARGEST else None
    if isinstance(value, str) and len(value) < 40 and _BARE.fullmatch(value.strip()):
        return float(value)
    return None


def seconds(value: Any) -> float | None:
    """Returns the seconds of a time that says its unit.

    Such are `0.1s`, `100 ms`, `00:00:01,500`, `1:02.5`, `PT1.2S` and {"seconds": "1", "nanos": 5}.
    """
    if isinstance(value, dict):
        if not {"seconds", "nanos"}.isdisjoint(value):
            whole, rest = number(value.get("seconds", 0)), number(value.get("nanos", 0))
            return None if whole is None or rest is None else whole + rest / 1e9
        return 0.0 if not value else None  # as Protocol Buffers write a zero
    if not isinstance(value, str) or len(value) > 40:
        return None
    text = value.strip()
    if match := _WITH_UNIT.fullmatch(text):
        return float(match[1]) / (1000 if match[2] == "ms" else 1)
    if match := _CLOCK.fullmatch(text) or (_ISO.fullmatch(text) if len(text) > 2 else None):
        hours, minutes, rest = (float((part or "0").replace(",", ".")) for part in match.groups())
        return 3600 * hours + 60 * minutes + rest
    return None

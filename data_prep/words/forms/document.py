"""A file as the readers of forms see it: decoded once, and as JSON if it is any."""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from data_prep.words.text_file import read_text
from llavataros_jax.errors import UserError

_MOST_SHOWN = 60
_BEGINS_AS_JSON = re.compile(r"\s*[{\[]")
_BETWEEN_VALUES = re.compile(r"[\s\x1e,]*")


@dataclass(frozen=True)
class Document:
    """A file of timed words.

    Attributes:
        path: Where it is.
        text: Its text; lines end with a line feed.
        speaker: Whose words are wanted, where a file has those of several.
        tier: The tier that the user names, where a file has several.
    """

    path: Path
    text: str
    speaker: str | None = None
    tier: str | None = None

    @cached_property
    def lines(self) -> list[tuple[int, str]]:
        """The lines with something in them, and their numbers."""
        numbered = enumerate(self.text.split("\n"), 1)
        return [(number, line.strip("\0\ufeff")) for number, line in numbered if line.strip()]

    @cached_property
    def tree(self) -> Any:
        """Its JSON, a list of all values if there are several; None when it is none.

        Raises:
            UserError: When it begins as JSON and is malformed.
        """
        if not _BEGINS_AS_JSON.match(self.text):
            return None
        decoder, values = json.JSONDecoder(), []
        try:
            place = _next_place(self.text, 0)
            while place < len(self.text):
                value, end = decoder.raw_decode(self.text, place)
                place = _next_place(self.text, end)
                values.append(value)
        except json.JSONDecodeError as problem:
            raise UserError(
                f"{self.path} is not valid JSON (line {problem.lineno}); export it again"
            ) from problem
        except (ValueError, RecursionError) as problem:  # thousands of digits or of brackets
            raise UserError(f"{self.path} is JSON that cannot be read; export it again") from (
                problem
            )
        return values[0] if len(values) == 1 else values


def open_document(path: Path, *, speaker: str | None = None, tier: str | None = None) -> Document:
    """Reads a file of timed words.

    Raises:
        UserError: When it is no text.
    """
    is_textgrid = path.suffix.lower() == ".textgrid"  # Praat falls back to Latin-1 itself
    return Document(
        path, read_text(path, otherwise="latin-1" if is_textgrid else None), speaker, tier
    )


def _next_place(text: str, place: int) -> int:
    match = _BETWEEN_VALUES.match(text, place)
    return match.end() if match else place


def at(value: Any, *keys: str | int) -> Any:
    """Returns what lies at a path of keys and places, None where there is no such path."""
    for key in keys:
        if isinstance(value, dict) and isinstance(key, str):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            return None
    return value


def records(value: Any) -> list[dict[str, Any]]:
    """Returns the objects of a list; nothing when it is none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def either(record: Any, *keys: str) -> Any:
    """Returns what an object has by the first of these keys that it has."""
    if not isinstance(record, dict):
        return None
    return next((record[key] for key in keys if record.get(key) is not None), None)


def shown(value: Any) -> str:
    """Returns what stands in a file as a sentence may hold it."""
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"

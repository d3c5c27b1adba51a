"""The tiers of a TextGrid, by Praat's own rule for its text files, so in every layout.

What counts are numbers that stand free, texts in double quotes and flags such as `<exists>`;
everything else, such as `xmin =` or `intervals [2]:`, is a comment. Overlaps of a rounding and
intervals without length, which other programs write, are read as they are.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from data_prep.words.text_file import read_text
from llavataros_jax.errors import UserError

_TOKEN = re.compile(
    r'(?P<text>"[^"]*(?:""[^"]*)*")'
    r"|(?<!\S)(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?!\S)"
    r"|(?<!\S)(?P<flag><\w+>)(?!\S)"
    r"|(?<!\S)!.*"
)
_KINDS = {"IntervalTier": 2, "TextTier": 1}  # and how many times each entry has
_ROUNDING_SECONDS = 1e-3

Token = float | str


class Interval(NamedTuple):
    """One labelled interval of a tier, in seconds."""

    start: float
    end: float
    label: str


class Tier(NamedTuple):
    """A tier by its name; `intervals` is None for a tier of points."""

    name: str
    intervals: list[Interval] | None


def read_tiers(path: Path) -> list[Tier]:
    """Reads all tiers of a TextGrid in Praat's long or short text format.

    Raises:
        UserError: When the file is of another kind, malformed or cut short.
    """
    if path.read_bytes()[:12] == b"ooBinaryFile":
        raise UserError(f"{path} is a binary file of Praat; save it as a text file")
    tokens = _tokens(read_text(path, otherwise="latin-1"))  # as Praat itself does
    if not (str(next(tokens, "")).startswith("ooTextFile") and next(tokens, "") == "TextGrid"):
        raise UserError(
            f"{path} is not a valid TextGrid, because it does not begin as one; export it again "
            "from Praat as a text file"
        )
    place = "its head"
    try:
        _numbers(tokens, 2)
        has_tiers = next(tokens)
        if has_tiers not in ("<exists>", "<absent>"):
            raise ValueError
        tiers: list[Tier] = []
        if has_tiers == "<absent>":
            return tiers
        (count,) = _numbers(tokens, 1)
        for number in range(1, _whole(count) + 1):
            place = f"tier {number} of {count:g}"
            kind, name = next(tokens), next(tokens)
            if kind not in _KINDS or not isinstance(name, str):
                raise ValueError
            place = f"tier {number} of {count:g} ({name})"
            *_, size = _numbers(tokens, 3)
            rows = []
            for row in range(1, _whole(size) + 1):
                place = f"tier {number} of {count:g} ({name}), entry {row} of {size:g}"
                times, label = _numbers(tokens, _KINDS[str(kind)]), _label(next(tokens))
                rows.append((times[0], times[-1], label))
            intervals = [_interval(*row) for row in rows] if kind == "IntervalTier" else None
            tiers.append(Tier(name, intervals))
        place = "what comes after its last tier, of which it announces fewer entries"
        if next(tokens, None) is not None:
            raise ValueError
    except StopIteration:
        raise UserError(f"{path} is cut short in {place}; export it again") from None
    except ValueError:
        raise UserError(
            f"{path} is not a valid TextGrid: {place} is malformed; export it again from Praat"
        ) from None
    return tiers


def _tokens(text: str) -> Iterator[Token]:
    for match in _TOKEN.finditer(text):
        if match["text"]:
            yield match["text"][1:-1].replace('""', '"')
        elif match["number"]:
            yield float(match["number"])
        elif match["flag"]:
            yield match["flag"]


def _numbers(tokens: Iterator[Token], count: int) -> list[float]:
    found = [next(tokens) for _ in range(count)]
    if not all(isinstance(value, float) and abs(value) < float("inf") for value in found):
        raise ValueError
    return [float(value) for value in found]


def _whole(value: float) -> int:
    if value != int(value) or value < 0:
        raise ValueError
    return int(value)


def _label(token: Token) -> str:
    if not isinstance(token, str):
        raise ValueError
    return token


def _interval(start: float, end: float, label: str) -> Interval:
    """Makes an interval; one that ends before it starts by no more than a rounding is empty."""
    return Interval(start, start if start - _ROUNDING_SECONDS <= end < start else end, label)

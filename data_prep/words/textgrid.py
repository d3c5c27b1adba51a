"""Praat TextGrids in and out, through praatio."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, cast

from data_prep.words.word import UNKNOWN, Word, share_interval
from llavataros_jax.atomic import atomic_path
from llavataros_jax.errors import UserError

SILENCE_LABELS = {"", "<eps>", "eps", "sil", "<sil>", "sp", "<p:>", "<s>", "</s>", "[silence]"}
UNKNOWN_LABELS = {"spn", "<unk>", "<spn>", "[unk]"}

# The long format names its fields, the short one does not; the last field is the tier's size.
_TIER_HEADER = re.compile(
    r'"(?:IntervalTier|TextTier)"\s*(?:name = )?"(?:[^"]|"")*"'
    r"\s*(?:xmin = )?[-+.\deE]+\s*(?:xmax = )?[-+.\deE]+"
    r"\s*(?:(?:intervals|points): size = )?(\d+)"
)


class Interval(NamedTuple):
    """One labelled interval of a tier, in seconds."""

    start: float
    end: float
    label: str


def read_textgrid(path: Path) -> list[Word]:
    """Reads the tier `words` of a TextGrid; silence is left out, `spn` becomes `<unk>`.

    Raises:
        UserError: When the file is malformed or cut short, or has no tier of words.
    """
    tiers = read_tiers(path)
    names = list(tiers)
    matching = [name for name in names if name.lower() in ("words", "word")]
    matching = matching or [name for name in names if name.lower().endswith((" words", "-words"))]
    if len(matching) != 1:
        listed = ", ".join(names) or "none"
        raise UserError(
            f"{path} needs exactly one tier called words, but its tiers are: {listed}; rename one"
        )
    intervals = tiers[matching[0]]
    if intervals is None:
        raise UserError(f"{path}: tier {matching[0]} holds points; words need intervals")
    words = []
    for interval in intervals:
        words += words_of_label(interval.label, interval.start, interval.end)
    return words


def read_tiers(path: Path) -> dict[str, list[Interval] | None]:
    """Reads the intervals of each tier by its name; None for a tier of points.

    Raises:
        UserError: When the file is malformed or cut short.
    """
    from praatio import textgrid
    from praatio.utilities import constants as textgrid_constants

    try:
        grid = textgrid.openTextgrid(
            str(path),
            includeEmptyIntervals=True,
            reportingMode="silence",
            duplicateNamesMode="rename",
        )
        tiers = {name: grid.getTier(name) for name in grid.tierNames}
    except Exception as problem:  # praatio lets errors of many kinds through
        raise UserError(
            f"{path} is not a valid TextGrid ({type(problem).__name__}); export it again from Praat"
        ) from problem
    declared_tiers, declared_entries = _declared_sizes(path)
    counts = [len(tier.entries) for tier in tiers.values()]
    if counts != declared_entries or len(counts) != declared_tiers:
        raise UserError(
            f"{path} is cut short: it announces {declared_tiers} tiers with "
            f"{declared_entries} intervals, but holds {counts}; export it again"
        )
    return {
        name: [
            Interval(float(entry.start), float(entry.end), entry.label)
            for entry in cast(Sequence[textgrid_constants.Interval], tier.entries)
        ]
        if isinstance(tier, textgrid.IntervalTier)
        else None
        for name, tier in tiers.items()
    }


def words_of_label(label: str, start_seconds: float, end_seconds: float) -> list[Word]:
    """Turns one labelled interval into words: none for silence, several share it equally."""
    label = label.strip()
    if label.lower() in SILENCE_LABELS:
        return []
    if label.lower() in UNKNOWN_LABELS:
        return [Word(UNKNOWN, start_seconds, end_seconds)]
    return share_interval(label.split(), start_seconds, end_seconds)


def _declared_sizes(path: Path) -> tuple[int, list[int]]:
    """Reads how many tiers and intervals the file announces: praatio ignores a missing rest."""
    content = path.read_bytes()
    is_utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = content.decode("utf-16" if is_utf16 else "utf-8", errors="replace")
    tiers = re.search(r"<exists>\s*(?:size = )?(\d+)", text)
    return int(tiers[1]) if tiers else 0, [int(size) for size in _TIER_HEADER.findall(text)]


def write_textgrid(path: Path, words: Sequence[Word], audio_seconds: float) -> None:
    """Writes `words` atomically as the tier `words` of a TextGrid as long as the audio.

    Words that last no time are left out, and one that overlaps the next is cut at its start,
    because Praat knows neither.
    """
    from praatio import textgrid

    entries = []
    for word, following in zip(words, [*words[1:], None], strict=True):
        end = min(word.end_seconds, audio_seconds)
        if following is not None:
            end = min(end, following.start_seconds)
        if end > word.start_seconds:
            entries.append((word.start_seconds, end, word.text))
    if not entries:
        raise UserError(f"there is no word to write to {path}")
    grid = textgrid.Textgrid(0, audio_seconds)
    grid.addTier(textgrid.IntervalTier("words", entries, 0, audio_seconds))
    with atomic_path(path) as temporary:
        grid.save(str(temporary), format="long_textgrid", includeBlankSpaces=True)

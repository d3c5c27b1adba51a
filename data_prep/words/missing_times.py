"""Times for words that their file gives none, between those of their neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

_SECONDS_PER_WORD, _SECONDS_PER_LETTER = 0.15, 0.07
_LONGEST_SECONDS = 1.5  # of a word whose neighbours are far away
_LEAST_SECONDS = 0.03  # a gap that gives each word less is no room for them


@dataclass(frozen=True)
class Label:
    """A label of a file in seconds; times that the file does not give are None."""

    text: str
    start: float | None
    end: float | None
    confidence: float | None = None
    is_cue: bool = False


def usual_seconds(text: str) -> float:
    """Returns about how long it takes to say some words."""
    words = text.split() or [text]
    return sum(_SECONDS_PER_WORD + _SECONDS_PER_LETTER * len(word) for word in words)


def shares(texts: Sequence[str], start: float, end: float) -> list[tuple[float, float]]:
    """Divides a span between words by their lengths."""
    weights = [usual_seconds(text) for text in texts]
    total, done, edges = sum(weights), 0.0, [start]
    for weight in weights:
        done += weight
        edges.append(start + (end - start) * done / total)
    edges[-1] = end
    return list(pairwise(edges))


def with_ends(labels: Sequence[Label], audio_seconds: float) -> list[Label]:
    """Ends labels that have a start alone at the next one's, or when they have been said."""
    found = list(labels)
    for row, label in enumerate(labels):
        following = labels[row + 1] if row + 1 < len(labels) else None
        if label.start is None or label.end is not None:
            continue
        if following is not None and following.start is None:
            continue  # it shares what there is with those after it
        latest = audio_seconds if following is None else following.start
        assert latest is not None
        factor = 2 if label.is_cue else 1  # whose words may have pauses between them
        end = min(label.start + factor * usual_seconds(label.text), max(latest, label.start))
        found[row] = replace(label, end=end)
    return found


def with_times(labels: Sequence[Label], audio_seconds: float) -> list[Label]:
    """Gives words without times the gap between their neighbours, shared by their length.

    Where there is no gap, the word before them shares its own time with them.
    """
    found = list(labels)
    row = 0
    while row < len(found):
        if found[row].start is not None and found[row].end is not None:
            row += 1
            continue
        stop = row + 1
        while stop < len(found) and found[stop].start is None:
            stop += 1
        first, start = row, found[row].start
        if start is None:
            start = found[row - 1].end if row else None
        following = found[stop].start if stop < len(found) else audio_seconds
        assert following is not None
        usual = sum(usual_seconds(label.text) for label in found[row:stop])
        if start is None:
            start = max(0.0, following - usual)
        elif stop == len(found):
            following = min(following, start + usual)
        if following - start < _LEAST_SECONDS * (stop - row):
            if first and found[first - 1].start is not None:
                first, start = first - 1, found[first - 1].start
            elif stop < len(found):
                following, stop = found[stop].end or following, stop + 1
        assert start is not None
        end = max(start, min(following, start + _LONGEST_SECONDS * (stop - first)))
        spans = shares([label.text for label in found[first:stop]], start, end)
        for place, (begin, finish) in zip(range(first, stop), spans, strict=True):
            found[place] = replace(found[place], start=begin, end=finish)
        row = stop
    return found

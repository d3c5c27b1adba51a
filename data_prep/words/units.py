"""Which unit the times of a file have, told by the length of the recording."""

import statistics
from collections.abc import Sequence
from itertools import pairwise

from data_prep.words.forms.entry import Entry, Reading, Unit
from data_prep.words.word import LATEST_END_SECONDS

LATEST_CUE_SECONDS = 1.0  # captions may stay that much longer than the sound
_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.02, 20.0  # of the middle one of all words
_LONGEST_CUE_SECONDS = 120.0


def choose_unit(reading: Reading, audio_seconds: float) -> Unit:
    """Returns the first of a reading's units under which its times can be true.

    All words must lie inside the recording and last about as long as words do: one that ends at
    1.4 in a second recording is not one of another recording in milliseconds. When none fits, it
    is the documented one, under which the words will be refused.
    """
    timed = [found for found in reading.entries if found.start is not None]
    bare = [found for found in timed if not found.in_seconds]
    for unit in reading.units:
        if bare and _fits(bare, unit, audio_seconds) and _is_plausible(bare, unit):
            return unit
    return reading.units[0]


def _fits(entries: Sequence[Entry], unit: Unit, audio_seconds: float) -> bool:
    def last(found: Entry) -> float:
        return (found.start or 0.0) if found.end is None else found.end

    return all(
        (found.start or 0.0) >= 0
        and last(found) / unit.per_second
        <= audio_seconds + (LATEST_CUE_SECONDS if found.is_cue else LATEST_END_SECONDS)
        for found in entries
    )


def _is_plausible(entries: Sequence[Entry], unit: Unit) -> bool:
    lengths = [
        found.end - found.start
        for found in entries
        if found.start is not None and found.end is not None
    ]
    if not lengths:  # then the times from one word to the next
        lengths = [
            later.start - found.start
            for found, later in pairwise(entries)
            if found.start is not None and later.start is not None
        ]
    if not lengths:
        return True
    longest = _LONGEST_CUE_SECONDS if any(found.is_cue for found in entries) else _LONGEST_SECONDS
    middle = statistics.median(lengths) / unit.per_second
    return _SHORTEST_SECONDS <= middle <= longest

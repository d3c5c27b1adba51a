"""From the labels of a file to words in seconds: units, order, what has no time, phrases."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from data_prep.words.forms.entry import Entry, Reading
from data_prep.words.labels import SILENCE_LABELS, UNKNOWN_LABELS, is_spoken
from data_prep.words.missing_times import Label, shares, with_ends, with_times
from data_prep.words.note import Note
from data_prep.words.timed_text import Cue, TimedText
from data_prep.words.units import LATEST_CUE_SECONDS, choose_unit
from data_prep.words.word import UNKNOWN, Word, checked_words, share_interval
from llavataros_jax.errors import UserError

_PHRASE_TOKENS, _PHRASE_SECONDS = 4, 1.2  # fewer tokens in less time share it equally
_SAME_SECONDS = 0.05


def place_words(reading: Reading, audio_seconds: float, path: Path, note: Note) -> TimedText:
    """Turns what was read from `path` into words with times, and says what was done to `note`.

    Labels of silence are left out; words that the source could not name become `<unk>`. A label of
    few tokens is shared equally by them; a longer one is a cue.

    Raises:
        UserError: When no word has a time, or times are negative, no numbers, out of order in a
            form that keeps them in order, or after the audio.
    """
    for message in reading.notes:
        note(message)
    unit = choose_unit(reading, audio_seconds)
    if unit is not reading.units[0]:
        note(f"times of {path.name} are {unit.name}, by the length of the recording")
    labels = [label for found in reading.entries if (label := _label(found, unit.per_second))]
    if not labels:
        return TimedText()
    if all(label.start is None for label in labels):
        raise UserError(
            f"{path}: none of its {len(labels)} words has a time; give each a start and an end in "
            "seconds"
        )
    if reading.may_run_back:
        labels = _in_order(labels, path, note)
    labels = _apart(labels, audio_seconds)
    _check(labels, audio_seconds, path)
    labels = _filled(labels, audio_seconds, path, note)
    words: list[Word] = []
    cues: list[Cue] = []
    for label in labels:
        assert label.start is not None
        assert label.end is not None
        found, is_phrase = _words(label, label.start, label.end)
        if is_phrase:
            cues.append(Cue(len(words), len(words) + len(found), label.start, label.end))
        words += found
    if not words:
        return TimedText()
    return TimedText(tuple(checked_words(words, audio_seconds, origin=str(path))), tuple(cues))


def _label(found: Entry, per_second: int) -> Label | None:
    """Brings an entry to seconds; None for silence."""
    # Half of a pair of surrogates, which JSON can hold, is no character.
    text = " ".join(found.text.encode("utf-8", "replace").decode().split())
    if text.lower() in SILENCE_LABELS:
        return None
    if found.is_cue:
        text = " ".join(filter(is_spoken, text.split()))
        if not text:
            return None
    scale = 1 if found.in_seconds else per_second
    start = None if found.start is None else found.start / scale
    end = None if found.end is None or start is None else found.end / scale
    return Label(text, start, end, found.confidence, found.is_cue)


def _in_order(labels: Sequence[Label], path: Path, note: Note) -> list[Label]:
    """Puts words in order of time; one without stays behind the word before it."""
    ended = [
        replace(label, end=None)
        if label.start is not None and label.end is not None and label.end < label.start
        else label
        for label in labels
    ]
    reversed_ends = sum(a is not b for a, b in zip(labels, ended, strict=True))
    latest, keys = 0.0, []
    for label in ended:
        is_known = label.start is not None and math.isfinite(label.start)
        latest = label.start if is_known and label.start is not None else latest
        keys.append(latest)
    late = sum(later < earlier for earlier, later in pairwise(keys))
    if late:
        note(
            f"in {path.name}, {late} of {len(labels)} words begin before the word above them, so "
            "all are put in order of time"
        )
    if reversed_ends:
        note(
            f"in {path.name}, {reversed_ends} words end before they start, so their ends are not "
            "used"
        )
    return [label for _, label in sorted(zip(keys, ended, strict=True), key=lambda pair: pair[0])]


def _apart(labels: Sequence[Label], audio_seconds: float) -> list[Label]:
    """Lets cues end where the next label begins, and joins those that begin together."""
    found: list[Label] = []
    for label in labels:
        last = found[-1] if found else None
        if last is not None and last.is_cue and last.start is not None and label.start is not None:
            is_together = 0 <= label.start - last.start < _SAME_SECONDS
            if is_together and label.is_cue:
                ends = [end for end in (last.end, label.end) if end is not None]
                end = max(ends) if ends else None
                found[-1] = replace(last, text=f"{last.text} {label.text}", end=end)
                continue
            if last.end is not None and last.start < label.start < last.end:
                found[-1] = replace(last, end=label.start)
        found.append(label)
    last = found[-1]
    if last.is_cue and last.start is not None and last.end is not None:
        overhang = last.end - audio_seconds
        if last.start < audio_seconds and 0 < overhang <= LATEST_CUE_SECONDS:
            found[-1] = replace(last, end=audio_seconds)  # captions stay a little longer
    return found


def _check(labels: Sequence[Label], audio_seconds: float, path: Path) -> None:
    """Refuses times that cannot be true before any are made of them."""
    timed = [
        Word(label.text, label.start, label.start if label.end is None else label.end)
        for label in labels
        if label.start is not None
    ]
    checked_words(timed, audio_seconds, origin=str(path))


def _filled(labels: Sequence[Label], audio_seconds: float, path: Path, note: Note) -> list[Label]:
    """Gives all labels both times."""
    # An end that is a rounding after the audio is no place for what follows.
    labels = [
        replace(label, end=min(label.end, audio_seconds)) if label.end is not None else label
        for label in labels
    ]
    untimed = sum(label.start is None for label in labels)
    endless = sum(label.start is not None and label.end is None for label in labels)
    if untimed:
        note(
            f"{untimed} of {len(labels)} words of {path.name} have no time, so they share the "
            "gaps between their neighbours by their length"
        )
    if endless:
        note(
            f"{endless} of {len(labels)} words of {path.name} have no end, so they last to the "
            "next one or as long as words of their length do"
        )
    return with_times(with_ends(labels, audio_seconds), audio_seconds)


def _words(label: Label, start: float, end: float) -> tuple[list[Word], bool]:
    """Returns the words of a label, and whether they are a phrase to be looked up in its span."""
    if label.text.lower() in UNKNOWN_LABELS:
        return [Word(UNKNOWN, start, end, label.confidence)], False
    tokens = label.text.split()
    is_long = len(tokens) >= _PHRASE_TOKENS or end - start >= _PHRASE_SECONDS
    if is_long and (len(tokens) > 1 or label.is_cue):
        tokens = [token for token in tokens if is_spoken(token)] or tokens
        spans = shares(tokens, start, end)
        return [Word(token, *span) for token, span in zip(tokens, spans, strict=True)], True
    return [
        replace(word, confidence=label.confidence) for word in share_interval(tokens, start, end)
    ], False

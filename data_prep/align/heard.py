"""Words that a transcriber heard, with the times that an aligner finds for them.

Whisper lets a word after a pause begin up to a second too early. Which words are said between two
pauses it knows well, so they are aligned there: a long recording cannot go astray, and where one
stretch fails the others do not.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from data_prep.align.choice import align_by, choose_aligner
from data_prep.align.window import Window, WindowAligner
from data_prep.listen.parts import speech_parts
from data_prep.listen.transcribe import transcription_of
from data_prep.listen.transcription import Transcription
from data_prep.sound.voice_activity import Spans
from data_prep.words.note import Note
from data_prep.words.word import Word, checked_words
from llavataros_jax.config import WordsConfig
from llavataros_jax.errors import UserError
from llavataros_jax.listing import listed
from llavataros_jax.sound.reader import read_info

_LEAST_WINDOW_SECONDS, _LARGEST_WINDOW_SECONDS = 10.0, 60.0
_PART_SECONDS = 600.0
_SURE_SECONDS = 0.1  # before its end a word is being said, also when Whisper starts it too early
_WORDLESS_SECONDS = 1.0  # of speech that was not written down: no word may be looked for there
_LARGEST_CHANGE_SECONDS = 1.0  # of the median word; more means that the alignment went astray
_LISTED = 4


def heard_words(
    audio_path: Path | str, config: WordsConfig, *, note: Note = lambda message: None
) -> Transcription:
    """Writes down what is said in a recording and finds when, by the tools that `config` names.

    Raises:
        UserError: When the recording cannot be read, or a tool that is named not be used.
    """
    audio_path = Path(audio_path)
    found = transcription_of(audio_path, config, note=note)
    if not (found.words and found.times_are_rough):
        return found
    try:
        aligner = choose_aligner(replace(config, language=found.language or config.language))
    except UserError:
        if config.aligner != "auto":
            raise
        note(f"times by Whisper itself, since no aligner here knows language {found.language}")
        return found
    if aligner.name == "whisper":
        return found
    seconds, quiet = read_info(audio_path).seconds, _Guesses()
    try:
        if isinstance(aligner, WindowAligner):
            words = _in_windows(aligner, audio_path, found.words, note)
        else:
            texts = [word.text for word in found.words]
            words = _with_confidence(align_by(aligner, audio_path, texts, quiet), found.words)
    except UserError:
        note(f"times by Whisper itself, since {aligner.name} cannot find its words")
        return found
    note(f"times of the words by {aligner.name}")
    origin = f"alignment of {audio_path}"
    return replace(found, words=tuple(checked_words(words, seconds, origin=origin)))


class _Guesses:
    """Takes the notes on single words, which nobody wrote and so nobody can correct."""

    def __call__(self, message: str) -> None:
        """Drops a note."""


def _in_windows(
    aligner: WindowAligner, audio_path: Path, words: Sequence[Word], note: Note
) -> list[Word]:
    """Aligns stretch by stretch; where that fails, the words keep their times."""
    spans = [
        (part.start_seconds + start, part.start_seconds + end)
        for part in speech_parts(audio_path, _PART_SECONDS)
        for start, end in part.spans
    ]
    groups = grouped(words, spans)
    windows = [
        Window(tuple(word.text for word in group), start, end) for group, (start, end) in groups
    ]
    found: list[Word] = []
    failed: list[str] = []
    aligned = aligner.align_windows(audio_path, windows, _Guesses())
    for (group, (start, end)), times in zip(groups, aligned, strict=True):
        if times is None or _change_seconds(group, times) > _LARGEST_CHANGE_SECONDS:
            failed.append(f"{start:.0f}-{end:.0f} s")
            times = group
        previous = found[-1].start_seconds if found else 0.0
        for word in _with_confidence(times, group):
            begin = max(word.start_seconds, previous)
            found.append(
                replace(word, start_seconds=begin, end_seconds=max(begin, word.end_seconds))
            )
            previous = begin
    if len(failed) == len(groups):
        raise UserError(f"{audio_path} holds no stretch whose words could be aligned")
    if failed:
        note(f"times by Whisper itself at {listed(failed, _LISTED)}")
    return found


def _with_confidence(words: Sequence[Word], heard: Sequence[Word]) -> list[Word]:
    return [
        replace(word, confidence=other.confidence) for word, other in zip(words, heard, strict=True)
    ]


def _change_seconds(before: Sequence[Word], after: Sequence[Word]) -> float:
    ends = [(a.end_seconds, b.end_seconds) for a, b in zip(before, after, strict=True)]
    return float(np.median(np.abs(np.diff(ends, axis=1))))


def grouped(words: Sequence[Word], spans: Spans) -> list[tuple[list[Word], tuple[float, float]]]:
    """Divides words among stretches of a recording between pauses, each of 10 to 60 s.

    Args:
        words: In order, with rough times.
        spans: Where somebody speaks; a word belongs to that in which it ends.
    """
    by_span: list[list[Word]] = [[] for _ in spans]
    number = 0
    for word in words:
        sure = word.end_seconds - _SURE_SECONDS
        while number + 1 < len(spans) and sure >= spans[number + 1][0]:
            number += 1
        by_span[number].append(word)
    groups: list[tuple[list[Word], tuple[float, float]]] = []
    is_open = False
    for span, inside in zip(spans, by_span, strict=True):
        if not inside:
            is_open &= span[1] - span[0] < _WORDLESS_SECONDS
            continue
        if is_open and span[1] - groups[-1][1][0] <= _LARGEST_WINDOW_SECONDS:
            groups[-1] = ([*groups[-1][0], *inside], (groups[-1][1][0], span[1]))
        else:
            groups.append((inside, span))
        start, end = groups[-1][1]
        is_open = end - start < _LEAST_WINDOW_SECONDS
    return [part for group in groups for part in _divided(*group)]


def _divided(
    words: list[Word], span: tuple[float, float]
) -> list[tuple[list[Word], tuple[float, float]]]:
    """Cuts a stretch without pauses where its words are farthest apart."""
    start, end = span
    if end - start <= _LARGEST_WINDOW_SECONDS or len(words) < 2:
        return [(words, span)]
    quarter = (end - start) / 4
    inner = [
        number
        for number in range(1, len(words))
        if start + quarter <= words[number].start_seconds <= end - quarter
    ] or [len(words) // 2]
    cut = max(inner, key=lambda n: words[n].start_seconds - words[n - 1].end_seconds)
    edge = (words[cut - 1].end_seconds + words[cut].start_seconds) / 2
    edge = min(max(edge, start), end)
    return [*_divided(words[:cut], (start, edge)), *_divided(words[cut:], (edge, end))]

"""The messages in which text-to-speech and transcription services send words with times.

They are told and read by the forms of `data_prep.words.forms`, which read whole files of them:
ElevenLabs (characters, of which a word may go on in the next message), Azure's word boundaries,
Amazon Polly's speech marks, Cartesia, Deepgram, Google, Whisper's segments, and any list of
{word, start, end}.
"""

import contextlib
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from data_prep.arriving.spoken import MOST_AHEAD_SECONDS, written
from data_prep.words.forms import elevenlabs
from data_prep.words.forms.document import Document
from data_prep.words.forms.entry import Entry, Reading
from data_prep.words.forms.pieces import joined
from data_prep.words.forms.plain_json import word_entry
from data_prep.words.forms.table import JSON_FORMS, form_of
from data_prep.words.labels import SILENCE_LABELS, UNKNOWN_LABELS
from data_prep.words.missing_times import Label, shares, with_ends, with_times
from data_prep.words.units import choose_unit
from data_prep.words.word import UNKNOWN, Word
from llavataros_jax.errors import UserError

_NAME = Path("the message of a service")
_MOST_DEPTH, _MOST_LOOKED_AT = 3, 64  # of objects around what has the words
_SAME_SECONDS = 0.01
_LATEST = 1e9  # seconds; a stream has no end that is known


class ServiceWords:
    """Reads the messages of one utterance, one after the other.

    Attributes:
        known_until_seconds: Up to here all words are known: the end of the last one, or the start
            of one that came without an end.
    """

    def __init__(self):
        """Begins an utterance."""
        self.known_until_seconds = 0.0
        self._open: list[Entry] = []  # characters of a word that may go on
        self._characters_end = 0.0

    def read(
        self, message: str | dict[str, Any] | list[Any], offset_seconds: float = 0.0
    ) -> list[Word]:
        """Returns the words that a message completes, in seconds of the utterance.

        A message that has none, such as one of sound, gives none.

        Args:
            message: JSON as it came, parsed or not; text may hold several values, as speech marks.
            offset_seconds: What is added to its times, for services that count from the beginning
                of each piece of sound. Where characters begin before those of the message before
                end, the service does, and what it is is found without being given.

        Raises:
            UserError: When it is no JSON, of no form that is known, or has words without times.
        """
        if not math.isfinite(offset_seconds):
            raise UserError(f"the offset of a message is {offset_seconds} s; give seconds")
        document = _document(message)
        if elevenlabs.is_elevenlabs(document):
            characters = elevenlabs.read_characters(document)
            return self._characters(self._in_order(_in_seconds(characters, offset_seconds)))
        reading = _reading(document)
        return [] if reading is None else self._words(_in_seconds(reading, offset_seconds))

    def finish(self) -> list[Word]:
        """Returns the word that the last message left open, if there is one."""
        characters, self._open = self._open, []
        return self._words(joined(characters))

    def _in_order(self, characters: Sequence[Entry]) -> list[Entry]:
        """Moves characters that count from their piece of sound behind those of the one before."""
        found = list(characters)
        start = next((one.start for one in found if one.start is not None), None)
        if start is not None and start < self._characters_end - _SAME_SECONDS:
            found = [_moved(one, 1, self._characters_end) for one in found]
        ends = [one.end for one in found if one.end is not None]
        self._characters_end = max([self._characters_end, *ends])
        return found

    def _characters(self, characters: Sequence[Entry]) -> list[Word]:
        """Joins characters to words, of which the last one stays open unless a space ends it."""
        found = [*self._open, *characters]
        stop = len(found)
        while stop and not found[stop - 1].text[-1:].isspace():
            stop -= 1
        self._open = found[stop:]
        return self._words(joined(found[:stop]))

    def _words(self, entries: Sequence[Entry]) -> list[Word]:
        labels = [label for entry in entries if (label := _label(entry))]
        if not labels:
            return []
        if all(label.start is None for label in labels):
            raise UserError(
                f"{_NAME} has {len(labels)} words and no time of any; ask the service for times, "
                "or send them as text"
            )
        labels = sorted(labels, key=lambda label: -1.0 if label.start is None else label.start)
        last = labels[-1]
        known = last.start if last.end is None else last.end
        self.known_until_seconds = max(self.known_until_seconds, known or 0.0)
        placed = with_times(with_ends(labels, _LATEST), _LATEST)
        return [word for label in placed for word in _of_label(label)]


def words_of_message(
    message: str | dict[str, Any] | list[Any], offset_seconds: float = 0.0
) -> list[Word]:
    """Returns the words of a message that stands alone, in seconds of the utterance.

    Raises:
        UserError: As `ServiceWords.read` does.
    """
    service = ServiceWords()
    return [*service.read(message, offset_seconds), *service.finish()]


def _document(message: str | dict[str, Any] | list[Any]) -> Document:
    try:
        text = message if isinstance(message, str) else json.dumps(message)
    except (TypeError, ValueError, RecursionError) as problem:
        raise UserError(f"{_NAME} is nothing that JSON can hold; send it as it came") from problem
    document = Document(_NAME, text)
    if document.tree is None:
        raise UserError(f"{_NAME} is no JSON; send it as it came")
    return document


def _reading(document: Document) -> Reading | None:
    """Reads the words of a message or of what it wraps; None when it is about something else."""
    form = form_of(document)
    if form in JSON_FORMS:
        return form.read(document)
    for tree in _wrapped(document.tree, _MOST_DEPTH):
        inner = Document(_NAME, json.dumps(tree))
        form = form_of(inner)
        if form in JSON_FORMS:
            with contextlib.suppress(UserError):  # any list may be one of words, and need not be
                reading = form.read(inner)
                if any(entry.start is not None for entry in reading.entries):
                    return reading
    tree = document.tree
    if isinstance(tree, dict) and ("type" in tree or not any(map(_is_nested, tree.values()))):
        return None
    names = ", ".join(form.name for form in JSON_FORMS)
    raise UserError(
        f"{_NAME} is of no form that is known; known are {names}, and {{word, start, end}}"
    )


def _wrapped(tree: Any, depth: int) -> list[Any]:
    """Returns the objects and lists in a value, the outer ones first; a single word as a list."""
    found, layer = [], [tree]
    for _ in range(depth):
        layer = [
            value
            for outer in layer
            if isinstance(outer, dict)
            for value in outer.values()
            if _is_nested(value)
        ]
        found += layer
    words = [value for value in [tree, *found] if isinstance(value, dict) and _is_word(value)]
    return [*found, *([word] for word in words)][:_MOST_LOOKED_AT]


def _is_word(value: dict[str, Any]) -> bool:
    found = word_entry(value)
    return bool(found.text) and found.start is not None


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict | list) and bool(value)


def _in_seconds(reading: Reading, offset_seconds: float) -> list[Entry]:
    per_second = choose_unit(reading, MOST_AHEAD_SECONDS).per_second
    return [_moved(entry, per_second, offset_seconds) for entry in reading.entries]


def _moved(entry: Entry, per_second: int, offset_seconds: float) -> Entry:
    scale = 1 if entry.in_seconds else per_second
    start, end = (
        None if time is None else time / scale + offset_seconds for time in (entry.start, entry.end)
    )
    return replace(entry, start=start, end=end)


def _label(entry: Entry) -> Label | None:
    text = " ".join(written(entry.text).split())
    if text.lower() in SILENCE_LABELS:
        return None
    end = None if entry.start is None else entry.end
    return Label(text, entry.start, end, entry.confidence, entry.is_cue)


def _of_label(label: Label) -> list[Word]:
    assert label.start is not None
    assert label.end is not None
    if label.text.lower() in UNKNOWN_LABELS:
        return [Word(UNKNOWN, label.start, label.end, label.confidence)]
    tokens = label.text.split()
    spans = (
        shares(tokens, label.start, label.end) if len(tokens) > 1 else [(label.start, label.end)]
    )
    return [Word(token, *span, label.confidence) for token, span in zip(tokens, spans, strict=True)]

"""Deepgram's JSON, of recordings and of live speech."""

from typing import Any

from data_prep.words.forms.document import Document, at, either, records
from data_prep.words.forms.entry import SECONDS_FIRST, Entry, Reading, entry


def is_deepgram(document: Document) -> bool:
    """Tells `results.channels`, and live messages with one `channel`."""
    if records(at(document.tree, "results", "channels")):
        return True
    return any(isinstance(at(part, "channel", "alternatives"), list) for part in _live(document))


def read_deepgram(document: Document) -> Reading:
    """Reads the words of the best alternative; several channels are put in order of time."""
    channels = records(at(document.tree, "results", "channels"))
    if not channels:
        # Of live speech, each message repeats what is not final yet.
        final = [part for part in _live(document) if part.get("is_final", True)]
        channels = [part["channel"] for part in final if isinstance(part.get("channel"), dict)]
    spoken = [_words(channel) for channel in channels]
    entries = [word for words in spoken for word in words]
    return Reading(entries, SECONDS_FIRST, may_run_back=sum(map(bool, spoken)) > 1)


def _live(document: Document) -> list[dict[str, Any]]:
    return records(document.tree) or records([document.tree])


def _words(channel: dict[str, Any]) -> list[Entry]:
    return [
        entry(
            either(word, "punctuated_word", "word"),
            word.get("start"),
            word.get("end"),
            confidence=word.get("confidence"),
        )
        for word in records(at(channel, "alternatives", 0, "words"))
    ]

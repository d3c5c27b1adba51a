"""Whisper's JSON, and that of those who follow it: WhisperX, faster-whisper, stable-ts, podcasts.

Segments hold words with times; where they do not, a segment is a cue.
"""

from data_prep.words.forms.document import Document, at, either, records, shown
from data_prep.words.forms.entry import SECONDS_FIRST, Entry, Reading
from data_prep.words.forms.plain_json import word_entry
from llavataros_jax.errors import UserError


def has_segments(document: Document) -> bool:
    """Tells an object with a list of segments, and without a list of all words beside it."""
    tree = document.tree
    if isinstance(at(tree, "segments"), list):
        return not isinstance(at(tree, "words"), list) or not at(tree, "words")
    return _are_segments(tree)


def read_segments(document: Document) -> Reading:
    """Reads the words of segments; a segment whose words have no times is a cue.

    Raises:
        UserError: When a segment has neither words nor a text.
    """
    tree = document.tree
    segments = tree if isinstance(tree, list) else at(tree, "segments")
    entries: list[Entry] = []
    for place, segment in enumerate(segments, 1):
        text = either(segment, "text", "body", "transcript")
        words = [word_entry(word) for word in records(at(segment, "words"))]
        if any(word.start is not None for word in words):
            entries += words
        elif isinstance(text, str):
            entries.append(word_entry({**segment, "text": text, "word": None}, is_cue=True))
        elif words or at(segment, "words") == []:
            entries += words
        else:
            raise UserError(
                f"{document.path}: segment {place} is {shown(segment)}, which has neither words "
                "nor a text; export it again"
            )
    word_segments = [word_entry(word) for word in records(at(tree, "word_segments"))]
    if not entries and word_segments:
        entries = word_segments
    return Reading(entries, SECONDS_FIRST, may_run_back=True)


def _are_segments(tree: object) -> bool:
    """Tells a bare list of segments, each with a list of words."""
    return bool(records(tree)) and all(
        isinstance(at(segment, "words"), list) for segment in records(tree)
    )

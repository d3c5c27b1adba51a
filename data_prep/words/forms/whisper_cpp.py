"""The JSON of whisper.cpp: pieces or phrases with offsets in milliseconds."""

from data_prep.words.forms.document import Document, at, records
from data_prep.words.forms.entry import (
    MILLISECONDS,
    Entry,
    Reading,
    as_cues_if_phrases,
    entry,
)
from data_prep.words.forms.pieces import joined


def is_whisper_cpp(document: Document) -> bool:
    """Tells an object whose `transcription` is a list of texts with `offsets` or `timestamps`."""
    found = records(at(document.tree, "transcription"))
    return bool(found) and any("offsets" in part or "timestamps" in part for part in found)


def read_whisper_cpp(document: Document) -> Reading:
    """Reads tokens where there are some (`-ojf`), else what is transcribed (`-oj`, `-ml 1`)."""
    pieces: list[Entry] = []
    for part in records(at(document.tree, "transcription")):
        tokens = [token for token in records(part.get("tokens")) if not _is_special(token)]
        pieces += [_piece(piece) for piece in (tokens or [part])]
    return Reading(as_cues_if_phrases(joined(pieces)), (MILLISECONDS,), may_run_back=True)


def _is_special(token: dict[str, object]) -> bool:
    return str(token.get("text", "")).strip().startswith("[_")


def _piece(part: dict[str, object]) -> Entry:
    text = part.get("text")
    if "offsets" in part:
        return entry(text, at(part, "offsets", "from"), at(part, "offsets", "to"))
    return entry(text, at(part, "timestamps", "from"), at(part, "timestamps", "to"))

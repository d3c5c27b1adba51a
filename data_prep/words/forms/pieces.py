"""Words put together of pieces with times: characters, syllables, tokens."""

from collections.abc import Iterable
from dataclasses import replace

from data_prep.words.forms.entry import Entry


def joined(pieces: Iterable[Entry]) -> list[Entry]:
    """Joins pieces up to the white space before, in or after them."""
    words: list[Entry] = []
    is_open = False
    for piece in pieces:
        if is_open and not piece.text[:1].isspace():
            last = words[-1]
            end = last.end if piece.end is None else piece.end
            words[-1] = replace(last, text=last.text + piece.text.rstrip(), end=end)
        elif piece.text.strip():
            words.append(replace(piece, text=piece.text.strip()))
        is_open = bool(piece.text) and not piece.text[-1].isspace()
    return words

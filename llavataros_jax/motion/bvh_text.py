"""The text of BVH files, which say nowhere how the letters of their names are encoded."""

import codecs
import re
import unicodedata

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]+")
# One or two letters of Latin-1 beyond ASCII.
_WESTERN_LETTERS = re.compile(rb"[\xc0-\xd6\xd8-\xf6\xf8-\xff]{1,2}")
_SHOWN_LETTERS = 40


def as_bytes_of_ascii(content: bytes) -> bytes:
    """Returns the file with one byte for each ASCII letter, also if it was saved as UTF-16."""
    if not content.startswith(_UTF_16):
        return content
    return content.decode("utf-16", errors="replace").encode()


def decode_names(header: bytes) -> str:
    """Decodes text as UTF-8 or else as whichever encoding its letters are plausible in.

    Programs of Windows write the encoding of their country. Western letters stand alone or in pairs
    beside ASCII ones; Japanese ones (cp932) come in words. Whatever else it is, as Latin-1 no
    letter is lost and two names never become one.
    """
    try:
        return header.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    if not _is_western(header):
        try:
            text = header.decode("cp932")
        except UnicodeDecodeError:
            pass
        else:
            if all(unicodedata.category(letter) != "Co" for letter in text):
                return text
    try:
        return header.decode("cp1252")
    except UnicodeDecodeError:
        return header.decode("latin-1")


def shown(word: str | bytes) -> str:
    """Returns a word of a file in quotes for a message, which it must not flood."""
    text = word.decode("latin-1") if isinstance(word, bytes) else word
    return repr(text if len(text) <= _SHOWN_LETTERS else text[: _SHOWN_LETTERS - 3] + "...")


def _is_western(header: bytes) -> bool:
    """Says whether all that is not ASCII are letters of Latin-1, few and beside ASCII letters."""
    for run in _BEYOND_ASCII.finditer(header):
        neighbours = header[max(run.start() - 1, 0) : run.start()] + header[run.end() :][:1]
        if not _WESTERN_LETTERS.fullmatch(run[0]) or not re.search(rb"[A-Za-z]", neighbours):
            return False
    return True

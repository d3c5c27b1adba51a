"""The text of a file, in the encodings that programs write."""

import codecs
from pathlib import Path

from llavataros_jax.errors import UserError

_UTF16 = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def read_text(path: Path, *, otherwise: str | None = None) -> str:
    """Reads UTF-8 with or without its mark, or UTF-16; lines end with a line feed.

    Args:
        path: The file.
        otherwise: Encoding of files that are neither, for formats that have one.

    Raises:
        UserError: When the file cannot be read or is no text in these encodings.
    """
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise UserError(f"{path} cannot be read ({problem.strerror}); check the file") from problem
    encoding = next((name for mark, name in _UTF16 if content.startswith(mark)), None)
    if encoding is None and content[:2].count(0) == 1:  # every other byte of Latin letters
        encoding = "utf-16-be" if content[0] == 0 else "utf-16-le"
    try:
        text = content.decode(encoding or "utf-8-sig")
    except UnicodeDecodeError as problem:
        if otherwise is None or encoding is not None:
            raise UserError(f"{path} is not UTF-8 text; save it as UTF-8") from problem
        text = content.decode(otherwise)
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")

"""Containers of plain samples: how many bytes of samples they announce, and how many they hold.

libsndfile reads what is left of a file that was cut, and nothing of one whose header was never
completed, without a word about either.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from llavataros_jax.errors import UserError

_RIFF = {b"RIFF": "<I", b"RIFX": ">I", b"RF64": "<I", b"BW64": "<I"}
_W64_RIFF, _W64_DATA = b"riff.\x91\xcf\x11\xa5\xd6(\xdb\x04\xc1\0\0", b"data\xf3\xac\xd3\x11"
_LEAST_ROUND = 10**8  # bytes; whoever announces a round number above it made it up
_OF_HEADERS = (0, 1, 8, 36, 44, 46, 68, 78)  # bytes that placeholders are short of a round number
_LEAST_REST = 4096  # bytes behind the samples that are worth a look


@dataclass(frozen=True)
class Extent:
    """Where the samples of a file lie.

    Attributes:
        begin: Byte of the first sample.
        announced: Bytes of samples by the header; None when it says that it does not know.
        held: Bytes from the first sample to the file's end.
        goes_on: Whether there are samples behind those that the header announces.
    """

    begin: int
    announced: int | None
    held: int
    goes_on: bool = False


def sample_extent(path: Path) -> Extent | None:
    """Finds the samples of WAV, RF64, Wave64, AIFF, AU and CAF; None for everything else.

    Raises:
        UserError: When the file ends before its samples begin.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(64)
        if head[:4] in _RIFF and head[8:12] == b"WAVE":
            extent = _of_chunks(file, size, 12, _RIFF[head[:4]], b"data", pad=2)
            if extent and head[:4] in (b"RF64", b"BW64") and head[12:16] == b"ds64":
                announced = struct.unpack("<Q", head[28:36])[0]
                extent = _with_rest(file, Extent(extent.begin, announced, extent.held))
        elif head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
            extent = _of_chunks(file, size, 12, ">I", b"SSND", pad=2, before=8)
        elif head[:4] == b"caff":
            extent = _of_chunks(file, size, 8, ">q", b"data", pad=1, before=4)
        elif head[:16] == _W64_RIFF:
            extent = _of_wave64(file, size)
        elif head[:4] == b".snd" and len(head) >= 12:
            begin, announced = struct.unpack(">II", head[4:12])
            unknown = announced == 0xFFFFFFFF
            extent = Extent(begin, None if unknown else announced, max(0, size - begin))
        else:
            return None
    if extent is None:
        raise UserError(
            f"audio {path} is truncated: its {size} bytes hold no samples; copy it again"
        )
    return extent


def is_placeholder(announced: int) -> bool:
    """Tells whether a number of bytes is one that writers put who do not know the length.

    Those are the largest that some integer holds, less a header or a page, and round numbers.
    """
    if announced >= 1 << 62:
        return True
    if any(0 <= largest - announced <= 0x10000 for largest in (1 << 31, 1 << 32)):
        return True
    is_round = announced % 10**6 == 0 or any((announced + n) % 0x1000 == 0 for n in _OF_HEADERS)
    return announced >= _LEAST_ROUND and is_round


def _of_chunks(
    file: BinaryIO, size: int, position: int, form: str, wanted: bytes, *, pad: int, before: int = 0
) -> Extent | None:
    """Walks chunks of a name of four letters and a length to the one with samples.

    In it, `before` bytes come before the first sample.
    """
    head_size = 4 + struct.calcsize(form)
    while position + head_size <= size:
        file.seek(position)
        head = file.read(head_size)
        length = struct.unpack(form, head[4:])[0]
        position += head_size
        if head[:4] == wanted:
            begin = position + before
            if length < 0:
                return Extent(begin, None, size - begin)
            return _with_rest(file, Extent(begin, max(0, length - before), size - begin))
        if length < 0:
            return None
        position += length + length % pad
    return None


def _of_wave64(file: BinaryIO, size: int) -> Extent | None:
    position = 40
    while position + 24 <= size:
        file.seek(position)
        name, length = struct.unpack("<16sQ", file.read(24))
        if name.startswith(_W64_DATA):
            return Extent(position + 24, max(0, length - 24), size - position - 24)
        if length < 24:
            return None
        position += length + -length % 8
    return None


def _with_rest(file: BinaryIO, extent: Extent) -> Extent:
    """Finds out whether samples go on behind what is announced: chunks or padding may follow."""
    announced = extent.announced or 0
    begin = extent.begin + announced + announced % 2
    rest = extent.begin + extent.held - begin
    if rest <= (0 if not announced else _LEAST_REST):
        return extent
    file.seek(begin)
    start = file.read(_LEAST_REST)
    if start[:4].isalnum() or start[:3] in (b"TAG", b"ID3") or start[:4] == b"LIST":
        return extent
    if announced and not any(start):
        return extent
    return Extent(extent.begin, extent.announced, extent.held, goes_on=True)

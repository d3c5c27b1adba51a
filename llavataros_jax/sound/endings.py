"""Containers of compressed sound: whether their last page, frame or box is there to its end.

ffmpeg plays what is left of a file that was cut, mostly without a word. A file is cut when one of
its own lengths points behind its end. Where the lengths are only those of small pieces, as a
recorder writes them that was switched off, the rest is whole and a note is enough.
"""

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from llavataros_jax.errors import UserError

_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp")
_OGG_TAIL = 1 << 17  # bytes; a page has at most 65 307
_SYNC = re.compile(rb"\xff[\xe2-\xff]")
_XING_PLACES = {(True, False): 32, (True, True): 17, (False, False): 17, (False, True): 9}
_ADTS_WINDOW = 1 << 20


def check_ending(path: Path) -> str | None:
    """Looks at the end of MP4, Matroska, Ogg, MP3 and AAC; returns a note, if there is one to make.

    Raises:
        UserError: When the file is cut.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(64)
        if head[4:8] in _BOXES:
            return _check_boxes(path, file, size)
        if head[:4] == b"\x1a\x45\xdf\xa3":
            return _check_matroska(path, file, size)
        if head[:4] == b"OggS":
            return _check_ogg(path, file, size)
        begin = 0
        if head[:3] == b"ID3" and len(head) >= 10:
            begin = 10 + sum(
                (byte & 0x7F) << shift
                for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)
            )
        file.seek(begin)
        frame = file.read(64)
        if len(frame) > 4 and frame[0] == 0xFF and frame[1] & 0xF6 == 0xF0:
            return _check_adts(file, size, begin)
        if len(frame) > 4 and _SYNC.match(frame):
            return _check_mp3(path, frame, size - begin)
    return None


def _cut(path: Path, announced: int, held: int, *, of: str = "bytes") -> UserError:
    return UserError(
        f"audio {path} is truncated: it announces {announced} {of} but holds {held}; copy it again"
    )


def has_edit_list(path: Path) -> bool:
    """Tells whether an MP4 says in its index which of its samples are delay of the encoder."""
    with path.open("rb") as file:
        for name, begin, end in _boxes(file, path.stat().st_size):
            if name == b"moov":
                file.seek(begin)
                index = file.read(end - begin)
                return b"elst" in index or b"iTunSMPB" in index
    return False


def _boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Yields name, begin and end of the boxes of an MP4; the last one may end behind the file."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        length, name = struct.unpack(">I4s", file.read(8))
        if length == 1:
            length = struct.unpack(">Q", file.read(8).rjust(8, b"\0"))[0]
        length = length or size - position
        if length < 8 or not name.isascii():
            return  # something else begins here
        yield name, position, position + length
        position += length


def _check_boxes(path: Path, file: BinaryIO, size: int) -> str | None:
    boxes = list(_boxes(file, size))
    seen, end = {name for name, _, _ in boxes}, boxes[-1][2] if boxes else 0
    if b"moov" not in seen:
        raise UserError(
            f"{path} has no index (moov), which is written last, so its recording or a copy of it "
            "was broken off; copy it again, or mend it with the program that recorded it"
        )
    if end <= size or not {b"mdat", b"moof"} & seen:
        return None
    if b"moof" in seen:
        return "its last part is incomplete, as when a recorder was switched off; the rest is read"
    raise _cut(path, end, size)


def _check_matroska(path: Path, file: BinaryIO, size: int) -> str | None:
    file.seek(4)
    length, unknown = _variable_integer(file)
    if unknown:
        return None
    file.seek(length, 1)
    if file.read(4) != b"\x18\x53\x80\x67":
        return None
    length, unknown = _variable_integer(file)
    if not unknown and (end := file.tell() + length) > size:
        raise _cut(path, end, size)
    return None


def _variable_integer(file: BinaryIO) -> tuple[int, bool]:
    """Reads a length of EBML, and whether it is that of something whose length is not known."""
    first = file.read(1)
    if not first or not first[0]:
        return 0, True
    more = 8 - first[0].bit_length()
    value = int.from_bytes(bytes([first[0] & (0x7F >> more)]) + file.read(more), "big")
    return value, value == (1 << 7 * (more + 1)) - 1


def _check_ogg(path: Path, file: BinaryIO, size: int) -> str | None:
    at, page = _last_page(file, size)
    lengths = page[27 : 27 + (page[26] if len(page) > 26 else 0)]
    if len(page) < 27 or len(lengths) < page[26] or 27 + len(lengths) + sum(lengths) > len(page):
        raise UserError(
            f"audio {path} is cut off: its last page begins at byte {at} and ends behind the "
            f"file's {size} bytes; copy it again"
        )
    return None


def is_chained(path: Path) -> bool:
    """Tells whether an Ogg ends with another stream than it begins, of which libsndfile reads one.

    That is a film, or one recording behind another.
    """
    with path.open("rb") as file:
        first = file.read(18)
        _, last = _last_page(file, path.stat().st_size)
    return first[14:18] != last[14:18]


def _last_page(file: BinaryIO, size: int) -> tuple[int, bytes]:
    """Returns where the last page of an Ogg begins, and all from there."""
    begin = max(0, size - _OGG_TAIL)
    file.seek(begin)
    tail = file.read()
    at = max(0, tail.rfind(b"OggS"))
    return begin + at, tail[at:]


def _check_mp3(path: Path, frame: bytes, held: int) -> str | None:
    """Compares the size that the frame `Xing` announces; without one, no length is known."""
    is_mpeg1, is_mono = bool(frame[1] & 0x08), frame[3] >> 6 == 3
    at = 4 + _XING_PLACES[is_mpeg1, is_mono]
    flags = int.from_bytes(frame[at + 4 : at + 8], "big")
    if frame[at : at + 4] not in (b"Xing", b"Info") or not flags & 2:
        return None
    at += 8 + (4 if flags & 1 else 0)
    announced = int.from_bytes(frame[at : at + 4], "big")
    if announced > held:
        raise _cut(path, announced, held, of="bytes of sound")
    return None


def _check_adts(file: BinaryIO, size: int, position: int) -> str | None:
    """Walks the frames of an AAC stream, each of which has its length."""
    window, begin = b"", 0
    while position + 7 <= size:
        if position + 7 > begin + len(window):
            file.seek(position)
            window, begin = file.read(_ADTS_WINDOW), position
        at = position - begin
        if window[at] != 0xFF or window[at + 1] & 0xF6 != 0xF0:
            return None  # a tag, or damage that the decoder will tell
        length = (window[at + 3] & 3) << 11 | window[at + 4] << 3 | window[at + 5] >> 5
        if length < 7:
            return None
        position += length
    return None if position == size else "it ends within a frame, so its end may be missing"

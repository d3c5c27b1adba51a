"""The packets of an Ogg stream that arrives cut anywhere (RFC 3533)."""

import struct
from dataclasses import dataclass

from llavataros_jax.errors import UserError

_HEAD = struct.Struct("<4sBBqIIIB")
_CONTINUED, _FIRST, _LAST = 1, 2, 4
_LONGEST_PACKET = 1 << 16


@dataclass(frozen=True)
class Page:
    """A page of the stream.

    Attributes:
        packets: Those that end on it.
        position: Samples of 48 kHz up to its end, as the stream counts them; -1 if it says nothing.
        is_last: Whether the stream ends with it.
    """

    packets: tuple[bytes, ...]
    position: int
    is_last: bool


class OggPages:
    """Finds the pages of one logical stream; others between them, as of a film, are left out."""

    def __init__(self, first_packet: bytes):
        """Begins a stream, whose first packet begins so."""
        self._first_packet = first_packet
        self._waiting = self._begun = b""
        self._serial: int | None = None

    def read(self, data: bytes) -> list[Page]:
        """Takes the next bytes and returns the pages that are whole.

        Raises:
            UserError: When a page does not begin where it must, or a packet has no end.
        """
        self._waiting += data
        pages = []
        while len(self._waiting) >= _HEAD.size:
            name, _, kind, position, serial, _, _, count = _HEAD.unpack_from(self._waiting)
            if name != b"OggS":
                raise UserError(
                    "the Ogg stream is damaged: a page does not begin where the one before it "
                    "ends; send it whole, or packets of Opus by themselves"
                )
            lengths = self._waiting[_HEAD.size : _HEAD.size + count]
            begin = _HEAD.size + count
            end = begin + sum(lengths)
            if len(lengths) < count or len(self._waiting) < end:
                break
            body, self._waiting = self._waiting[begin:end], self._waiting[end:]
            if self._serial is None and body.startswith(self._first_packet):
                self._serial = serial
            if self._serial is None and not kind & _FIRST:
                raise UserError("the Ogg stream has no sound of Opus in it; send one that has")
            if serial == self._serial:
                packets = self._packets(body, lengths, is_continued=bool(kind & _CONTINUED))
                pages.append(Page(packets, position, bool(kind & _LAST)))
        return pages

    def _packets(self, body: bytes, lengths: bytes, *, is_continued: bool) -> tuple[bytes, ...]:
        """Cuts a page into packets; the last one may go on on the next page."""
        packet, place, found = self._begun if is_continued else b"", 0, []
        for length in lengths:
            packet += body[place : place + length]
            place += length
            if length < 255:
                found.append(packet)
                packet = b""
        if len(packet) > _LONGEST_PACKET:
            raise UserError(
                f"the Ogg stream has a packet of more than {_LONGEST_PACKET} bytes, which Opus has "
                "not; send sound that is coded by Opus"
            )
        self._begun = packet
        return tuple(found)

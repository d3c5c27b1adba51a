"""A receiver of Open Sound Control 1.0, written from its specification (opensoundcontrol.org).

It is strict: every text ends in one to four zeros up to a multiple of four bytes, and nothing is
left over. What sends never judges itself.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple


class Message(NamedTuple):
    address: str
    tags: str
    values: tuple


def messages(packet: bytes) -> Iterator[Message]:
    """Yields the messages of a packet, those of bundles in their order."""
    assert len(packet) % 4 == 0, "the size of a packet is a multiple of 4"
    if packet.startswith(b"#bundle\0"):
        place = 16  # after the time tag
        while place < len(packet):
            (size,) = struct.unpack_from(">i", packet, place)
            assert size > 0
            assert place + 4 + size <= len(packet)
            yield from messages(packet[place + 4 : place + 4 + size])
            place += 4 + size
        return
    address, place = _text(packet, 0)
    assert address.startswith("/")
    tags, place = _text(packet, place)
    assert tags.startswith(",")
    values: list = []
    for tag in tags[1:]:
        if tag == "s":
            value, place = _text(packet, place)
        else:
            (value,) = struct.unpack_from({"i": ">i", "f": ">f"}[tag], packet, place)
            place += 4
        values.append(value)
    assert place == len(packet), "nothing follows the last argument"
    yield Message(address, tags[1:], tuple(values))


def _text(packet: bytes, place: int) -> tuple[str, int]:
    end = packet.index(b"\0", place)
    after = end + 4 - end % 4
    assert packet[end:after] == bytes(after - end), "texts are padded with zeros"
    return packet[place:end].decode("ascii"), after

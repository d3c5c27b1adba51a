"""TFRecord files of `tf.train.Example` records, written and read without TensorFlow.

Only bytes features are used: an array is its raw little-endian bytes and its shape stands in the
manifest. A shard can therefore be mapped into memory and frames sliced without copying or decoding
(`scripts/benchmark.py records` compares it with float lists read by protobuf).

Framing of one record (tensorflow/core/lib/io/record_writer.h): length as uint64, masked CRC-32C of
these 8 bytes, the data, masked CRC-32C of the data.
"""

import mmap
import re
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np

from llavataros_jax.atomic import atomic_path
from llavataros_jax.errors import UserError

Record = Mapping[str, bytes | Sequence[bytes]]

_HEADER_BYTES = 12
_FOOTER_BYTES = 4
# protobuf, and with it every TensorFlow tool, refuses messages from 2 GiB on.
_LARGEST_RECORD_BYTES = 2**31 - 1
_LENGTH_DELIMITED = 2


def shard_name(name: str, split: str, index: int, count: int) -> str:
    """Returns the file name by which TFDS finds shard `index` of `count`.

    Raises:
        UserError: When `name` or `split` has characters that TFDS does not accept.
    """
    for word in (name, split):
        if not re.fullmatch(r"[a-z][a-z0-9_]*", word):
            raise UserError(
                f"records cannot be named {word!r}: TFDS accepts lower-case letters, digits and "
                "underscores, beginning with a letter; choose such a name"
            )
    return f"{name}-{split}.tfrecord-{index:05d}-of-{count:05d}"


def write_shard(path: Path | str, records: Iterable[Record]) -> list[int]:
    """Writes records to a TFRecord file atomically and returns the byte offset of each.

    Raises:
        UserError: When a record is 2 GiB or larger.
    """
    path = Path(path)
    offsets, position = [], 0
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        for record in records:
            chunks = encode_example(record)
            size = sum(map(len, chunks))
            if size > _LARGEST_RECORD_BYTES:
                raise UserError(
                    f"{path.name}: record {len(offsets)} has {size} bytes, but a TFRecord of "
                    f"examples holds at most {_LARGEST_RECORD_BYTES}; cut the clip in two"
                )
            crc = 0
            for chunk in chunks:
                crc = google_crc32c.extend(crc, chunk)
            length = struct.pack("<Q", size)
            header = length + struct.pack("<I", _mask(google_crc32c.value(length)))
            file.writelines([header, *chunks, struct.pack("<I", _mask(crc))])
            offsets.append(position)
            position += _HEADER_BYTES + size + _FOOTER_BYTES
    return offsets


class Shard:
    """A TFRecord file mapped into memory.

    It is opened at the first read and pickles without its map, so that it can be sent to other
    processes; reading is safe from several threads.
    """

    def __init__(self, path: Path | str) -> None:
        self.path, self.name = Path(path), str(path)
        self._map: mmap.mmap | None = None
        self._checked: set[int] = set()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_map": None, "_checked": set()}

    def size_of(self, offset: int) -> int | None:
        """Returns the bytes of the record at `offset` if it must be fetched, and else None."""
        return None

    def read(self, offset: int, *, verify: bool = True) -> dict[str, list[memoryview]]:
        """Returns the values of each feature of the record at `offset`, as views of the file.

        The checksum of the length is always checked, that of the data at the first touch;
        `verify=False` leaves out the latter, for a glance that should not read the whole record.

        Raises:
            UserError: When the file is missing, truncated or corrupt, or holds no such record.
        """
        data = self._data(offset)
        if verify and offset not in self._checked:
            (expected,) = struct.unpack_from("<I", self._buffer(), offset + 12 + len(data))
            # The C implementation takes read-only arrays but not memoryviews.
            found = _mask(google_crc32c.value(np.frombuffer(data, np.uint8)))  # type: ignore[arg-type]
            if found != expected:
                raise self._damage(offset, f"checksum {found:08x} instead of {expected:08x}")
            self._checked.add(offset)
        try:
            return parse_example(data)
        except (ValueError, IndexError) as problem:
            raise self._damage(offset, f"no example of bytes features ({problem})") from problem

    def offsets(self) -> Iterator[int]:
        """Yields the byte offset of each record in the order of the file."""
        offset = 0
        while offset < len(self._buffer()):
            yield offset
            offset += _HEADER_BYTES + len(self._data(offset)) + _FOOTER_BYTES

    def _data(self, offset: int) -> memoryview:
        buffer = self._buffer()
        if not 0 <= offset <= len(buffer) - _HEADER_BYTES:
            raise self._damage(offset, f"no record header, the file has {len(buffer)} bytes")
        length, expected = struct.unpack_from("<QI", buffer, offset)
        found = _mask(google_crc32c.value(buffer[offset : offset + 8]))
        if found != expected:
            raise self._damage(offset, f"length checksum {found:08x} instead of {expected:08x}")
        start = offset + _HEADER_BYTES
        if start + length + _FOOTER_BYTES > len(buffer):
            end = start + length + _FOOTER_BYTES
            raise self._damage(offset, f"the record ends at {end}, the file at {len(buffer)}")
        return memoryview(buffer)[start : start + length]

    def _buffer(self) -> mmap.mmap:
        # Two threads may both map the file; either map is right and the other one is collected.
        if self._map is None:
            try:
                with self.path.open("rb") as file:
                    self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except FileNotFoundError:
                raise UserError(
                    f"records {self.name} do not exist although the manifest names them; "
                    "prepare the data again"
                ) from None
            except ValueError:
                raise self._damage(0, "the file is empty") from None
        return self._map

    def _damage(self, offset: int, what: str) -> UserError:
        return UserError(
            f"records {self.name} are damaged at byte {offset}: {what}; prepare the data again"
        )


def encode_example(record: Record) -> list[bytes]:
    """Encodes a `tf.train.Example` of bytes features as chunks to be written one after another."""
    entries: list[bytes] = []
    for key in sorted(record):
        values = record[key]
        bytes_list: list[bytes] = []
        for value in [values] if isinstance(values, bytes) else values:
            bytes_list += _delimited(1, [value])
        feature = _delimited(1, bytes_list)
        entry = [*_delimited(1, [key.encode()]), *_delimited(2, feature)]
        entries += _delimited(1, entry)
    return _delimited(1, entries)


def parse_example(data: memoryview) -> dict[str, list[memoryview]]:
    """Parses a `tf.train.Example` of bytes features without copying.

    Raises:
        ValueError: When `data` is no such example.
        IndexError: When it ends within a number.
    """
    features = {}
    for message in _repeated(data):
        for entry in _repeated(message):
            parts = dict(_fields(entry))
            lists = _repeated(parts[2]) if 2 in parts else ()
            values = [value for bytes_list in lists for value in _repeated(bytes_list)]
            features[bytes(parts.get(1, b"")).decode()] = values
    return features


def _repeated(data: memoryview) -> Iterator[memoryview]:
    """Yields the values of field 1, the only field of all the messages here but the map's entry."""
    for number, field in _fields(data):
        if number != 1:
            raise ValueError(f"unexpected field {number}")
        yield field


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    position = 0
    while position < len(data):
        key, position = _read_varint(data, position)
        if key & 7 != _LENGTH_DELIMITED:
            raise ValueError(f"unexpected wire type {key & 7}")
        size, position = _read_varint(data, position)
        if position + size > len(data):
            raise ValueError("field longer than its message")
        yield key >> 3, data[position : position + size]
        position += size


def _delimited(number: int, chunks: list[bytes]) -> list[bytes]:
    key = _varint(number << 3 | _LENGTH_DELIMITED)
    return [key + _varint(sum(map(len, chunks))), *chunks]


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _read_varint(data: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError("number longer than 64 bits")


def _mask(crc: int) -> int:
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF

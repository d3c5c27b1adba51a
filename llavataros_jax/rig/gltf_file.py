"""glTF files of strangers, read so that they can be written again without losing a word.

pygltflib knows glTF 2.0 only and drops what it does not know, and empty lists. A character keeps
its materials, springs and licence in extensions, so its JSON stays a plain tree here.
Source: glTF 2.0 specification, sections 3.6 (buffers) and 4 (GLB).
"""

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llavataros_jax.atomic import atomic_path
from llavataros_jax.errors import UserError
from llavataros_jax.rig.gltf_links import linked_bytes

CHARACTER_SUFFIXES = (".glb", ".gltf", ".vrm")
_READ_SUFFIXES = (*CHARACTER_SUFFIXES, ".vrma")  # a VRM animation is a GLB without a character
LARGEST_BYTES = 1 << 30
_MAGIC, _JSON, _BIN = b"glTF", b"JSON", b"BIN\0"
_LARGEST_GLB = (1 << 32) - 1
_HEADER, _CHUNK = struct.Struct("<4sII"), struct.Struct("<I4s")


@dataclass(frozen=True, eq=False)
class GltfFile:
    """A file as it stands.

    Attributes:
        path: Where it was read.
        tree: Its JSON.
        buffers: The bytes of each of its buffers; None where a buffer has none of its own, as the
            fallback of meshopt's compression.
        more_chunks: Chunks of a GLB that follow its BIN, which the specification lets be.
    """

    path: Path
    tree: dict[str, Any]
    buffers: tuple[bytes | None, ...]
    more_chunks: tuple[tuple[bytes, bytes], ...] = ()


def read_gltf(path: Path | str) -> GltfFile:
    """Reads `.glb`, `.vrm` or `.gltf` with the files that it names.

    Raises:
        UserError: When it is no sound glTF 2.0, or names something that may not be read.
    """
    path = Path(path)
    content = _content(path)
    chunk: bytes | None = None
    more: tuple[tuple[bytes, bytes], ...] = ()
    if content[:4] == _MAGIC:
        text, chunk, more = _chunks(content, path)
    elif path.suffix.lower() == ".gltf" or content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        text = content
    else:
        raise UserError(
            f"{path} begins with {content[:4]!r} and is no glTF; export the character as .glb, "
            ".gltf or .vrm"
        )
    tree = _tree(text, path)
    entries = listed(tree, "buffers", path)
    buffers = tuple(_buffer(entry, number, chunk, path) for number, entry in enumerate(entries))
    return GltfFile(path, tree, buffers, more)


def write_glb(path: Path, file: GltfFile) -> None:
    """Writes a file as GLB, atomically; its first buffer becomes the BIN chunk.

    Raises:
        UserError: When it would be larger than a GLB can be.
    """
    try:
        text = json.dumps(file.tree, separators=(",", ":"), allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise UserError(
            f"{file.path} has NaN or infinity in its JSON, or nests it too deep, which no reader "
            "takes; export it again"
        ) from None
    chunks = [(_JSON, text + b" " * (-len(text) % 4))]
    if file.buffers and file.buffers[0] is not None and "uri" not in file.tree["buffers"][0]:
        chunks.append((_BIN, file.buffers[0] + bytes(-len(file.buffers[0]) % 4)))
    chunks += file.more_chunks
    size = _HEADER.size + sum(_CHUNK.size + len(data) for _, data in chunks)
    if size > _LARGEST_GLB:
        raise UserError(f"{path} would have {size} bytes, but a GLB has {_LARGEST_GLB} at most")
    with atomic_path(path) as temporary, temporary.open("wb") as out:
        out.write(_HEADER.pack(_MAGIC, 2, size))
        for kind, data in chunks:
            out.write(_CHUNK.pack(len(data), kind))
            out.write(data)


def listed(tree: dict[str, Any], name: str, path: Path) -> list[dict[str, Any]]:
    """Returns a list of objects of a glTF, which may be missing."""
    values = tree.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise UserError(f"{path}: its {name!r} is no list of objects; export it again")
    return values


def _content(path: Path) -> bytes:
    if path.suffix.lower() not in _READ_SUFFIXES:
        raise UserError(
            f"{path} is no character: that is a .glb, .gltf or .vrm; export it as one of these"
        )
    if not path.is_file():
        raise UserError(f"character {path} does not exist; check the path")
    if (size := path.stat().st_size) > LARGEST_BYTES:
        raise UserError(
            f"{path} has {size} bytes, more than the {LARGEST_BYTES} that a character may have; "
            "make its textures smaller"
        )
    return path.read_bytes()


def _chunks(
    content: bytes, path: Path
) -> tuple[bytes, bytes | None, tuple[tuple[bytes, bytes], ...]]:
    """Returns the JSON, the BIN if there is one, and what follows."""
    if len(content) < _HEADER.size:
        raise UserError(f"{path} ends after {len(content)} bytes; copy or export it again")
    _, version, size = _HEADER.unpack_from(content)
    if version != 2:
        raise UserError(f"{path} is glTF {version}; export it as glTF 2.0")
    if size > len(content):
        raise UserError(
            f"{path} promises {size} bytes but has {len(content)}: it is truncated; copy it again"
        )
    found, place = [], _HEADER.size
    while place + _CHUNK.size <= size:
        length, kind = _CHUNK.unpack_from(content, place)
        place += _CHUNK.size
        if place + length > size:
            raise UserError(
                f"{path} has a chunk of {length} bytes at byte {place}, which goes beyond its end; "
                "copy or export it again"
            )
        found.append((kind, content[place : place + length]))
        place += length
    if not found or found[0][0] != _JSON:
        raise UserError(f"{path} does not begin with a JSON chunk; export it again")
    has_bin = len(found) > 1 and found[1][0] == _BIN
    return found[0][1], found[1][1] if has_bin else None, tuple(found[1 + has_bin :])


def _tree(text: bytes, path: Path) -> dict[str, Any]:
    try:
        tree = json.loads(text.decode("utf-8-sig"))
    except RecursionError:
        raise UserError(
            f"{path} has JSON nested too deep to be a character; export it again"
        ) from None
    except ValueError as problem:
        raise UserError(f"{path} has broken JSON ({problem}); copy or export it again") from None
    if not isinstance(tree, dict) or not isinstance(tree.get("asset"), dict):
        raise UserError(f"{path} is JSON without an 'asset', so no glTF; export it again")
    version = tree["asset"].get("version")
    if not isinstance(version, str) or version.split(".")[0] != "2":
        raise UserError(f"{path} is glTF {version!r:.20}; export it as glTF 2.0")
    return tree


def _buffer(entry: dict[str, Any], number: int, chunk: bytes | None, path: Path) -> bytes | None:
    length: Any = entry.get("byteLength")
    what = f"buffer {number}"
    if not is_index(length, LARGEST_BYTES + 1):
        raise UserError(f"{path}: {what} has {length!r:.20} for its length; export it again")
    if "uri" in entry:
        data = linked_bytes(entry["uri"], what=what, path=path)
    elif number == 0 and chunk is not None:
        data = chunk
    else:
        return None
    if len(data) < length:
        raise UserError(
            f"{path}: {what} promises {length} bytes but has {len(data)}; copy or export it again"
        )
    return data[:length]


def is_index(value: Any, count: int) -> bool:
    """Says whether a value of JSON is a whole number from 0 to below `count`."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < count

"""Numbers and images added to a glTF file: nothing that it has moves or changes its number."""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from llavataros_jax.rig.gltf_file import GltfFile, listed
from llavataros_jax.rig.gltf_images import image_type

_FLOAT = 5126
_KINDS = {1: "SCALAR", 3: "VEC3", 4: "VEC4"}


class Additions:
    """A file that grows; the one that was read stays as it was.

    Attributes:
        tree: Its JSON; lists that are changed are copies.
    """

    def __init__(self, file: GltfFile) -> None:
        """Begins with all that a file and its buffers have."""
        self._file = file
        self.tree = dict(file.tree)
        self._buffers = [dict(entry) for entry in listed(file.tree, "buffers", file.path)]
        # Only the first may be the BIN of a GLB, and only when it has bytes of its own.
        self._grows = 0 if not file.buffers or file.buffers[0] is not None else len(file.buffers)
        if self._grows == len(self._buffers):
            self._buffers.append({"byteLength": 0})
        self._data = bytearray(file.buffers[0] or b"" if file.buffers and not self._grows else b"")
        for number, entry in enumerate(self._buffers):
            if number == self._grows:
                entry.pop("uri", None)
            elif "uri" in entry and not entry["uri"].startswith("data:"):
                entry["uri"] = _data_uri(file.buffers[number] or b"")

    def add_bytes(self, data: bytes) -> int:
        """Adds bytes and returns the number of their view."""
        self._data += bytes(-len(self._data) % 4)
        view = {"buffer": self._grows, "byteOffset": len(self._data), "byteLength": len(data)}
        self._data += data
        return self.append("bufferViews", view)

    def add_numbers(self, values: Float[np.ndarray, "N *D"], *, bounds: bool = False) -> int:
        """Adds numbers, or vectors of 3 or 4, as 32-bit floats; returns their accessor.

        Args:
            values: What is added.
            bounds: Say the least and the greatest, as the times of a sampler must.
        """
        block = np.ascontiguousarray(values, "<f4")
        accessor: dict[str, Any] = {
            "bufferView": self.add_bytes(block.tobytes()),
            "componentType": _FLOAT,
            "count": len(block),
            "type": _KINDS[block[0].size],
        }
        if bounds:
            rows = block.reshape(len(block), -1)
            accessor |= {"min": rows.min(axis=0).tolist(), "max": rows.max(axis=0).tolist()}
        return self.append("accessors", accessor)

    def append(self, name: str, entry: dict[str, Any]) -> int:
        """Adds an entry to one of the lists of the file and returns its number."""
        self.tree[name] = [*listed(self.tree, name, self._file.path), entry]
        return len(self.tree[name]) - 1

    def finish(self) -> GltfFile:
        """Returns the file with all that was added."""
        entry = self._buffers[self._grows]
        entry["byteLength"] = len(self._data)
        if self._grows:
            entry["uri"] = _data_uri(bytes(self._data))
        self.tree["buffers"] = self._buffers
        grown = [*self._file.buffers]
        grown[self._grows : self._grows + 1] = [bytes(self._data)]
        return GltfFile(self._file.path, self.tree, tuple(grown), self._file.more_chunks)

    def take_images(self, images: Mapping[int, bytes]) -> None:
        """Puts images that lie in files beside it into the file.

        Args:
            images: The bytes of each, by its number (`linked_images`).
        """
        entries = listed(self.tree, "images", self._file.path)
        taken = [dict(image) for image in entries]
        for number, data in images.items():
            del taken[number]["uri"]
            taken[number] |= {"mimeType": image_type(data), "bufferView": self.add_bytes(data)}
        if images:
            self.tree["images"] = taken


def _data_uri(data: bytes) -> str:
    return "data:application/octet-stream;base64," + base64.b64encode(data).decode()

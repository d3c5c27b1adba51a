"""A glTF file put together from arrays: one buffer, one view for each.

Source: glTF 2.0 specification, sections 3.6 (alignment, bounds) and 3.7 (types that skins take).
"""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from llavataros_jax.packages import PROJECT
from llavataros_jax.rig.gltf_file import GltfFile, write_glb

# What a view is for; views of animations and of inverse bind matrices say nothing.
VERTICES, INDICES = 34962, 34963
_COMPONENTS = {"uint8": 5121, "uint16": 5123, "uint32": 5125, "float32": 5126}
_TYPES = {(): "SCALAR", (3,): "VEC3", (4,): "VEC4", (4, 4): "MAT4"}


class GlbBuilder:
    """A file that grows.

    Attributes:
        tree: Its JSON; lists are made as they are needed.
    """

    def __init__(self) -> None:
        """Begins with an empty scene, which says what wrote it."""
        try:
            ours = f"LLAvatarOS-JAX {version(PROJECT)}"
        except PackageNotFoundError:
            ours = "LLAvatarOS-JAX"
        self.tree: dict[str, Any] = {"asset": {"version": "2.0", "generator": ours}}
        self._data = bytearray()

    def append(self, name: str, entry: dict[str, Any]) -> int:
        """Adds an entry to one of the lists of the file and returns its number."""
        self.tree.setdefault(name, []).append(entry)
        return len(self.tree[name]) - 1

    def add(
        self,
        values: Shaped[np.ndarray, "N *D"],
        kind: str = "float32",
        *,
        target: int | None = None,
        bounds: bool = False,
        normalised: bool = False,
    ) -> int:
        """Adds an array and returns the number of its accessor.

        Args:
            values: Numbers, vectors of 3 or 4, or matrices of 4 by 4 that act on columns.
            kind: How they are stored.
            target: `VERTICES` or `INDICES`, of which the view then belongs to a mesh.
            bounds: Say the least and the greatest, as places and times must.
            normalised: Whole numbers that mean shares of their greatest.
        """
        block = np.ascontiguousarray(values, np.dtype(kind).newbyteorder("<"))
        kept = np.ascontiguousarray(block.swapaxes(1, 2)) if block.ndim == 3 else block
        self._data += bytes(-len(self._data) % 4)
        view: dict[str, Any] = {"buffer": 0, "byteOffset": len(self._data)}
        view["byteLength"] = kept.nbytes
        if target is not None:
            view["target"] = target
        self._data += kept.tobytes()
        accessor: dict[str, Any] = {
            "bufferView": self.append("bufferViews", view),
            "componentType": _COMPONENTS[kind],
            "count": len(block),
            "type": _TYPES[block.shape[1:]],
        }
        if normalised:
            accessor["normalized"] = True
        if bounds:
            rows = block.reshape(len(block), -1)
            accessor |= {"min": rows.min(axis=0).tolist(), "max": rows.max(axis=0).tolist()}
        return self.append("accessors", accessor)

    def animate(
        self, name: str, tracks: list[tuple[int, str, np.ndarray]], fps: float
    ) -> dict[str, Any]:
        """Adds an animation, linear between frames at k / fps.

        Args:
            name: Of the animation.
            tracks: Node, `rotation` or `translation`, and values of every frame.
            fps: Frames per second.
        """
        times = self.add(np.arange(len(tracks[0][2])) / fps, bounds=True)
        samplers, channels = [], []
        for node, path, values in tracks:
            channels.append({"sampler": len(samplers), "target": {"node": node, "path": path}})
            samplers.append({"input": times, "output": self.add(values), "interpolation": "LINEAR"})
        animation = {"name": name, "channels": channels, "samplers": samplers}
        self.append("animations", animation)
        return animation

    def write(self, path: Path) -> None:
        """Writes the file as GLB, atomically."""
        self.tree["buffers"] = [{"byteLength": len(self._data)}]
        write_glb(path, GltfFile(path, self.tree, (bytes(self._data),)))

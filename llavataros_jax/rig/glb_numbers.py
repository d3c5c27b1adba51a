"""Numbers of glTF files of strangers: accessors, checked before they are read.

Source: glTF 2.0 specification, sections 3.6.2 (accessors) and 3.11 (shares told by whole numbers).
"""

import numpy as np
from jaxtyping import Float

from llavataros_jax.errors import UserError
from llavataros_jax.rig.gltf_file import GltfFile, is_index, listed

_KINDS = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_SIZES = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}
_MOST = 1 << 31


def numbers(file: GltfFile, index: object, size: int, what: str) -> Float[np.ndarray, "N D"]:
    """Reads an accessor.

    Args:
        file: The file.
        index: Its number, as the JSON has it.
        size: Numbers in each of its elements.
        what: What it is for, for the sentence.

    Raises:
        UserError: When it is missing, of another kind, beyond the file's end, or not finite.
    """
    accessors, views = (listed(file.tree, name, file.path) for name in ("accessors", "bufferViews"))
    problem = UserError(f"{file.path}: {what} cannot be read; export it again")
    if not (isinstance(index, int) and is_index(index, len(accessors))):
        raise problem
    accessor = accessors[index]
    code, shape, count = (accessor.get(name) for name in ("componentType", "type", "count"))
    kind = _KINDS.get(code) if isinstance(code, int) else None
    is_known = isinstance(shape, str) and _SIZES.get(shape) == size
    if kind is None or not is_known or not is_index(count, _MOST):
        raise problem
    if "sparse" in accessor or not is_index(accessor.get("bufferView"), len(views)):
        raise UserError(f"{file.path}: {what} is sparse, which is not read; export it plain")
    view = views[accessor["bufferView"]]
    data = file.buffers[view["buffer"]] if is_index(view.get("buffer"), len(file.buffers)) else None
    item = np.dtype(kind).itemsize * size
    start = (view.get("byteOffset", 0), accessor.get("byteOffset", 0), view.get("byteStride", item))
    if data is None or not all(is_index(value, _MOST) for value in start) or start[2] < item:
        raise problem
    begin, step = start[0] + start[1], start[2]
    if begin + step * max(int(count or 0) - 1, 0) + item > len(data):
        raise UserError(
            f"{file.path}: {what} goes beyond the file's end; it is truncated, so copy it again"
        )
    rows = np.ndarray((int(count or 0), size), kind, data, begin, (step, np.dtype(kind).itemsize))
    values = rows.astype(np.float64)
    if kind != "<f4":
        if accessor.get("normalized") is not True:
            raise problem
        values = np.maximum(values / np.iinfo(kind).max, -1.0)
    if not np.isfinite(values).all():
        raise UserError(f"{file.path}: {what} holds NaN or infinity; export it again")
    return values

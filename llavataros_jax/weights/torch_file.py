"""Tensors out of PyTorch's files without PyTorch, and without running what a pickle asks for.

Both kinds are read: the zip of PyTorch 1.6 and later, and the run of pickles before it. The
unpickler knows the few names that tensors are made of; any other name ends the reading, or stands
for an object that does nothing.
"""

import math
import pickle
import struct
import zipfile
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import ml_dtypes
import numpy as np

from llavataros_jax.errors import UserError

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_VERSION = 1001
_STORAGES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "BFloat16Storage": ml_dtypes.bfloat16,
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
# What a damaged file can end in: it may break anywhere.
_DAMAGE = (
    *(pickle.UnpicklingError, zipfile.BadZipFile, zlib.error, struct.error, ArithmeticError),
    *(LookupError, ValueError, TypeError, AttributeError, EOFError, MemoryError, RuntimeError),
    *(ImportError, OSError),
)


@dataclass(frozen=True)
class _Storage:
    """A run of numbers that lies elsewhere in the file."""

    key: str
    dtype: np.dtype
    first: int
    size: int


@dataclass(frozen=True)
class _Tensor:
    """A view of a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Foreign:
    """What a file asked for and did not get: takes all that a pickle may give it, and does nothing.

    Attributes:
        name: Module and name of what was asked for.
    """

    name = ""

    def __new__(cls, *_: Any, **__: Any) -> "Foreign":
        """Takes the place of a call."""
        return object.__new__(cls)

    def __setstate__(self, state: Any) -> None: ...

    def __setitem__(self, key: Any, value: Any) -> None: ...

    def append(self, item: Any) -> None:
        """Drops an item."""

    def extend(self, items: Any) -> None:
        """Drops items."""


def foreign_name(value: Any) -> str | None:
    """Returns what a file wanted to name or, with `(...)`, to call in place of a value."""
    if isinstance(value, Foreign):
        return f"{value.name}(...)"
    return value.name if isinstance(value, type) and issubclass(value, Foreign) else None


def read_torch(path: Path | str, *, foreign: bool = False) -> Any:
    """Reads what `torch.save` wrote: nested dictionaries, lists and numbers, tensors as arrays.

    Args:
        path: The file.
        foreign: Put a `Foreign` in the place of what is neither tensor nor plain value.

    Raises:
        UserError: When the file is damaged, no PyTorch file, or, unless `foreign`, holds anything
            but tensors and plain values.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            if zipfile.is_zipfile(file):
                content, buffers = _read_zip(file, foreign)
            else:
                content, buffers = _read_legacy(file, foreign)
        return _filled(content, buffers)
    except _DAMAGE as problem:
        raise UserError(
            f"{path} is not a PyTorch file, or damaged: it cannot be read as a PyTorch checkpoint "
            f"({type(problem).__name__}: {problem}); download or copy it again"
        ) from problem


def _read_zip(file: IO[bytes], foreign: bool) -> tuple[Any, dict[str, bytes]]:
    with zipfile.ZipFile(file) as archive:
        (inside,) = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        folder = inside.removesuffix("data.pkl")
        with archive.open(inside) as stream:
            reader = _TensorUnpickler(stream, foreign)
            content = reader.load()
        buffers = {key: archive.read(f"{folder}data/{key}") for key in reader.storages}
    return content, buffers


def _read_legacy(file: IO[bytes], foreign: bool) -> tuple[Any, dict[str, bytes]]:
    file.seek(0)
    if _TensorUnpickler(file).load() != _LEGACY_MAGIC:
        raise ValueError("it does not begin as PyTorch files do")
    if _TensorUnpickler(file).load() != _LEGACY_VERSION:
        raise ValueError("its format is of an unknown version")
    _TensorUnpickler(file).load()  # the sizes of the writer's integers
    reader = _TensorUnpickler(file, foreign)
    content = reader.load()
    buffers = {}
    for key in _TensorUnpickler(file).load():
        size = struct.unpack("<q", file.read(8))[0] * reader.storages[key].itemsize
        buffers[key] = file.read(size) if size > 0 else b""
    return content, buffers


class _TensorUnpickler(pickle.Unpickler):
    """Builds tensors and plain containers, and nothing else."""

    def __init__(self, file: IO[bytes] | zipfile.ZipExtFile, foreign: bool = False):
        super().__init__(file, encoding="utf-8")
        self.foreign = foreign
        self.storages: dict[str, np.dtype] = {}

    def find_class(self, module_name: str, global_name: str) -> Any:
        """Returns one of the few names a tensor is made of.

        Raises:
            pickle.UnpicklingError: For any other name, so that no code of the file's runs, unless a
                class that does nothing may stand for it.
        """
        if module_name in ("torch", "torch.storage") and global_name in _STORAGES:
            return np.dtype(_STORAGES[global_name])
        known = {
            "collections.OrderedDict": OrderedDict,
            "torch._utils._rebuild_tensor": _rebuild_tensor,
            "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
            "torch._utils._rebuild_parameter": _rebuild_parameter,
        }
        name = f"{module_name}.{global_name}"
        if name not in known and self.foreign:
            return type("Foreign", (Foreign,), {"name": f"{module_name} {global_name}"})
        if name not in known:
            raise pickle.UnpicklingError(f"it asks for {name}, which no tensor needs")
        return known[name]

    def persistent_load(self, pid: Any) -> _Storage:
        """Notes where a tensor's numbers lie; older files may view a part of a storage."""
        kind, dtype, key, _, size, *view = pid
        if kind != "storage" or not isinstance(dtype, np.dtype) or not isinstance(key, str):
            raise pickle.UnpicklingError("a tensor's storage is described wrongly")
        first = 0
        if view and view[0] is not None:
            _, first, size = view[0]
        self.storages[key] = dtype
        return _Storage(key, dtype, first, size)


def _rebuild_tensor(storage: Any, offset: int, shape: Any, strides: Any, *_: Any) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


def _rebuild_parameter(tensor: Any, *_: Any) -> Any:
    return tensor


def _filled(content: Any, buffers: dict[str, bytes]) -> Any:
    """Replaces the tensors in nested containers by arrays."""
    if isinstance(content, dict):
        return {key: _filled(value, buffers) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_filled(value, buffers) for value in content]
    return _array(content, buffers) if isinstance(content, _Tensor) else content


def _array(tensor: _Tensor, buffers: dict[str, bytes]) -> np.ndarray:
    storage, shape, strides = tensor.storage, tensor.shape, tensor.strides
    numbers = np.frombuffer(buffers[storage.key], storage.dtype)
    numbers = numbers[storage.first : storage.first + storage.size]
    if len(numbers) != storage.size or len(shape) != len(strides):
        raise ValueError(f"storage {storage.key} should hold {storage.size} numbers")
    if min((tensor.offset, storage.first, *shape, *strides)) < 0:
        raise ValueError("a tensor has a negative size")
    last = sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if math.prod(shape) and tensor.offset + last >= storage.size:
        raise ValueError("a tensor reaches beyond its storage")
    steps = [stride * numbers.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(numbers[tensor.offset :], shape, steps).copy()

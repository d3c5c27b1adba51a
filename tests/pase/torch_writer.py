"""Files as `torch.save` writes them, written without PyTorch."""

import io
import pickle
import struct
import sys
import types
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001
_NAMES = {"float32": "FloatStorage", "float16": "HalfStorage", "int64": "LongStorage"}


@contextmanager
def pretend_torch() -> Iterator[types.SimpleNamespace]:
    """Puts modules with PyTorch's names where pickle looks them up, and takes them away again."""
    before = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    kinds = {name: type(name, (), {"__module__": "torch"}) for name in _NAMES.values()}
    for name, kind in kinds.items():
        setattr(torch, name, kind)

    def _rebuild_tensor_v2(*_: Any) -> None: ...

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    sys.modules |= {"torch": torch, "torch._utils": utils}
    try:
        yield types.SimpleNamespace(kinds=kinds, rebuild=_rebuild_tensor_v2)
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


class Stored:
    """Stands for a storage inside a pickle."""

    def __init__(self, key: str, array: np.ndarray):
        self.key, self.array = key, array


def pickled(content: Any, *, is_legacy: bool) -> tuple[bytes, dict[str, np.ndarray]]:
    """Pickles nested dictionaries of arrays the way PyTorch pickles tensors."""
    storages: dict[str, np.ndarray] = {}
    with pretend_torch() as torch:

        class Pickler(pickle.Pickler):
            def persistent_id(self, obj: Any) -> Any:
                if not isinstance(obj, Stored):
                    return None
                kind = torch.kinds[_NAMES[obj.array.dtype.name]]
                description = ("storage", kind, obj.key, "cpu", obj.array.size)
                return (*description, None) if is_legacy else description

            def reducer_override(self, obj: Any) -> Any:
                if not isinstance(obj, np.ndarray):
                    return NotImplemented
                key = str(len(storages))
                storages[key] = obj
                strides = tuple(step // obj.itemsize for step in obj.strides)
                stored = Stored(key, obj)
                return torch.rebuild, (stored, 0, obj.shape, strides, False, OrderedDict())

        stream = io.BytesIO()
        Pickler(stream, protocol=2).dump(content)
    return stream.getvalue(), storages


def write_zip(path: Path, content: Any) -> None:
    """Writes the zip of PyTorch 1.6 and later."""
    pickle_bytes, storages = pickled(content, is_legacy=False)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle_bytes)
        for key, array in storages.items():
            archive.writestr(f"archive/data/{key}", array.tobytes())
        archive.writestr("archive/version", "3\n")


def write_legacy(path: Path, content: Any) -> None:
    """Writes the run of pickles before PyTorch 1.6."""
    pickle_bytes, storages = pickled(content, is_legacy=True)
    head = (MAGIC, VERSION, {"protocol_version": VERSION, "little_endian": True})
    with path.open("wb") as file:
        for value in head:
            pickle.dump(value, file, protocol=2)
        file.write(pickle_bytes)
        pickle.dump(list(storages), file, protocol=2)
        for array in storages.values():
            file.write(struct.pack("<q", array.size) + array.tobytes())


WRITERS: dict[str, Callable[[Path, Any], None]] = {"zip": write_zip, "legacy": write_legacy}

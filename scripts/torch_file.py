"""Reads the tensors of a PyTorch checkpoint without PyTorch, and without running its pickle.

A checkpoint is a zip file: a pickle of names beside the raw bytes of each storage. A pickle is a
program that may call anything; here its instructions are read as a list, and only those that build
containers, numbers, texts and tensors mean something. Any other call becomes `Unknown` and is never
made, so that a hostile file is as harmless as a text.
"""

import pickletools
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from llavataros_jax.errors import UserError

_TYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
    "BFloat16Storage": "<u2",
}
_PLAIN = "collections OrderedDict"
_TENSOR = ("torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_tensor")
_PARAMETER = "torch._utils _rebuild_parameter"
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_MARK = object()


class Unknown(NamedTuple):
    """What a pickle wanted to call or to name, and could not."""

    name: str


def read_torch_file(path: Path | str) -> dict[str, Any]:
    """Returns what `torch.save` wrote, with NumPy arrays for tensors.

    Raises:
        UserError: When it is no such file, is damaged, or uses what tensors do not need.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            (pickle,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
            folder = pickle.removesuffix("data.pkl")
            tree = _read_pickle(archive.read(pickle), archive, folder)
    except (zipfile.BadZipFile, ValueError, KeyError, IndexError, TypeError) as problem:
        raise UserError(
            f"{path} cannot be read as a PyTorch checkpoint ({str(problem)[:200]}); give a file "
            "of torch.save (PyTorch 1.6 or newer), or the same tensors as .npz"
        ) from problem
    if not isinstance(tree, dict):
        raise UserError(f"{path} holds no mapping of names to tensors, but a {type(tree).__name__}")
    return tree


def _read_pickle(program: bytes, archive: zipfile.ZipFile, folder: str) -> Any:
    stack: list[Any] = []
    memo: dict[int, Any] = {}

    def since_mark() -> list[Any]:
        start = max(i for i, item in enumerate(stack) if item is _MARK)
        items = stack[start + 1 :]
        del stack[start:]
        return items

    argument: Any
    for operation, argument, _ in pickletools.genops(program):
        name = operation.name
        if name in ("PROTO", "FRAME"):
            continue
        if name == "STOP":
            return stack.pop()
        if name == "MARK":
            stack.append(_MARK)
        elif name in ("EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE"):
            stack.append({"D": dict, "L": list, "T": tuple}[name[6]]())
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in ("BINPUT", "LONG_BINPUT", "MEMOIZE"):
            memo[len(memo) if argument is None else argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            count = int(name[-1])
            stack[-count:] = [tuple(stack[-count:])]
        elif name == "TUPLE":
            stack.append(tuple(since_mark()))
        elif name in ("SETITEM", "SETITEMS"):
            items = [stack.pop(), stack.pop()][::-1] if name == "SETITEM" else since_mark()
            if isinstance(stack[-1], dict):
                stack[-1].update(zip(items[::2], items[1::2], strict=True))
        elif name in ("APPEND", "APPENDS"):
            items = [stack.pop()] if name == "APPEND" else since_mark()
            if isinstance(stack[-1], list):
                stack[-1].extend(items)
        elif name == "GLOBAL":
            stack.append(Unknown(argument))
        elif name == "STACK_GLOBAL":
            attribute, module = stack.pop(), stack.pop()
            stack.append(Unknown(f"{module} {attribute}"))
        elif name == "BINPERSID":
            stack.append(_storage(stack.pop(), archive, folder))
        elif name in ("REDUCE", "NEWOBJ"):
            arguments, called = stack.pop(), stack.pop()
            stack.append(_called(called, arguments))
        elif name == "BUILD":
            stack.pop()  # attributes, such as the versions of modules
        elif argument is not None and isinstance(argument, int | float | str | bytes):
            stack.append(argument)
        else:
            raise ValueError(f"its pickle has the instruction {name}, which tensors do not need")
    raise ValueError("its pickle ends too early")


def _storage(identity: Any, archive: zipfile.ZipFile, folder: str) -> np.ndarray:
    _, kind, key, _, count = identity
    storage = kind.name.split(" ")[-1]
    if storage not in _TYPES:
        raise ValueError(f"it has a storage of the unknown type {kind.name}")
    values = np.frombuffer(archive.read(f"{folder}data/{key}"), _TYPES[storage], count)
    if storage == "BFloat16Storage":
        return (values.astype(np.uint32) << 16).view(np.float32)
    return values


def _called(function: Any, arguments: tuple[Any, ...]) -> Any:
    name = function.name if isinstance(function, Unknown) else ""
    if name == _PLAIN:
        return dict(*arguments)
    if name in _TENSOR:
        storage, offset, shape, strides = arguments[:4]
        steps = [stride * storage.itemsize for stride in strides]
        last = offset + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
        if 0 in shape:
            return np.zeros(shape, storage.dtype)
        if min((offset, *strides), default=0) < 0 or last >= storage.size:
            raise ValueError(f"a tensor of shape {shape} reaches beyond its storage")
        return np.lib.stride_tricks.as_strided(storage[offset:], shape, steps, writeable=False)
    if name == _PARAMETER:
        return arguments[0]
    return Unknown(f"{name or type(function).__name__}(...)")

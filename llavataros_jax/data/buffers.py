"""Memory of batches that is used again as soon as nobody holds them.

A batch is tens of megabytes. The kernel hands out memory of that size page by page and clears it,
which takes longer than to write the batch.
"""

import weakref
from typing import Any

import numpy as np
from jaxtyping import Shaped

# JAX on a CPU takes arrays as they are, without a copy, where they begin at a multiple of this.
_ALIGNMENT_BYTES = 64


class Buffers:
    """Hands out arrays, and takes their memory back when the last reference to them has gone.

    That includes references of views and of JAX, which keeps an array until it has been copied to a
    device, or for as long as the device's array lies in the same memory.
    """

    def __init__(self) -> None:
        self._free: dict[int, list[bytearray]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"_free": {}}

    def empty(self, shape: tuple[int, ...], dtype: type[np.generic]) -> Shaped[np.ndarray, "..."]:
        """Returns an array with anything in it."""
        kind = np.dtype(dtype)
        count = int(np.prod(shape))
        size = count * kind.itemsize
        free = self._free.setdefault(size, [])
        try:
            memory = free.pop()
        except IndexError:
            memory = bytearray(size + _ALIGNMENT_BYTES)
        begin = -np.frombuffer(memory, np.uint8).ctypes.data % _ALIGNMENT_BYTES
        # Views refer to this array, and only this one to the memory.
        owner = np.frombuffer(memory, kind, count, begin)
        weakref.finalize(owner, free.append, memory).atexit = False
        return owner.reshape(shape)

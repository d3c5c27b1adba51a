"""Files of named arrays: read without unpickling, written piece by piece."""

import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from llavataros_jax.atomic import atomic_path
from llavataros_jax.errors import UserError

# What a damaged archive can end in.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, ArithmeticError, LookupError, ValueError),
    *(TypeError, AttributeError, EOFError, MemoryError, RuntimeError, OSError, SyntaxError),
)


def read_npz(path: Path | str, *, kind: str = "file") -> dict[str, np.ndarray]:
    """Reads all arrays of an `.npz`; nothing in it is unpickled.

    Args:
        path: The file.
        kind: What the user calls it, such as `scaler`, which begins the refusals.

    Raises:
        UserError: When it is missing, damaged, another kind of file, or holds Python objects.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{kind} {path} does not exist; check the path")
    try:
        with path.open("rb") as file:
            is_array = file.read(6) == b"\x93NUMPY"
        if is_array:
            raise UserError(
                f"{kind} {path} is a single array without a name, not an .npz file of named "
                "arrays; write it with numpy.savez(FILE, name=array)"
            )
        if not zipfile.is_zipfile(path):
            raise ValueError("it does not begin or end as such files do")
        with np.load(path, allow_pickle=False) as archive:
            arrays = dict(archive)
    except _DAMAGE as problem:
        if "allow_pickle" in str(problem):
            raise UserError(
                f"{kind} {path} holds Python objects, which are not unpickled here; write plain "
                "arrays of numbers with numpy.savez(FILE, name=array)"
            ) from problem
        raise UserError(
            f"{kind} {path} is not an .npz file of arrays, or is damaged "
            f"({type(problem).__name__}: {' '.join(str(problem).split())}); write or copy it again"
        ) from problem
    strange = [name for name, array in arrays.items() if not isinstance(array, np.ndarray)]
    if strange:
        raise UserError(
            f"{kind} {path} is not an .npz file of arrays: {strange[0]} is none; write it with "
            "numpy.savez(FILE, name=array)"
        )
    return arrays


def write_npz(
    path: Path | str,
    name: str,
    pieces: Iterable[np.ndarray],
    *,
    shape: tuple[int, ...],
    **others: np.ndarray,
) -> None:
    """Writes the pieces as one float32 array of `shape` called `name`, and `others` beside it.

    The file appears whole or not at all.

    Raises:
        ValueError: When the pieces do not add up to `shape`.
    """
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    with atomic_path(Path(path)) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
            np.lib.format.write_array_header_2_0(file, header)
            rows = 0
            for piece in pieces:
                file.write(np.ascontiguousarray(piece, "<f4").data)
                rows += len(piece)
        if rows != shape[0]:
            raise ValueError(f"{rows} rows came for an array of shape {shape}")
        for other, value in others.items():
            with archive.open(f"{other}.npy", "w") as file:
                np.lib.format.write_array(file, np.asarray(value), allow_pickle=False)

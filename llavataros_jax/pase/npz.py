"""An `.npz` whose large array is written piece by piece."""

import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from llavataros_jax.atomic import atomic_path


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

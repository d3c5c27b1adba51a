"""The forms in which a whole recording's motion is answered."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from llavataros.serve.codes import Code, Refusal


@dataclass(frozen=True)
class Format:
    """A form of motion.

    Attributes:
        suffix: Of its file.
        media_type: Of the answer.
    """

    suffix: str
    media_type: str


FORMATS = {
    "npy": Format(".npy", "application/octet-stream"),
    "bvh": Format(".bvh", "text/plain"),
    "glb": Format(".glb", "model/gltf-binary"),
    "vrma": Format(".vrma", "model/gltf-binary"),
    "smplx": Format(".npz", "application/octet-stream"),
    "json": Format(".json", "application/json"),
    "view": Format(".html", "text/html"),
}
_WRITTEN = ("npy", "bvh")  # by every animation


def check_format(name: str) -> None:
    """Refuses what cannot be written here.

    Raises:
        Refusal: When a package is missing.
    """
    if name not in _WRITTEN:
        raise Refusal(Code.INVALID, f"format={name} cannot be written here")


def write_format(
    name: str, folder: Path, stem: str, audio: Path, given: argparse.Namespace
) -> bytes:
    """Returns an animation, which lies in `folder`, in some form."""
    return (folder / f"{stem}{FORMATS[name].suffix}").read_bytes()

"""Motion files of every kind that a command is given, glTF and VRM animations among them."""

import math
from pathlib import Path

from llavataros.written_files import read_record
from llavataros_jax.errors import UserError
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.reader import MOTION_SUFFIXES, read_motion
from llavataros_jax.rig.glb_reader import read_glb
from llavataros_jax.rig.gltf_file import read_gltf
from llavataros_jax.rig.vrma import is_vrma, read_vrma

CONVERTED_BY = "llavataros convert"
_GLTF = (".glb", ".gltf", ".vrm", ".vrma")
MOTION_FILE_SUFFIXES = (*MOTION_SUFFIXES, *_GLTF)
# Options of the config that a note of the reader names, which commands without one do not have.
_OF_CONFIG = (
    "; motion.bvh_metres_per_unit decides otherwise",
    "; motion.up_axis decides otherwise",
)


def read_motion_file(
    path: Path, *, fps: float | None = None, option: str = "--fps"
) -> tuple[Motion, tuple[str, ...]]:
    """Reads a motion in metres and with y up.

    Args:
        path: `.npy`, `.npz` of AvatarOS' or SMPL's form, `.bvh`, `.glb`, `.gltf` or `.vrma`. The
            rate of a `.npy` that this program wrote is in the record beside it.
        fps: Frames per second; goes before what the file says.
        option: What states it on the command line.

    Returns:
        The motion, and what the user should know of it.

    Raises:
        UserError: When it is missing, is no motion, or its rate is not known.
    """
    if not path.exists():
        raise UserError(f"motion {path} does not exist; check the path")
    suffix = path.suffix.lower()
    if path.is_dir() or suffix not in MOTION_FILE_SUFFIXES:
        what = "is a folder" if path.is_dir() else "is no motion"
        raise UserError(f"{path} {what}; name files of {', '.join(MOTION_FILE_SUFFIXES)}")
    if fps is not None and not (math.isfinite(fps) and fps > 0):
        raise UserError(f"{option} {fps:g} is no rate; give frames per second, such as 30")
    if suffix in _GLTF:
        file = read_gltf(path)
        return (
            (read_vrma(file, fps=fps).to_motion(), ()) if is_vrma(file) else read_glb(file, fps=fps)
        )
    if fps is None and suffix == ".npy":
        fps = _recorded_fps(path)
        if fps is None:
            raise UserError(f"{path} does not say its rate; state it with {option}, such as 30")
    motion, notes = read_motion(path, audio_seconds=None, source_fps=fps)
    return motion, tuple(_plain(note, option) for note in notes)


def _recorded_fps(path: Path) -> float | None:
    """Returns the rate that the record beside a file of ours tells."""
    for record in (
        read_record(path.with_name(f"{path.stem}.json")),
        read_record(path.with_name(f"{path.name}.json"), CONVERTED_BY),
    ):
        fps = record.get("fps") if record and path.name in record["files"] else None
        if isinstance(fps, int | float):
            return float(fps)
    return None


def _plain(note: str, option: str) -> str:
    for words in _OF_CONFIG:
        note = note.replace(words, "")
    return note.replace("motion.source_fps", option)

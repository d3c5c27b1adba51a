"""Motion files without speech beside them."""

import os
from pathlib import Path

from llavataros_jax.errors import UserError
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.reader import MOTION_SUFFIXES, read_motion
from llavataros_jax.motion.resampling import resample


def motion_files(folder: Path | str) -> list[Path]:
    """Returns all motion files anywhere below a folder, sorted; hidden ones are left out.

    Raises:
        UserError: When there are none.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"--motion {folder} is no folder; name the folder of motion files")
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            Path(parent) / name
            for name in names
            if not name.startswith(".") and Path(name).suffix.lower() in MOTION_SUFFIXES
        ]
    if not found:
        raise UserError(
            f"--motion {folder} holds no {', '.join(sorted(MOTION_SUFFIXES))} file; give more"
        )
    return sorted(found)


def read_alone(
    path: Path, *, source_fps: float | None = None, fps: float | None = None
) -> tuple[Motion, tuple[str, ...]]:
    """Reads a motion file in metres, y up, and says what was corrected.

    Args:
        path: The file.
        source_fps: Its rate; goes before what it says.
        fps: Rate to bring it to.

    Raises:
        UserError: When it cannot be read, or its rate cannot be known.
    """
    try:
        motion, notes = read_motion(path, audio_seconds=None, source_fps=source_fps)
    except UserError as refusal:
        raise UserError(str(refusal).replace("motion.source_fps", "--source-fps")) from refusal
    return (motion if fps is None else resample(motion, fps)), notes

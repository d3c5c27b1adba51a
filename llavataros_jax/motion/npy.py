"""AvatarOS motion files: `.npy` of (frames, joints, 7), or `.npz` with `motion` and `fps`."""

from pathlib import Path

import numpy as np

from llavataros_jax.atomic import atomic_path
from llavataros_jax.errors import UserError
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.resampling import find_fps
from llavataros_jax.motion.skeleton import AVATAROS_9, Skeleton


def read_npy(
    path: Path | str,
    *,
    fps: float | None = None,
    audio_seconds: float | None = None,
    skeleton: Skeleton = AVATAROS_9,
) -> Motion:
    """Reads motion; pickled objects are refused, never loaded.

    Args:
        path: `.npy`, or `.npz` with key `motion` and, optionally, `fps`.
        fps: Frames per second; goes before what the file says.
        audio_seconds: Length of the speech that belongs to the motion, to find the rate by when
            neither `fps` nor the file states it.
        skeleton: The joints of the array's second axis.

    Raises:
        UserError: When the file is missing, damaged or no motion, or its rate cannot be known.
    """
    path = Path(path)
    frames, stated_fps = _load(path)
    try:
        if frames.ndim != 3 or frames.shape[1:] != (skeleton.num_joints, 7) or not len(frames):
            raise UserError(
                f"has shape {frames.shape}, but must be (frames, {skeleton.num_joints}, 7): px py "
                f"pz qx qy qz qw of {', '.join(skeleton.names)}"
            )
        if fps is None:
            fps = stated_fps
        if fps is None and audio_seconds is not None:
            fps = find_fps(len(frames), audio_seconds)
        if fps is None:
            raise UserError(
                f"does not say its rate and has no speech to find it from; state it "
                f"(motion.source_fps), for {len(frames)} frames at 60 would be "
                f"{len(frames) / 60:.2f} seconds"
            )
        return Motion(frames, fps, skeleton)
    except UserError as refusal:
        raise UserError(f"{path}: {refusal}") from refusal


def write_npy(path: Path | str, motion: Motion, *, dtype: type = np.float32) -> None:
    """Writes (frames, joints, 7) as `.npy`, or as `.npz` together with the rate, atomically."""
    with atomic_path(Path(path)) as temporary:
        frames = motion.frames.astype(dtype)
        if temporary.suffix == ".npz":
            np.savez_compressed(temporary, motion=frames, fps=np.float64(motion.fps))
        else:
            np.save(temporary, frames, allow_pickle=False)


def _load(path: Path) -> tuple[np.ndarray, float | None]:
    if not path.is_file():
        raise UserError(f"motion file {path} does not exist; check the path")
    if path.stat().st_size == 0:
        raise UserError(f"{path} is empty (0 bytes); copy or export it again")
    try:
        # Mapping checks the promised size against the file's before any memory is taken.
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(loaded, np.lib.npyio.NpzFile):
            with loaded:
                if "motion" not in loaded:
                    raise UserError(
                        f"{path} has no array called 'motion', only {', '.join(loaded.files)}"
                    )
                array = loaded["motion"]
                fps = float(loaded["fps"]) if "fps" in loaded else None
        else:
            array, fps = loaded, None
    except UserError:
        raise
    except Exception as problem:  # damaged bytes raise anything, tokenize and zlib errors included
        with path.open("rb") as file:
            is_pickle = file.read(1) == b"\x80"
        if is_pickle or "Object arrays" in str(problem) or "Python objects" in str(problem):
            cause = "it holds pickled Python objects, which can run code and are never loaded"
        else:
            cause = "it is truncated or no NumPy file"
        raise UserError(
            f"{path} cannot be read: {cause}; save it with numpy.save as float32 or float64"
        ) from problem
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise UserError(f"{path} holds {array.dtype} values; motion must be real numbers")
    return array, fps

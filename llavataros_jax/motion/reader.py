"""Motion files of every kind, and what is measured about them before they are believed."""

import dataclasses
from pathlib import Path

from llavataros_jax.errors import UserError
from llavataros_jax.motion.body_size import UNITS, BodySize, body_size, scaled
from llavataros_jax.motion.bvh import read_bvh_body
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.npy import read_npy
from llavataros_jax.motion.resampling import find_fps, nearest_of_kin
from llavataros_jax.motion.smplx import read_smplx_body
from llavataros_jax.motion.smplx_arrays import is_smplx
from llavataros_jax.motion.upright import up_axis, upright

_CENTIMETRE = UNITS["centimetres"]
MOTION_SUFFIXES = (".npy", ".npz", ".bvh")
_PICKLES = (".pkl", ".pickle", ".pt", ".pth")


def read_motion(
    path: Path,
    *,
    audio_seconds: float | None,
    source_fps: float | None = None,
    bvh_metres_per_unit: float | None = None,
    up: str = "auto",
) -> tuple[Motion, tuple[str, ...]]:
    """Reads a motion file in metres and with y up.

    Args:
        path: `.bvh`, `.npy`, or `.npz` of AvatarOS' or SMPL's form.
        audio_seconds: Length of the speech that belongs to the motion, if there is any.
        source_fps: Frames per second; goes before what the file says.
        bvh_metres_per_unit: Length of a BVH unit; when not given, a centimetre unless the body says
            otherwise.
        up: Which axis points up, `y` or `z`; `auto` measures it.

    Returns:
        The motion, and what was corrected or is strange about it.

    Raises:
        UserError: When the file cannot be read as motion.
    """
    suffix, notes = path.suffix.lower(), []
    if suffix in _PICKLES:
        raise UserError(
            f"motion {path} is a pickle, which can run code and is never opened; save its arrays "
            "with numpy.savez (poses, trans, mocap_frame_rate)"
        )
    if suffix == ".bvh":
        motion, left_out = read_bvh_body(path, metres_per_unit=bvh_metres_per_unit or _CENTIMETRE)
        if left_out:
            notes.append(
                f"it holds more than the body under {motion.skeleton.names[0]}; left out is what "
                f"hangs on {', '.join(left_out)}"
            )
        motion = _with_rate(motion, source_fps, notes)
        if bvh_metres_per_unit is None:
            motion = _in_metres(motion, notes)
        else:
            _tell_of_unit(body_size(motion), bvh_metres_per_unit, notes)
    elif suffix == ".npz" and is_smplx(path):
        motion, found = read_smplx_body(path, fps=source_fps, audio_seconds=audio_seconds)
        notes += found
    elif suffix in (".npy", ".npz"):
        motion = read_npy(path, fps=source_fps, audio_seconds=audio_seconds)
        motion = _array_in_metres(motion, notes)
    else:
        raise UserError(f"motion {path} is no .bvh, .npy or .npz; export it as one of these")
    if source_fps is None and audio_seconds is not None:
        motion = _with_kindred_rate(motion, audio_seconds, notes)
    return _upright(motion, up, notes), tuple(notes)


def length_problem(motion: Motion, path: Path, audio: Path, audio_seconds: float) -> str:
    """Says how long motion and speech last, and which rate would make them agree."""
    try:
        rate = find_fps(motion.num_frames, audio_seconds)
        fits = f"at the usual rate of {rate:g} it would be as long as its audio"
    except UserError:
        rate = round(motion.num_frames / audio_seconds, 3)
        fits = f"no usual rate fits, {rate:g} would"
    return (
        f"motion {path} lasts {motion.seconds:.3f} s ({motion.num_frames} frames at "
        f"{motion.fps:g} per second) but audio {audio} lasts {audio_seconds:.3f} s; {fits}: state "
        f"motion.source_fps={rate:g} if the file's rate is wrong, else trim one of them, or let "
        "motion.cut_to_shorter=true cut the end of the longer"
    )


def _with_rate(motion: Motion, source_fps: float | None, notes: list[str]) -> Motion:
    if source_fps is None or source_fps == motion.fps:
        return motion
    notes.append(
        f"motion.source_fps={source_fps:g} goes before its Frame Time, which says "
        f"{motion.fps:g} per second"
    )
    return dataclasses.replace(motion, fps=source_fps)


def _with_kindred_rate(motion: Motion, audio_seconds: float, notes: list[str]) -> Motion:
    fps = nearest_of_kin(motion.fps, motion.num_frames, audio_seconds)
    if fps == motion.fps:
        return motion
    notes.append(
        f"by its sound it has {fps:.5g} frames per second, not {motion.fps:.5g}; motion.source_fps "
        "decides otherwise"
    )
    return dataclasses.replace(motion, fps=fps)


def _in_metres(motion: Motion, notes: list[str]) -> Motion:
    """Corrects a BVH file that was read in centimetres."""
    size = body_size(motion)
    if size is None or size.is_human:
        return motion
    unit = size.unit(_CENTIMETRE)
    if unit is None:
        notes.append(
            f"in centimetres its {size.part} are {_length(size.metres)} long, which nobody's are, "
            "and no usual unit fits; state motion.bvh_metres_per_unit"
        )
        return motion
    notes.append(
        f"its lengths are read as {unit}: in centimetres its {size.part} would be "
        f"{_length(size.metres)} long; motion.bvh_metres_per_unit decides otherwise"
    )
    return scaled(motion, UNITS[unit] / _CENTIMETRE, skeleton=True)


def _tell_of_unit(size: BodySize | None, metres_per_unit: float, notes: list[str]) -> None:
    if size is None or size.is_human:
        return
    unit = size.unit(metres_per_unit)
    better = f"{UNITS[unit]:.4g} ({unit}) would fit" if unit else "no usual unit fits"
    notes.append(
        f"motion.bvh_metres_per_unit={metres_per_unit:g} makes its {size.part} "
        f"{_length(size.metres)} long, which nobody's are; {better}"
    )


def _array_in_metres(motion: Motion, notes: list[str]) -> Motion:
    """Corrects an AvatarOS file in another unit; its skeleton is always in metres."""
    size = body_size(motion)
    unit = None if size is None or size.is_human else size.unit(1.0)
    if size is None or unit is None:
        return motion
    notes.append(
        f"its lengths are read as {unit}: in metres its {size.part} would be "
        f"{_length(size.metres)} long"
    )
    return scaled(motion, UNITS[unit], skeleton=False)


def _upright(motion: Motion, up: str, notes: list[str]) -> Motion:
    if up == "y":
        return motion
    axis = "z" if up == "z" else up_axis(motion)
    if axis in (None, "y"):
        return motion
    if up == "auto":
        notes.append(
            f"its head is along {axis} from its hips, so it is turned to have y up; motion.up_axis "
            "decides otherwise"
        )
    return upright(motion, axis)


def _length(metres: float) -> str:
    return f"{metres:.3g} m" if metres >= 0.1 else f"{1000 * metres:.3g} mm"

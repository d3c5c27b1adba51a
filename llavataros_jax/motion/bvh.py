"""BVH files of any skeleton: motion in and out."""

import re
import warnings
from decimal import Decimal, InvalidOperation
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from llavataros_jax.atomic import atomic_path
from llavataros_jax.errors import UserError
from llavataros_jax.motion import rotations
from llavataros_jax.motion.bvh_hierarchy import Hierarchy, format_hierarchy, parse_hierarchy
from llavataros_jax.motion.bvh_text import as_bytes_of_ascii, decode_names, shown
from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.motion.skeleton import Skeleton

_MOTION = re.compile(rb"^\s*MOTION\b", re.MULTILINE | re.IGNORECASE)
_FRAMES = re.compile(
    rb"\s*Frames\s*:\s*(\S+)\s+Frame\s+Time\s*:\s*(\S+)[^\S\n]*(?:\n|$)", re.IGNORECASE
)
_SHORTEST_FRAME, _LONGEST_FRAME = Decimal("1e-6"), Decimal(3600)
_CENTIMETRE = 0.01
# An offset that strays further than this from the skeleton's gets position channels of its own.
_RIGID_METRES = 1e-6


def read_bvh(path: Path | str, *, metres_per_unit: float = _CENTIMETRE) -> Motion:
    """Reads a BVH file as `read_bvh_body` does; warns of things that are left out."""
    motion, left_out = read_bvh_body(path, metres_per_unit=metres_per_unit)
    if left_out:
        warnings.warn(
            f"{path} holds more than the body under {motion.skeleton.names[0]}; left out is what "
            f"hangs on {', '.join(left_out)}",
            stacklevel=2,
        )
    return motion


def read_bvh_body(
    path: Path | str, *, metres_per_unit: float = _CENTIMETRE
) -> tuple[Motion, tuple[str, ...]]:
    """Reads a BVH file: any hierarchy, any order of channels, with or without positions.

    The skeleton's rest pose is that of the OFFSETs; position channels replace a joint's OFFSET
    (they are not added to it, as PyMO does).

    Returns:
        The motion of the body, and the ROOTs of what is none, such as a prop, and was left out.

    Raises:
        UserError: When the file is missing or malformed; the message names the line.
    """
    content = _content(path)
    try:
        return _parse(content, metres_per_unit)
    except UserError as refusal:
        raise UserError(f"{path}: {refusal}") from refusal


def read_bvh_hierarchy(path: Path | str) -> Hierarchy:
    """Reads which joints a BVH file has, and which channels each of them.

    Raises:
        UserError: When the file is missing or its hierarchy malformed.
    """
    content = _content(path)
    try:
        return _hierarchy(content)[0]
    except UserError as refusal:
        raise UserError(f"{path}: {refusal}") from refusal


def write_bvh(
    path: Path | str,
    motion: Motion,
    *,
    metres_per_unit: float | None = None,
    rotation_order: str = "ZXY",
) -> None:
    """Writes a BVH file whose rest pose is the skeleton's (a T-pose for `AVATAROS_9`), atomically.

    Lengths are in centimetres, where no other unit is given.

    Joints whose offset strays from the skeleton's get position channels. BVH keeps no axes of the
    rest pose, so read the file and call `with_rest(skeleton.rest_rotations)` to have the same
    quaternions again; positions are the same at once.
    """
    if sorted(rotation_order) != ["X", "Y", "Z"]:
        raise UserError(f"rotation order must hold X, Y and Z once, not {rotation_order!r}")
    metres_per_unit = metres_per_unit or _CENTIMETRE
    motion = motion.with_rest(np.tile([0.0, 0.0, 0.0, 1.0], (motion.skeleton.num_joints, 1)))
    skeleton, offsets = motion.skeleton, motion.local_offsets()
    strays = np.abs(offsets - skeleton.offsets).max(axis=(0, 2)) > _RIGID_METRES
    strays[0] = True
    position_names = [f"{axis}position" for axis in "XYZ"]
    rotation_names = [f"{axis}rotation" for axis in rotation_order]
    channels = [position_names * bool(stray) + rotation_names for stray in strays]
    header, order = format_hierarchy(
        skeleton, skeleton.offsets, channels, units_per_metre=1 / metres_per_unit
    )
    angles = _angles(motion.local_quaternions(), rotation_order)
    blocks = []
    for joint in order:
        if strays[joint]:
            blocks.append(offsets[:, joint] / metres_per_unit)
        blocks.append(angles[:, joint])
    # Adding 0 turns a rounded -0.0 into 0.0.
    values = np.round(np.concatenate(blocks, axis=1), 6) + 0.0
    row = " ".join(["%.6f"] * values.shape[1]) + "\n"
    with atomic_path(Path(path)) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(header)
        file.write(f"MOTION\nFrames: {len(values)}\nFrame Time: {1 / motion.fps!r}\n")
        for start in range(0, len(values), 1000):
            file.write(
                "".join(row % tuple(frame) for frame in values[start : start + 1000].tolist())
            )


def _angles(quaternions: np.ndarray, rotation_order: str) -> np.ndarray:
    """Returns (T, J, 3) degrees without jumps of whole turns."""
    with warnings.catch_warnings():
        # At gimbal lock SciPy says that it sets the third angle to zero, which is right here.
        warnings.simplefilter("ignore", UserWarning)
        flat = Rotation.from_quat(quaternions.reshape(-1, 4)).as_euler(rotation_order, degrees=True)
    return np.unwrap(flat.reshape(*quaternions.shape[:2], 3), axis=0, period=360.0)


def _content(path: Path | str) -> bytes:
    path = Path(path)
    if not path.is_file():
        raise UserError(f"motion file {path} does not exist; check the path")
    content = path.read_bytes()
    if not content.strip():
        raise UserError(f"{path} is empty; copy or export it again")
    return as_bytes_of_ascii(content)


def _hierarchy(content: bytes) -> tuple[Hierarchy, re.Match[bytes] | None]:
    """Returns the joints, and where MOTION stands."""
    mark = _MOTION.search(content)
    names = decode_names(content[: mark.start() if mark else len(content)])
    return parse_hierarchy(names), mark


def _parse(content: bytes, metres_per_unit: float) -> tuple[Motion, tuple[str, ...]]:
    """Returns the motion of the body, and the roots of what is none."""
    hierarchy, mark = _hierarchy(content)
    if mark is None:
        raise UserError("there is no MOTION after the hierarchy; the file is truncated")
    counts = _FRAMES.match(content, mark.end())
    if counts is None:
        raise UserError(
            f"line {_line(content, mark.end())}: MOTION must be followed by 'Frames: N' and "
            "'Frame Time: seconds'"
        )
    # No disk holds as many frames as ten digits can say, and Python refuses to read thousands.
    if not counts[1].isdigit() or len(counts[1].lstrip(b"0")) not in range(1, 11):
        raise UserError(
            f"line {_line(content, counts.start(1))}: Frames must be a positive whole number, not "
            f"{shown(counts[1])}"
        )
    fps = _frames_per_second(counts[2], _line(content, counts.start(2)))
    first_line = _line(content, counts.end())
    values = _numbers(content[counts.end() :], int(counts[1]), hierarchy.frame_size, first_line)
    values = values[:, hierarchy.columns]
    return _assemble(
        values, hierarchy, fps=fps, metres_per_unit=metres_per_unit
    ), hierarchy.left_out


def _line(content: bytes, position: int) -> int:
    return content.count(b"\n", 0, position) + 1


def _frames_per_second(text: bytes, line: int) -> float:
    """Returns the rate; a frame time that is 1/n cut to its decimals means n per second."""
    try:
        frame_time = Decimal(text.decode(errors="replace"))
    except InvalidOperation:
        frame_time = Decimal(0)
    # Once an hour and a million times a second are no motion any more.
    if not frame_time.is_finite() or not _SHORTEST_FRAME <= frame_time <= _LONGEST_FRAME:
        raise UserError(
            f"line {line}: Frame Time must be positive seconds, from {_SHORTEST_FRAME} to "
            f"{_LONGEST_FRAME}, not {shown(text)}"
        )
    exact = float(1 / frame_time)
    whole = max(1, round(exact))
    last_place = 10.0 ** int(frame_time.as_tuple().exponent)
    return float(whole) if abs(1 / whole - float(frame_time)) <= last_place else exact


def _numbers(block: bytes, frames: int, size: int, first_line: int) -> Float[np.ndarray, "T C"]:
    """Parses all frames at once; looks for the guilty line only when that fails."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            values = np.fromstring(block, sep=" ") if block.strip() else np.zeros(0)
        except (DeprecationWarning, ValueError):
            values = None
    if values is None:
        for number, line in enumerate(block.splitlines(), start=first_line):
            for word in line.split():
                try:
                    float(word)
                except ValueError:
                    raise UserError(f"line {number}: {shown(word)} is not a number") from None
        raise UserError(f"the frames from line {first_line} on are not numbers")
    if values.size != frames * size:
        lengths = [len(line.split()) for line in block.splitlines()]
        odd = next((row for row, length in enumerate(lengths) if length not in (0, size)), None)
        detail = "" if odd is None else f"; line {first_line + odd} has {lengths[odd]} numbers"
        raise UserError(
            f"{frames} frames of {size} numbers are promised, but there are {values.size} numbers, "
            f"which make {values.size / max(size, 1):.2f} frames{detail}; the file is truncated or "
            "its Frames line is wrong"
        )
    values = values.reshape(frames, size)
    if not np.isfinite(values).all():
        frame = int(np.argwhere(~np.isfinite(values))[0, 0])
        raise UserError(f"frame {frame} (counted from 0) holds NaN or infinity")
    return values


def _assemble(
    values: np.ndarray, hierarchy: Hierarchy, *, fps: float, metres_per_unit: float
) -> Motion:
    """Turns channels into rotations and offsets; joints of all layouts are handled together."""
    file_skeleton, frames = hierarchy.skeleton, len(values)
    joints = file_skeleton.num_joints
    offsets = np.tile(file_skeleton.offsets, (frames, 1, 1))
    angles, axes = np.zeros((3, frames, joints)), np.zeros((3, joints), int)
    column = 0
    for joint, names in enumerate(hierarchy.channels):
        turn = 0
        for name in names:
            axis = "xyz".index(name[0])
            if name.endswith("position"):
                offsets[:, joint, axis] = values[:, column]
            else:
                angles[turn, :, joint], axes[turn, joint] = values[:, column], axis
                turn += 1
            column += 1
    offsets *= metres_per_unit
    # Channels apply from left to right, each in the frame that the ones before it have made.
    local = _turn(angles[0], axes[0])
    for angle, axis in zip(angles[1:], axes[1:], strict=True):
        local = rotations.multiply(local, _turn(angle, axis))
    skeleton = Skeleton(
        file_skeleton.names,
        file_skeleton.parents,
        file_skeleton.offsets * metres_per_unit,
        end_sites={
            joint: [tip * metres_per_unit for tip in tips]
            for joint, tips in file_skeleton.end_sites.items()
        },
    )
    return motion_from_local(np.asarray(local), offsets, offsets[:, 0], fps=fps, skeleton=skeleton)


def _turn(degrees: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Returns (T, J, 4) quaternions of turns about each joint's coordinate axis."""
    half = np.radians(degrees) / 2
    turn = np.zeros((*degrees.shape, 4))
    turn[:, np.arange(len(axis)), axis] = np.sin(half)
    turn[..., 3] = np.cos(half)
    return turn

"""The first animation of a glTF file, told at an even rate.

Source: glTF 2.0 specification, section 3.11 and appendix C (interpolation).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from llavataros_jax.errors import UserError
from llavataros_jax.motion import rotations
from llavataros_jax.rig.glb_numbers import numbers
from llavataros_jax.rig.gltf_file import GltfFile, is_index, listed

# Keys stray so far from an even rate where they are its frames; another rate is said to be 30.
_EVEN_SHARE, _USUAL_FPS = 0.05, 30.0
_LONGEST_SECONDS = 24 * 3600.0
_MOST_POSES = 50_000_000  # of all nodes in all frames, which are some gigabytes
_MODES = ("LINEAR", "STEP", "CUBICSPLINE")


@dataclass(frozen=True, eq=False)
class Tracks:
    """How nodes move in their parents.

    Attributes:
        places: For nodes that are moved, in the parent's unit.
        turns: For nodes that are turned, unit quaternions xyzw.
        num_frames: Frames of all of them.
        fps: Their rate.
        notes: What the user should know.
    """

    places: dict[int, Float[np.ndarray, "T 3"]]
    turns: dict[int, Float[np.ndarray, "T 4"]]
    num_frames: int
    fps: float
    notes: tuple[str, ...]


def read_tracks(file: GltfFile, fps: float | None) -> Tracks:
    """Reads the first animation, from its first key to its last.

    Args:
        file: The file.
        fps: Frames per second; those of its keys when not given.

    Raises:
        UserError: When there is none, or it cannot be read.
    """
    animations = listed(file.tree, "animations", file.path)
    if not animations:
        raise UserError(f"{file.path} has no animation; export it with one")
    notes = []
    if len(animations) > 1:
        first = animations[0].get("name", "without a name")
        notes.append(f"it has {len(animations)} animations; the first, {first!r:.60}, is read")
    keys: dict[tuple[int, str], tuple[np.ndarray, np.ndarray, str]] = {}
    scaled = False
    for node, path, sampler in _channels(animations[0], file):
        if path not in ("translation", "rotation"):
            scaled |= path == "scale"
            continue
        keys[node, path] = _keys(sampler, path, f"the {path} of node {node}", file)
    if not keys:
        raise UserError(
            f"{file.path} has an animation that moves no node; export it with its bones"
        )
    if scaled:
        notes.append("its animation scales nodes, which is not read")
    rate, start, count = _rate([times for times, _, _ in keys.values()], fps, notes, file)
    at = start + np.arange(count) / rate
    places, turns = {}, {}
    for (node, path), (times, values, mode) in keys.items():
        told = _at(at, times, values, mode, is_turn=path == "rotation", tick=0.01 / rate)
        (turns if path == "rotation" else places)[node] = told
    return Tracks(places, turns, count, rate, tuple(notes))


def _channels(animation: dict[str, Any], file: GltfFile) -> list[tuple[int, str, dict[str, Any]]]:
    """Returns node, path and sampler of the channels that aim at a node."""
    channels, samplers = (listed(animation, name, file.path) for name in ("channels", "samplers"))
    count = len(listed(file.tree, "nodes", file.path))
    found = []
    for channel in channels:
        target, number = channel.get("target"), channel.get("sampler", -1)
        if not isinstance(target, dict) or not is_index(number, len(samplers)):
            raise UserError(f"{file.path}: its animation has a broken channel; export it again")
        if is_index(target.get("node"), count):
            found.append((target["node"], str(target.get("path")), samplers[number]))
    return found


def _keys(
    sampler: dict[str, Any], path: str, what: str, file: GltfFile
) -> tuple[np.ndarray, np.ndarray, str]:
    """Returns times, values (with tangents, of a spline) and how to go between them."""
    times = numbers(file, sampler.get("input"), 1, f"the times of {what}")[:, 0]
    size = 4 if path == "rotation" else 3
    values = numbers(file, sampler.get("output"), size, what)
    mode = sampler.get("interpolation", "LINEAR")
    if mode not in _MODES:
        raise UserError(f"{file.path}: {what} is told by {mode!r:.20}; export it as LINEAR")
    each = 3 if mode == "CUBICSPLINE" else 1
    if not len(times) or len(values) != each * len(times):
        raise UserError(
            f"{file.path}: {what} has {len(values)} values for {len(times)} times; export it again"
        )
    if (np.diff(times) <= 0).any() or times[0] < 0 or times[-1] > _LONGEST_SECONDS:
        raise UserError(
            f"{file.path}: the times of {what} do not rise from 0 within a day; export it again"
        )
    values = values.reshape(len(times), each, size)
    if path == "rotation" and np.linalg.norm(values[:, each // 2], axis=1).min() < 0.5:
        raise UserError(f"{file.path}: {what} holds quaternions of no length; export it again")
    return times, values, mode


def _rate(
    times: list[np.ndarray], fps: float | None, notes: list[str], file: GltfFile
) -> tuple[float, float, int]:
    """Returns the rate, the first second and how many frames there are."""
    start, end = min(float(t[0]) for t in times), max(float(t[-1]) for t in times)
    densest = max(times, key=len)
    if fps is None:
        fps = _USUAL_FPS
        if len(densest) > 1:
            rate = (len(densest) - 1) / float(densest[-1] - densest[0])
            even = densest[0] + np.arange(len(densest)) / rate
            if np.abs(densest - even).max() * rate < _EVEN_SHARE:
                fps = float(round(rate)) if abs(rate - round(rate)) < 1e-3 * rate else rate
            else:
                notes.append(f"its keys have no even rate, so it is told at {fps:g} per second")
    if not (np.isfinite(fps) and 0 < fps <= 1000):
        raise UserError(f"{file.path}: {fps} frames per second are none; state another rate")
    count, nodes = round((end - start) * fps) + 1, len(file.tree["nodes"])
    if count * nodes > _MOST_POSES:
        raise UserError(
            f"{file.path} has {count} frames of {nodes} nodes at {fps:g} per second, which is too "
            "much at once; cut it, or state a lower rate"
        )
    return fps, start, count


def _at(
    at: np.ndarray, times: np.ndarray, values: np.ndarray, mode: str, *, is_turn: bool, tick: float
) -> np.ndarray:
    """Tells keys at other times; before the first and after the last they hold."""
    # A key within a tick of a frame is that frame, whatever 32 bits made of its time.
    nearest = np.clip(np.searchsorted(times, at + tick) - 1, 0, len(times) - 1)
    after = np.minimum(nearest + 1, len(times) - 1)
    span = np.where(after > nearest, times[after] - times[nearest], 1.0)
    share = np.clip((at - times[nearest]) / span, 0.0, 1.0)
    share = np.where((np.abs(at - times[nearest]) <= tick) | (mode == "STEP"), 0.0, share)[:, None]
    middle = values[:, values.shape[1] // 2]
    if is_turn:
        middle = np.asarray(rotations.normalise(middle))
    if mode == "CUBICSPLINE":
        t, length = share, span[:, None]
        result = (
            (2 * t**3 - 3 * t**2 + 1) * middle[nearest]
            + (t**3 - 2 * t**2 + t) * length * values[nearest, 2]
            + (-2 * t**3 + 3 * t**2) * middle[after]
            + (t**3 - t**2) * length * values[after, 0]
        )
        return np.asarray(rotations.normalise(result)) if is_turn else result
    if is_turn:
        return np.asarray(rotations.slerp(middle[nearest], middle[after], share[:, 0]))
    return middle[nearest] + share * (middle[after] - middle[nearest])

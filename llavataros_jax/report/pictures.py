"""Pictures of motion: how fast hands move, where they go, and speech above their speed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from llavataros_jax.errors import UserError
from llavataros_jax.evaluation.spoken import Spoken
from llavataros_jax.evaluation.statistics import hand_joints, speed
from llavataros_jax.motion.joints import joint_roles
from llavataros_jax.motion.trajectories import Trajectories
from llavataros_jax.rendering.plots import FAINT, INK, plot_speech, save_picture, subplots
from llavataros_jax.report.themed import COPPER, TEAL

COLOURS = {"predicted": TEAL, "real": COPPER}
BINS = 48
LEAST_PERCENT = 0.05
SHOWN_SHARE = 99.5
SAMPLE_RATE = 16000
SPEECH_SECONDS = 9.0
_SIZE = (4.3, 2.8)


def plot_histogram(
    path: Path, values: Mapping[str, Sequence[Float[np.ndarray, " _"]]], *, title: str, unit: str
) -> None:
    """Draws how often each of some values occurs, in percent, predicted over real.

    The axis ends where 99.5 % of the values of both lie. Shares are drawn by their logarithm,
    because hands rest most of the time and what tells motions apart is the tail.

    Raises:
        UserError: When there is no value.
    """
    pooled = {who: np.concatenate(arrays) for who, arrays in values.items()}
    pooled = {who: array for who, array in pooled.items() if len(array)}
    if not pooled:
        raise UserError("the skeleton's names tell no hand, or clips are too short")
    end = max(float(np.percentile(array, SHOWN_SHARE)) for array in pooled.values()) or 1.0
    figure, (axis,) = subplots(1, 1, size=_SIZE)
    for who, array in pooled.items():
        counts, edges = np.histogram(array, BINS, (0, end))
        shares, colour = 100 * counts / len(array), COLOURS[who]
        dashed = "--" if who == "real" else "-"
        axis.stairs(shares, edges, color=colour, linewidth=1.5, linestyle=dashed, label=who)
        if who == "predicted":
            axis.stairs(shares, edges, baseline=LEAST_PERCENT, color=colour, fill=True, alpha=0.22)
    axis.set_xlim(0, end)
    axis.set_yscale("log")
    axis.set_ylim(LEAST_PERCENT, 100)
    axis.set_yticks([0.1, 1, 10, 100])
    axis.yaxis.set_major_formatter("{x:g}")
    axis.minorticks_off()
    _label(axis, f"{title}, {unit}", "share of frames, %")
    axis.legend(frameon=False, fontsize=8, labelcolor=INK)
    save_picture(figure, path)


def plot_paths(path: Path, motions: Mapping[str, Trajectories], *, who: str) -> None:
    """Draws the paths of both wrists as seen from the front, around the middle of the shoulders.

    Args:
        path: Picture to write.
        motions: By who moves; the axes show all of them.
        who: Whose paths are drawn.

    Raises:
        UserError: When hands or shoulders are not known by their names.
    """
    seen = {name: _front(motion) for name, motion in motions.items()}
    figure, (axis,) = subplots(1, 1, size=(4.3, 3.2))
    places, motion = seen[who], motions[who]
    mean = places.mean(axis=0)
    for joint, parent in enumerate(motion.skeleton.parents):
        if parent >= 0:
            axis.plot(*mean[[parent, joint]].T, color=FAINT, linewidth=2, solid_capstyle="round")
    for side, joint in hand_joints(motion.skeleton).items():
        axis.plot(*places[:, joint].T, color=COLOURS[who], linewidth=0.8, alpha=0.75)
        note: Any = {"textcoords": "offset points", "color": INK, "fontsize": 8, "ha": "center"}
        lowest = places[places[:, joint, 1].argmin(), joint]
        axis.annotate(side, lowest, xytext=(0, -11), **note)
    every = np.concatenate([p.reshape(-1, 2) for p in seen.values()])
    low, high = every.min(axis=0), every.max(axis=0)
    room = 0.08 * float((high - low).max()) + 1e-3
    axis.set_xlim(low[0] - room, high[0] + room)
    axis.set_ylim(low[1] - 1.6 * room, high[1] + room)
    axis.set_aspect("equal")
    _label(axis, "to the body's left, m", "above the shoulders, m")
    save_picture(figure, path)


def plot_beats(path: Path, motions: Mapping[str, Trajectories], spoken: Spoken | None) -> None:
    """Draws the middle seconds of a clip: speech, its beats, and the speed of the wrists.

    Raises:
        UserError: When the clip has no sound, or no hand is known by its name.
    """
    first, *others = motions.values()
    if spoken is None:
        raise UserError("the clip has no sound")
    if not hand_joints(first.skeleton):
        raise UserError("the skeleton's names tell no hand")
    start, stop = middle(first.seconds, SPEECH_SECONDS)
    plot_speech(
        path,
        spoken.samples(SAMPLE_RATE),
        sample_rate=SAMPLE_RATE,
        words=spoken.words,
        beats_seconds=spoken.beats_seconds,
        wrist_speeds=wrist_speeds(first),
        real_wrist_speeds=wrist_speeds(others[0]) if others else None,
        fps=first.fps,
        start_seconds=start,
        stop_seconds=stop,
    )


def middle(seconds: float, wanted_seconds: float) -> tuple[float, float]:
    """Returns start and stop of a part in the middle."""
    start = max(0.0, (seconds - wanted_seconds) / 2)
    return start, min(seconds, start + wanted_seconds)


def wrist_speeds(motion: Trajectories) -> dict[str, Float[np.ndarray, " T"]]:
    """Returns m/s of the wrists on every frame, by side."""
    hands = hand_joints(motion.skeleton)
    return {side: speed(motion.positions[:, joint], motion.fps) for side, joint in hands.items()}


def _front(motion: Trajectories) -> Float[np.ndarray, "T J 2"]:
    """Returns places to the body's left and upwards, from the mean middle of the shoulders."""
    roles = joint_roles(motion.skeleton)
    arms = [roles.find("upperarm", side) for side in ("left", "right")]
    if min(arms) < 0 or not hand_joints(motion.skeleton):
        raise UserError("the skeleton's names tell no shoulders and hands")
    shoulders = motion.positions[:, arms].mean(axis=(0, 1))
    across = (motion.positions[:, arms[0]] - motion.positions[:, arms[1]]).mean(axis=0)
    across[1] = 0
    across /= max(float(np.linalg.norm(across)), 1e-9)
    placed = motion.positions - shoulders
    return np.stack([placed @ across, placed[..., 1]], axis=-1)


def _label(axis: Any, x: str, y: str) -> None:
    axis.set_xlabel(x, fontsize=8.5, color=INK)
    axis.set_ylabel(y, fontsize=8.5, color=INK)

"""All measures of a clip beside their anchors, their mean over clips, and a table of them."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from llavataros_jax.errors import UserError
from llavataros_jax.evaluation.anchors import mean_pose, shifted_times
from llavataros_jax.evaluation.beats import beat_alignment, motion_beats
from llavataros_jax.evaluation.frechet import pose_distance, velocity_distance
from llavataros_jax.evaluation.movement import movement
from llavataros_jax.evaluation.statistics import (
    arm_joints,
    correlation,
    hand_joints,
    position_error,
    speed,
)
from llavataros_jax.evaluation.stress_timing import stroke_timing
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.still_pose import still_pose

Values = dict[str, float | None]

COLUMNS = {
    "predicted": "predicted",
    "real": "real",
    "predicted_shifted": "predicted, shifted speech",
    "real_shifted": "real, shifted speech",
    "mean_pose": "mean pose",
    "still_pose": "still pose",
}
_UNITS = {
    "_metres2_per_second2": " (m²/s²)",
    "_metres_per_second3": " (m/s³)",
    "_metres_per_second2": " (m/s²)",
    "_metres_per_second": " (m/s)",
    "_metres2": " (m²)",
    "_metres": " (m)",
    "_per_second": " (1/s)",
    "_seconds": " (s)",
}
_LENGTH_TOLERANCE_FRAMES = 2


def evaluate_clip(
    predicted: Motion,
    real: Motion,
    *,
    audio_beats_seconds: Float[np.ndarray, " beats"],
    words: Sequence[tuple[str, float, float]],
    seed: int = 0,
) -> Values:
    """Measures a generated motion against the recorded one and against anchors.

    Names are `measure_with_unit/column`, the columns those of `COLUMNS`; `clip_seconds` is the
    length. The anchors: the real motion's own values; both motions against speech of another
    time (`anchors.shifted_times`); and the real clip's mean pose and its stillest real one, held,
    which know the clip's mean and are hard to beat by position error. The Fréchet distances of
    the real column lie between the clip's first and second half. A value is None where there is
    nothing to measure: no words, no audio beats, no hands, too few frames.

    Args:
        predicted: Generated motion.
        real: Recorded motion, of the same skeleton, rate and, up to 2 frames, length.
        audio_beats_seconds: Beats of the speech.
        words: Text, start and end in seconds.
        seed: Of the shifts.

    Raises:
        UserError: When the two motions cannot be compared.
    """
    predicted, real = _matched(predicted, real)
    beats = np.asarray(audio_beats_seconds, np.float64)
    starts = np.array([start for _, start, _ in words], np.float64)
    values: dict[str, float] = {"clip_seconds": real.seconds}
    for column, motion in (("predicted", predicted), ("real", real)):
        values |= {f"{name}/{column}": value for name, value in movement(motion).items()}
    values |= _likeness(predicted, real)
    values["audio_beats_per_second/real"] = len(beats) / real.seconds
    for column, motion in (("predicted", predicted), ("real", real)):
        values |= _alignment(motion, beats, column, seed)
    for column, motion in (("predicted", predicted), ("real", real)):
        values |= _stroke_timing(motion, starts, column, seed)
    return _finite(_with_ratios(values))


def summarise(clips: Sequence[Mapping[str, float | None]]) -> Values:
    """Averages clips, each weighted by its length; a clip without a value does not count for it.

    Ratios are taken of the averages. Fréchet distances are averaged like the rest: for pooled
    ones, give all clips' positions to `frechet.pose_distance` and `velocity_distance`.

    Returns:
        The averages, with `clips` and `clip_seconds` (their number and sum) first.

    Raises:
        UserError: When there are no clips.
    """
    if not clips:
        raise UserError("there are no clips to summarise; give at least one")
    seconds = [clip["clip_seconds"] or 0.0 for clip in clips]
    summary = {"clips": float(len(clips)), "clip_seconds": math.fsum(seconds)}
    for name in dict.fromkeys(name for clip in clips for name in clip if name != "clip_seconds"):
        pairs = [
            (value, weight)
            for clip, weight in zip(clips, seconds, strict=True)
            if (value := clip.get(name)) is not None
        ]
        total = math.fsum(weight for _, weight in pairs)
        summed = math.fsum(value * weight for value, weight in pairs)
        summary[name] = summed / total if total else math.nan
    return _finite(_with_ratios(summary))


def format_table(values: Mapping[str, float | None]) -> str:
    """Sets measures as rows and columns of a Markdown table, padded to be read in a terminal too.

    A dash stands for what could not be measured, an empty cell for what makes no sense.
    """
    names = [name for name in values if "/" in name]
    columns = [column for column in COLUMNS if any(name.endswith(f"/{column}") for name in names)]
    rows = [["measure", *(COLUMNS[column] for column in columns)]]
    for measure in dict.fromkeys(name.split("/")[0] for name in names):
        cells = (_cell(values, f"{measure}/{column}") for column in columns)
        rows.append([_title(measure), *cells])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [
        [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
        for row in rows
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))


def _matched(predicted: Motion, real: Motion) -> tuple[Motion, Motion]:
    if not predicted.skeleton.same_structure(real.skeleton):
        raise UserError(
            f"predicted and real motion have different skeletons ({predicted.skeleton.num_joints} "
            f"and {real.skeleton.num_joints} joints, or other names); compare like with like"
        )
    if abs(predicted.fps - real.fps) > 1e-6:
        raise UserError(
            f"predicted motion has {predicted.fps:g} frames per second, the real one "
            f"{real.fps:g}; resample one of them, because speeds and jerk depend on the rate"
        )
    frames = min(predicted.num_frames, real.num_frames)
    if max(predicted.num_frames, real.num_frames) - frames > _LENGTH_TOLERANCE_FRAMES:
        raise UserError(
            f"predicted motion has {predicted.num_frames} frames, the real one {real.num_frames}; "
            "they must show the same recording"
        )
    return predicted.cut(0, frames), real.cut(0, frames)


def _with_ratios(values: dict[str, float]) -> dict[str, float]:
    """Puts the ratio of predicted to real hand speed behind the speeds, in place of any other."""
    whole: dict[str, float] = {}
    for name, value in values.items():
        whole.setdefault(name, value)
        measure, _, column = name.partition("/")
        if measure.startswith("hand_speed_") and column == "real":
            by_real = values[f"{measure}/predicted"] / value if value else math.nan
            side = measure.removesuffix("_metres_per_second")
            whole[f"{side}_ratio/predicted"] = by_real
    return whole


def _likeness(predicted: Motion, real: Motion) -> dict[str, float]:
    """Measures how near a motion is to the real one, on the frame and as a distribution."""
    ours, theirs, fps = predicted.positions, real.positions, real.fps
    half = len(theirs) // 2
    first, second = theirs[:half], theirs[half:]
    held = np.broadcast_to(mean_pose(theirs), theirs.shape)
    still = np.broadcast_to(still_pose([theirs], mean_pose(theirs)[0]), theirs.shape)
    has_halves = half >= 3
    correlations = [
        correlation(speed(ours[:, joint], fps), speed(theirs[:, joint], fps))
        for joint in hand_joints(real.skeleton).values()
    ]
    return {
        "position_error_metres/predicted": position_error(ours, theirs),
        "position_error_metres/mean_pose": position_error(held, theirs),
        "position_error_metres/still_pose": position_error(still, theirs),
        "hand_speed_correlation/predicted": _mean(correlations),
        "fd_g_metres2/predicted": pose_distance([ours], [theirs]),
        "fd_g_metres2/real": pose_distance([first], [second]) if has_halves else math.nan,
        "fd_g_metres2/mean_pose": pose_distance([held], [theirs]),
        "fd_g_metres2/still_pose": pose_distance([still], [theirs]),
        "fd_k_metres2_per_second2/predicted": velocity_distance([ours], [theirs], fps=fps),
        "fd_k_metres2_per_second2/real": (
            velocity_distance([first], [second], fps=fps) if has_halves else math.nan
        ),
        "fd_k_metres2_per_second2/mean_pose": velocity_distance([held], [theirs], fps=fps),
    }


def _alignment(motion: Motion, beats: np.ndarray, column: str, seed: int) -> dict[str, float]:
    """Measures beat alignment, the mean over joints, for both wrists and for all arm joints."""
    skeleton = motion.skeleton
    groups = {"wrists": list(hand_joints(skeleton).values()), "arms": arm_joints(skeleton)}
    shifted = shifted_times(beats, motion.seconds, seed=seed)
    values = {}
    for group, joints in groups.items():
        found = [
            motion_beats(speed(motion.positions[:, j], motion.fps), motion.fps) for j in joints
        ]
        aligned = [beat_alignment(beats, times) for times in found]
        elsewhere = [beat_alignment(other, times) for times in found for other in shifted]
        values[f"beat_alignment_{group}/{column}"] = _mean(aligned)
        values[f"beat_alignment_{group}/{column}_shifted"] = _mean(elsewhere)
        if group == "wrists":
            rates = [len(times) / motion.seconds for times in found]
            values[f"wrist_beats_per_second/{column}"] = _mean(rates)
    return values


def _stroke_timing(motion: Motion, starts: np.ndarray, column: str, seed: int) -> dict[str, float]:
    """Measures the mean speed of both wrists around the starts of words."""
    wrists = motion.positions[:, list(hand_joints(motion.skeleton).values())]
    if not wrists.shape[1]:
        return {}
    timing = stroke_timing(speed(wrists, motion.fps).mean(axis=1), motion.fps, starts, seed=seed)
    return {
        f"stroke_lag_seconds/{column}": timing.lag_seconds,
        f"stroke_lag_seconds/{column}_shifted": timing.shuffled_lag_seconds,
        f"stroke_contrast/{column}": timing.contrast,
        f"stroke_contrast/{column}_shifted": timing.shuffled_contrast,
        f"stroke_contrast_chance/{column}": timing.chance,
    }


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else math.nan


def _finite(values: Mapping[str, float]) -> Values:
    """Writes None for NaN, so that JSON can hold it."""
    return {name: float(v) if math.isfinite(v) else None for name, v in values.items()}


def _title(measure: str) -> str:
    for suffix, unit in _UNITS.items():
        if measure.endswith(suffix):
            return measure.removesuffix(suffix).replace("_", " ") + unit
    return measure.replace("_", " ")


def _cell(values: Mapping[str, float | None], name: str) -> str:
    if name not in values:
        return ""
    value = values[name]
    return "–" if value is None else f"{value:.4g}"

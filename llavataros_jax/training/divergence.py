"""What is said when the numbers of training stop being finite."""

import math
from collections.abc import Callable, Mapping, Sequence

from llavataros_jax.data.lanes import IDLE, Row
from llavataros_jax.data.manifest import ClipEntry

# Parameters are those after a step, so that none that are not finite are saved with a good loss.
_WATCHED = ("loss", "gradient_norm", "parameter_norm")
_SHOWN = 5


def divergence(
    values: Sequence[Mapping[str, float]],
    *,
    steps_before: int,
    segments: Callable[[int], Sequence[str]],
    last_good: int | None,
    learning_rate: float,
) -> str | None:
    """Returns a sentence about the first step whose numbers are not finite, if there is one.

    Args:
        values: Metrics of steps one after another.
        steps_before: Steps done before the first of them.
        segments: Gives what the lanes read in the step after so many steps (`segments_read`).
        last_good: Step of the newest checkpoint.
        learning_rate: `optimizer.learning_rate`.
    """
    lost = next((index for index, metrics in enumerate(values) if not _is_finite(metrics)), None)
    if lost is None:
        return None
    numbers = [
        f"{name} {float(value):g}"
        for name, value in values[lost].items()
        if not math.isfinite(float(value))
    ]
    read = segments(steps_before + lost)
    more = f" and {len(read) - _SHOWN} more" if len(read) > _SHOWN else ""
    good = "there is no checkpoint yet" if last_good is None else f"checkpoint {last_good} is good"
    return (
        f"training stopped being finite at step {steps_before + lost + 1} ({', '.join(numbers)}), "
        f"whose batch is {', '.join(read[:_SHOWN])}{more}; {good}: look at these clips, lower "
        f"optimizer.learning_rate (now {learning_rate:g}) or set optimizer.clip_norm"
    )


def segments_read(
    row: Row, clips: Sequence[ClipEntry], *, segment_frames: int, fps: float
) -> list[str]:
    """Returns the clips of a row of the plan, with the frames and seconds of each that are read."""
    said = []
    for clip, first, _ in row.tolist():
        if clip == IDLE:
            continue
        end = min(first + segment_frames, clips[clip].num_frames)
        seconds = f"{first / fps:.1f}-{end / fps:.1f} s"
        said.append(f"{clips[clip].name} (frames {first}-{end - 1}, {seconds})")
    return said


def _is_finite(metrics: Mapping[str, float]) -> bool:
    return all(math.isfinite(float(metrics[name])) for name in _WATCHED if name in metrics)

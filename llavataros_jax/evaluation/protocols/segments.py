"""Parts of recordings: those of a list, and their motion, speech and words."""

import csv
import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path

from llavataros_jax.errors import UserError
from llavataros_jax.evaluation.spoken import Spoken
from llavataros_jax.evaluation.take import LENGTH_TOLERANCE_FRAMES, Performance
from llavataros_jax.motion.trajectories import Trajectories

_COLUMNS = ("file_name", "start_seconds", "end_seconds")

Segments = Mapping[str, tuple[float, float]]


def read_segments(path: Path) -> Segments:
    """Reads where in its recording each clip begins and ends, in seconds.

    The form is that of `evaluation_segment_timestamps.csv` of the GENEA leaderboard: columns
    file_name, start_seconds, end_seconds; others are not read.

    Raises:
        UserError: When it is no such list, or a line of it has no segment.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise UserError(
            f"segments {path} cannot be read ({type(problem).__name__}); give a CSV with the "
            f"columns {', '.join(_COLUMNS)}"
        ) from problem
    if not rows or not set(_COLUMNS) <= rows[0].keys():
        raise UserError(
            f"segments {path} has {len(rows)} lines below its head and lacks some of the columns "
            f"{', '.join(_COLUMNS)}; give a CSV with these"
        )
    found = {}
    for line, row in enumerate(rows, start=2):
        name, first, last = (row[column] or "" for column in _COLUMNS)
        try:
            start, end = float(first), float(last)
        except ValueError:
            start, end = math.nan, math.nan
        if not (math.isfinite(end) and 0 <= start < end):
            raise UserError(
                f"segments {path}, line {line}: {name!r} from {first!r} to {last!r} seconds is no "
                "segment; give a start before an end"
            )
        if name in found:
            raise UserError(
                f"segments {path}, line {line}: there is another segment of {name!r}; give one for "
                "each recording"
            )
        found[name] = (start, end)
    return found


def segment_of(performance: Performance, segments: Segments, path: Path) -> Performance:
    """Returns a clip's segment; motion of a system that is as long as the segment is kept whole.

    Raises:
        UserError: When the list has no segment of the clip, or it lies beyond its end.
    """
    clip, real = performance.clip, performance.real
    if clip not in segments:
        raise UserError(
            f"clip {clip} is not in the segments {path}, which names {len(segments)} recordings; "
            "evaluate those, or leave the list out"
        )
    start, end = segments[clip]
    if round(end * real.fps) > real.num_frames + LENGTH_TOLERANCE_FRAMES:
        raise UserError(
            f"clip {clip} lasts {real.seconds:.2f} seconds, but its segment in {path} ends at "
            f"{end:g}; give the whole recording"
        )

    def part(motion: Trajectories) -> Trajectories:
        first, stop = round(start * motion.fps), round(end * motion.fps)
        longer = abs(motion.num_frames - (stop - first))
        if motion is not real and longer <= LENGTH_TOLERANCE_FRAMES:
            return motion
        stop = min(stop, motion.num_frames)
        if first >= stop:
            raise UserError(
                f"clip {clip}: the predicted motion lasts {motion.seconds:.2f} seconds, neither as "
                f"long as its segment, {end - start:.2f}, nor as the recording, {real.seconds:.2f}"
            )
        return motion.cut(first, stop)

    return dataclasses.replace(
        performance,
        real=part(real),
        predicted=tuple(map(part, performance.predicted)),
        spoken=performance.spoken and spoken_part(performance.spoken, start, end),
    )


def spoken_part(spoken: Spoken, start_seconds: float, end_seconds: float) -> Spoken:
    """Returns what is said in a part of a clip; a word that only reaches into it is left out."""
    return dataclasses.replace(
        spoken,
        start_seconds=spoken.start_seconds + start_seconds,
        seconds=end_seconds - start_seconds,
        words=tuple(
            (word, start - start_seconds, end - start_seconds)
            for word, start, end in spoken.words
            if start_seconds <= start and end <= end_seconds
        ),
    )

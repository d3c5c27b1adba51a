"""How much each frame of a BEAT2 recording means, as its annotators said."""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from llavataros_jax.errors import UserError

# Columns of BEAT2's `sem/NAME.txt`: label, start, end, duration, weight, comment.
_START, _END, _WEIGHT = 1, 2, 4


@dataclass(frozen=True)
class Semantics:
    """The gestures with a meaning of one recording.

    Attributes:
        gestures: Start and end in seconds, and weight from 0 to 1, of each in the file's order.
    """

    gestures: tuple[tuple[float, float, float], ...]

    def widest(self, num_frames: int, fps: float) -> Float[np.ndarray, " T"]:
        """Returns the largest weight of the gestures that touch each frame, 0 where there is none.

        As `parse_semantic` of the GENEA leaderboard: from the floor of the start to the ceiling of
        the end.
        """
        weights = np.zeros(num_frames)
        for start, end, weight in self.gestures:
            frames = slice(math.floor(start * fps), math.ceil(end * fps))
            weights[frames] = np.maximum(weights[frames], weight)
        return weights

    def first(self, num_frames: int, fps: float) -> Float[np.ndarray, " T"]:
        """Returns the weight of the first gesture that holds each frame's time, 0 without any.

        As the data loaders of BEAT2 do it.
        """
        times, weights = np.arange(num_frames) / fps, np.zeros(num_frames)
        for start, end, weight in reversed(self.gestures):
            weights[(times >= start) & (times <= end)] = weight
        return weights


def read_semantics(path: Path) -> Semantics:
    """Reads BEAT2's `sem/NAME.txt`, tab-separated without a head.

    Raises:
        UserError: When it is missing or has another form.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if row]
        gestures = [tuple(float(row[column]) for column in (_START, _END, _WEIGHT)) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error, ValueError, IndexError) as problem:
        raise UserError(
            f"semantic annotation {path} cannot be read ({type(problem).__name__}); give BEAT2's "
            "tab-separated text of label, start, end, duration and weight"
        ) from problem
    return Semantics(tuple((start, end, weight) for start, end, weight in gestures if end > start))

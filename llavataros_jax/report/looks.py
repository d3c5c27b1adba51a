"""What is looked at again: some clips for histograms, and of a few the whole motion."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from llavataros_jax.evaluation.result import Result
from llavataros_jax.evaluation.statistics import hand_joints
from llavataros_jax.evaluation.take import Performance, matched
from llavataros_jax.motion.trajectories import Trajectories
from llavataros_jax.report.ranking import Ranking, column_key

MOST_CLIPS = 12
MOST_SECONDS = 600.0


@runtime_checkable
class Source(Protocol):
    """Clips in the order of `Result.by_clip`, read when they are asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, clip: int) -> Performance: ...


@dataclass(eq=False)
class Looks:
    """Clips that were read again.

    Attributes:
        whole: As the source has them, of the ranked clips, by number.
        measured: The same as the protocol measures them.
        speeds: Of both hands, m/s, by who moves, one array for each clip.
        accelerations: Of both hands, m/s².
        recorded: Whether there is recorded motion; without it, a stand-in has its place in the
            clips.
        clips: Number of clips in these.
        seconds: Their length.
    """

    whole: dict[int, Performance] = field(default_factory=dict)
    measured: dict[int, Performance] = field(default_factory=dict)
    speeds: dict[str, list[Float[np.ndarray, " _"]]] = field(default_factory=dict)
    accelerations: dict[str, list[Float[np.ndarray, " _"]]] = field(default_factory=dict)
    recorded: bool = True
    clips: int = 0
    seconds: float = 0.0


def look_at(
    source: Source, result: Result, ranking: Ranking, *, progress: Callable[[str], None]
) -> Looks:
    """Reads the ranked clips again, and some more for the histograms, one after another."""
    ranked = {clip.number for clip in ranking.clips}
    many = min(MOST_CLIPS, len(source), int(MOST_SECONDS * len(source) / max(result.seconds, 1e-9)))
    spread = np.linspace(0, len(source) - 1, many).round().astype(int).tolist()
    looks = Looks(recorded=bool(column_key(result, "real")))
    numbers = sorted(ranked.union(spread))
    for place, number in enumerate(numbers, start=1):
        progress(f"reading clip {place} of {len(numbers)}")
        whole = source[number]
        measured = matched(result.protocol.prepare(whole))
        if number in ranked:
            looks.whole[number], looks.measured[number] = whole, measured
        looks.clips += 1
        looks.seconds += measured.real.seconds
        for who, motion in motions_of(measured, recorded=looks.recorded).items():
            for order, found in ((1, looks.speeds), (2, looks.accelerations)):
                found.setdefault(who, []).append(_hands(motion, order))
    return looks


def motions_of(performance: Performance, *, recorded: bool) -> dict[str, Trajectories]:
    """Returns the system's first motion and the recorded one, as far as there are."""
    motions = {"predicted": performance.predicted[0]} if performance.predicted else {}
    return motions | ({"real": performance.real} if recorded else {})


def _hands(motion: Trajectories, order: int) -> Float[np.ndarray, " n"]:
    """Returns the lengths of differences of the hands' places, per second^order."""
    hands = motion.positions[:, list(hand_joints(motion.skeleton).values())]
    if len(hands) <= order:
        return np.zeros(0)
    return np.linalg.norm(np.diff(hands, order, axis=0), axis=-1).ravel() * motion.fps**order

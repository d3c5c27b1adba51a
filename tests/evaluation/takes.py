"""Takes of a few frames, and a measure's value over some of them."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from llavataros_jax.evaluation.measure import Measure
from llavataros_jax.evaluation.spoken import Spoken
from llavataros_jax.evaluation.take import Take
from llavataros_jax.motion.trajectories import of_motion, of_positions
from tests.evaluation.people import standing


def take(positions=None, real=None, *, num_frames=300, fps=30.0, **parts) -> Take:
    """Stands two bodies up, each with {joint: (T, 3)} added to its places."""
    bodies = [
        of_motion(standing(moves, num_frames=num_frames, fps=fps)) for moves in (positions, real)
    ]
    return Take("clip", "who", *bodies, **parts)


@dataclass(frozen=True, eq=False)
class Heard(Spoken):
    """Is speech whose beats are known without listening."""

    beats_seconds: np.ndarray = field(default_factory=lambda: np.zeros(0))


def heard(times=(), words=(), *, seconds=10.0) -> Spoken:
    """Says words at some times, with beats at others."""
    spoken = tuple(("word", float(at), float(at) + 0.2) for at in words)
    beats = np.array(times, np.float64)
    return Heard(Path("unheard.wav"), 0.0, float(seconds), spoken, beats_seconds=beats)


def nameless(num_frames=50, fps=30.0) -> Take:
    """Is two bodies whose names tell no hands."""
    random = np.random.default_rng(0)
    places = random.normal(size=(num_frames, 3, 3))
    first = of_positions(places, fps, ["a", "b", "c"])
    second = of_positions(places + 0.1, fps, ["a", "b", "c"], like=first.skeleton)
    return Take("clip", "who", first, second)


def value(measure: Measure, *takes: Take) -> float:
    """Gathers takes and finishes their sum; NaN where none has anything to measure."""
    found = [sums for take in takes if (sums := measure.gather(take)) is not None]
    return measure.finish(np.sum(found, axis=0)) if found else float("nan")

"""Measures of the GENEA challenges, in centimetres."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from llavataros_jax.embedding.positions import doubled_positions
from llavataros_jax.evaluation.measure import Measure, Sums, mean, weighted
from llavataros_jax.evaluation.protocols import genea_errors
from llavataros_jax.evaluation.protocols.genea_histogram import SpeedBins
from llavataros_jax.evaluation.remembered import remembered
from llavataros_jax.evaluation.take import Take
from llavataros_jax.motion.trajectories import Trajectories

SOURCE = "github.com/genea-workshop/genea_numerical_evaluations"
_CM = 100.0

Centimetres = Callable[[Trajectories], Float[np.ndarray, "T J 3"]]


@dataclass(frozen=True)
class Year:
    """What differs between the challenges.

    Attributes:
        name: Of the protocol.
        branch: Of the reference code.
        fps: Rate at which motion is measured.
        bins: Of the speed histogram.
        cca_iterations: Most iterations of a canonical correlation.
    """

    name: str
    branch: str
    fps: float
    bins: SpeedBins
    cca_iterations: int


def genea_measures(year: Year, centimetres: Centimetres) -> tuple[Measure, ...]:
    """Returns AJ, AA, the distance of speeds, CCA, APE and MAE.

    Args:
        year: Numbers of a challenge.
        centimetres: Positions that are measured, cm.
    """
    once = remembered(centimetres)
    return (
        *_kinetics(year, once),
        _histogram(year, once),
        _correlation(year, once),
        *_errors(once),
    )


def in_centimetres(motion: Trajectories) -> Float[np.ndarray, "T J 3"]:
    """Returns positions in centimetres."""
    return motion.positions * _CM


def doubled_centimetres(motion: Trajectories) -> Float[np.ndarray, "T J 3"]:
    """Returns the positions that `bvh2npy.py` has, of places alone those that are given."""
    positions = motion.positions if motion.motion is None else doubled_positions(motion.motion)
    return positions * _CM


def _kinetics(year: Year, centimetres: Centimetres) -> list[Measure]:
    measures = []
    for order, short, word, unit in (
        (3, "AJ", "jerk", "cm/s³"),
        (2, "AA", "acceleration", "cm/s²"),
    ):

        def value(motion: Trajectories, order: int = order) -> float:
            return genea_errors.derivative_size(centimetres(motion), order, year.fps)

        once = remembered(value)
        key = f"average_{word}_centimetres_per_second{order}"
        measures += [
            Measure(
                key,
                f"{short}, average {word} ({unit})",
                f"Mean size of {word} over frames, joints and recordings: too little is stiff or "
                "smoothed, too much trembles.",
                f"{SOURCE}: calk_jerk_or_acceleration.py",
                _each(once),
                mean,
            ),
            Measure(
                f"{key}_deviation",
                f"{short} between recordings ({unit})",
                f"Standard deviation of average {word} over recordings.",
                f"{SOURCE}: calk_jerk_or_acceleration.py",
                _each(once, squares=True),
                _deviation,
                towards="none",
            ),
        ]
    return measures


def _each(
    value: Callable[[Trajectories], float], *, squares: bool = False
) -> Callable[[Take], Sums | None]:
    """Returns what gathers a mean over recordings, each counting alike."""

    def gather(take: Take) -> Sums | None:
        found = value(take.motion)
        sums = weighted(found, 1.0)
        return sums if sums is None or not squares else np.array([found, found**2, 1.0])

    return gather


def _deviation(sums: Sums) -> float:
    total, squares, count = sums
    return math.sqrt(max(squares / count - (total / count) ** 2, 0.0)) if count else math.nan


def _histogram(year: Year, centimetres: Centimetres) -> Measure:
    @remembered
    def counts(motion: Trajectories) -> Sums:
        return year.bins.counts(centimetres(motion), year.fps)

    def gather(take: Take) -> Sums:
        return np.concatenate([counts(take.motion), counts(take.real)])

    def finish(sums: Sums) -> float:
        return year.bins.distance(*np.split(sums, 2))

    return Measure(
        "speed_hellinger",
        "Hellinger distance of speeds",
        "How far the histogram of joints' speeds is from the recorded one, from 0 to 1.",
        f"{SOURCE}: calc_histogram.py, hellinger_distance.py",
        gather,
        finish,
        towards="low",
        distribution=True,
    )


def _correlation(year: Year, centimetres: Centimetres) -> Measure:
    def gather(take: Take) -> Sums | None:
        pair = centimetres(take.motion), centimetres(take.real)
        return weighted(genea_errors.canonical_correlation(*pair, year.cca_iterations), 1.0)

    return Measure(
        "cca",
        "CCA",
        "Correlation of the first canonical variables of both motions, fitted to each recording: "
        "near 1 whatever moves, the more the shorter the recording; not to be compared.",
        f"{SOURCE}: calc_cca.py, cca.py",
        gather,
        mean,
        towards="none",
        compares=True,
    )


def _errors(centimetres: Centimetres) -> list[Measure]:
    def comparing(error: Callable[..., float]) -> Callable[[Take], Sums | None]:
        return lambda take: weighted(error(centimetres(take.motion), centimetres(take.real)), 1.0)

    source = "github.com/Svito-zar/gesticulator (a9247c7): obj_evaluation/calc_errors.py"
    return [
        Measure(
            "position_error_centimetres",
            "APE (cm)",
            "Mean distance of joints from where they were recorded; a held mean pose does best.",
            source,
            comparing(genea_errors.position_error),
            mean,
            towards="low",
            compares=True,
        ),
        Measure(
            "absolute_error_centimetres",
            "MAE (cm)",
            "Mean difference of coordinates from the recorded ones.",
            source,
            comparing(genea_errors.absolute_error),
            mean,
            towards="low",
            compares=True,
        ),
    ]

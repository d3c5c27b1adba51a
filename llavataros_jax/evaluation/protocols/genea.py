"""The numerical evaluations of the GENEA Challenge 2022.

Source: github.com/genea-workshop/genea_numerical_evaluations, branch 2022 (38eed64).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from llavataros_jax.embedding.positions import doubled_positions
from llavataros_jax.evaluation.anchor_columns import COLUMNS
from llavataros_jax.evaluation.measure import Measure, Sums, mean, weighted
from llavataros_jax.evaluation.protocol import Protocol, ProtocolOptions
from llavataros_jax.evaluation.protocols import genea_errors
from llavataros_jax.evaluation.protocols.fgd import LACKS_FGD, fgd
from llavataros_jax.evaluation.protocols.genea_histogram import SpeedBins
from llavataros_jax.evaluation.protocols.genea_joints import (
    GENEA_FULL_BODY,
    GENEA_UPPER_BODY,
    LEGS,
)
from llavataros_jax.evaluation.protocols.joint_names import chosen, has, require
from llavataros_jax.evaluation.protocols.motions import changed
from llavataros_jax.evaluation.protocols.rates import HOW, at_rate
from llavataros_jax.evaluation.remembered import remembered
from llavataros_jax.evaluation.take import Performance, Take
from llavataros_jax.motion.skeleton import Skeleton
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


def protocol(options: ProtocolOptions) -> Protocol:
    """Returns the protocol of 2022: 58 joints of the full body or 54 of the upper, 30 fps.

    Quirks: positions have doubled offsets, where rotations are known (`bvh2npy.py`); the fixed hips
    are cut off flat arrays, 8 numbers of them; speeds beyond the last bin vanish. Without quirks
    bodies have their own size, 8 joints are cut, and the last bin takes what is faster.

    Raises:
        UserError: When the embedding cannot be used.
    """
    bins = SpeedBins() if options.quirks else SpeedBins(rank="joints", keeps_fast=True)
    year = Year("genea", "2022 (38eed64)", 30.0, bins, cca_iterations=1500)
    doubled = "doubled where rotations are known (PyMO)" if options.quirks else "as in the file"

    def joints_of(skeleton: Skeleton, clip: str) -> tuple[str, ...]:
        names = GENEA_FULL_BODY if has(skeleton, LEGS) else GENEA_UPPER_BODY
        require(skeleton, names, protocol=year.name, clip=clip)
        return names

    return assemble(
        year,
        options,
        says="For motion of the GENEA Challenges 2022 and 2023 (Talking With Hands); follows their "
        "numerical evaluations of 2022.",
        joints="of the list of 58 joints of the full body, or of 54 where there are no legs",
        joints_of=joints_of,
        centimetres=doubled_centimetres if options.quirks else in_centimetres,
        settings={"offsets of bones": doubled},
    )


def assemble(
    year: Year,
    options: ProtocolOptions,
    *,
    says: str,
    joints: str,
    joints_of: Callable[[Skeleton, str], tuple[str, ...]],
    centimetres: Centimetres,
    settings: Mapping[str, str],
) -> Protocol:
    """Returns the protocol of a challenge.

    Args:
        year: Its numbers.
        options: Of the user.
        says: Of the protocol.
        joints: Of the protocol.
        joints_of: Names of the joints of a skeleton that count; refuses one that lacks any.
        centimetres: Positions that are measured, cm.
        settings: What changes numbers beside what `year` says.
    """
    kept = remembered(centimetres)

    def prepare(performance: Performance) -> Performance:
        def brought(motion: Trajectories) -> Trajectories:
            names = joints_of(motion.skeleton, performance.clip)
            return at_rate(chosen(motion, names), year.fps)

        return changed(performance, brought)

    bins = year.bins
    measures = [
        *_kinetics(year, kept),
        _histogram(year, kept),
        _correlation(year, kept),
        *_errors(kept),
    ]
    lacks = [
        "FGD on raw windows: its covariance has the square of all numbers of a window, which is "
        "gigabytes for each column",
        "CCA of all recordings at once, which the reference prints beside that of each",
    ]
    if options.embedding is None:
        lacks.append(LACKS_FGD)
    else:
        measures.insert(0, fgd(options.embedding, drops_last_window=options.quirks))
    return Protocol(
        name=year.name,
        version=1,
        says=says,
        fps=year.fps,
        joints=joints,
        measures=tuple(measures),
        columns=COLUMNS,
        prepare=prepare,
        settings={
            "reference": f"{SOURCE}, branch {year.branch}",
            "quirks": "reproduced" if options.quirks else "corrected",
            "unit": "centimetres",
            "resampling": HOW,
            "histogram": f"bins of {bins.width:g} up to {bins.last:g} cm/s, {bins.cut} "
            f"{bins.rank} cut as hips, faster speeds "
            + ("in the last bin" if bins.keeps_fast else "left out"),
            **settings,
            **({"embedding": str(options.embedding)} if options.embedding else {}),
        },
        lacks=tuple(lacks),
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

"""The columns of the table, and how several motions of one clip count."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from llavataros_jax.evaluation.catalogue.distribution import FD_G, FD_K
from llavataros_jax.evaluation.catalogue.movement import AMPLITUDE_RATIO, HAND_SPEED_RATIO, JERK
from llavataros_jax.evaluation.measure import Measure, Sums, mean
from llavataros_jax.evaluation.protocol import Protocol, ProtocolOptions
from llavataros_jax.evaluation.protocols.alignment import KEY as ALIGNMENT
from llavataros_jax.evaluation.protocols.choice import open_protocol
from llavataros_jax.evaluation.take import Take

FGD = "fgd"
# The alignment of motion that was made of speech of another time with the right speech.
STRANGER = f"{ALIGNMENT}_of_another_time"


def _jerks(take: Take) -> Sums | None:
    ours, theirs = (
        JERK.gather(dataclasses.replace(take, motion=motion)) for motion in (take.motion, take.real)
    )
    return None if ours is None or theirs is None else np.concatenate([ours, theirs])


JERK_RATIO = Measure(
    key="jerk_ratio",
    title="jerk / real",
    says="Mean jerk of all joints by that of the recorded motion; above 1 it jitters.",
    source=f"ours: the ratio of {JERK.key}",
    gather=_jerks,
    finish=lambda sums: mean(sums[:2]) / mean(sums[2:]),
    towards="one",
)


def open_measures(
    embedding: Path | None, alignment: Path | None
) -> tuple[Protocol, tuple[Measure, ...]]:
    """Returns the protocol that brings motion into its form, and the measures in their order.

    Raises:
        UserError: When a file cannot be used.
    """
    options = ProtocolOptions(embedding=embedding, alignment=alignment)
    protocol = open_protocol("torso", options)
    known = {measure.key: measure for measure in (*protocol.measures, JERK_RATIO)}
    wanted = (HAND_SPEED_RATIO.key, AMPLITUDE_RATIO.key, JERK_RATIO.key, FGD, FD_K.key, FD_G.key)
    return protocol, tuple(known[key] for key in (*wanted, ALIGNMENT) if key in known)


def gather_each(measure: Measure, take: Take) -> Sums | None:
    """Returns the sums of all samples of a take, one after another; None where one has none."""
    found = [
        measure.gather(dataclasses.replace(take, motion=motion, others=()))
        for motion in (take.motion, *take.others)
    ]
    sums = [one for one in found if one is not None]
    return np.concatenate(sums) if len(sums) == len(found) else None


def mean_of_each(finish: Callable[[Sums], float], samples: int) -> Callable[[Sums], float]:
    """Returns what averages the values of samples whose sums follow each other.

    So clouds of poses are those of one sample each, and not of all of them together.
    """

    def finished(sums: Sums) -> float:
        values: Sequence[float] = [finish(part) for part in np.split(sums, samples)]
        return float(np.mean(values))

    return finished

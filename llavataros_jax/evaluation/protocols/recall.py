"""SRGR: how much of the recorded motion is met, weighted by what it means."""

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Float

from llavataros_jax.evaluation.measure import Measure, Sums, mean
from llavataros_jax.evaluation.protocols.beat2 import Body, parts
from llavataros_jax.evaluation.protocols.semantics import Semantics, read_semantics
from llavataros_jax.evaluation.take import Take
from llavataros_jax.motion.trajectories import Trajectories

LACKS_SEMANTICS = (
    "weights of meaning, which are in the data set's sem folder: SRGR counts every frame alike, as "
    "the reference does without them"
)

Distance = Callable[[Float[np.ndarray, "T J 3"]], Float[np.ndarray, "T J"]]
# Weights of the frames of a recording, counted from its beginning.
Weights = Callable[[Semantics, int], Float[np.ndarray, " T"]]


def euclidean(differences: Float[np.ndarray, "T J 3"]) -> Float[np.ndarray, "T J"]:
    """Returns lengths."""
    return np.linalg.norm(differences, axis=2)


def summed(differences: Float[np.ndarray, "T J 3"]) -> Float[np.ndarray, "T J"]:
    """Returns |x| + |y| + |z|."""
    return np.abs(differences).sum(axis=2)


def recall_measure(
    body: Body,
    *,
    threshold_metres: float,
    distance: Distance,
    source: str,
    semantics: Path | None,
    weights: Weights,
    mean_weight: float,
    first_frame: Callable[[str], int] = lambda clip: 0,
    chunk_frames: int | None = None,
    pooled: bool = False,
) -> Measure:
    """Returns SRGR.

    Args:
        body: Places that are measured of a motion.
        threshold_metres: What is near enough.
        distance: Of a joint from where it was.
        source: Of the measure.
        semantics: Folder of `CLIP.txt`, or None to count every frame alike.
        weights: Of the frames of a recording.
        mean_weight: What weights are divided by: their mean over the data set.
        first_frame: Where in its recording a clip begins.
        chunk_frames: Length of the parts that are measured; a rest is left out.
        pooled: Whether all samples of a system count, or the first alone.
    """

    @functools.lru_cache(maxsize=4)
    def shares(clip: str, num_frames: int) -> Float[np.ndarray, " T"]:
        if semantics is None:
            return np.ones(num_frames)
        first = first_frame(clip)
        found = weights(read_semantics(semantics / f"{clip}.txt"), first + num_frames)
        return found[first:] / mean_weight

    def sums(take: Take, motion: Trajectories) -> Sums:
        near = distance(body(motion).positions - body(take.real).positions) < threshold_metres
        rates = near.mean(axis=1) * shares(take.clip, motion.num_frames)
        pieces = parts(motion.num_frames, chunk_frames)
        return np.sum([[rates[i:j].sum(), j - i] for i, j in pieces] or [[0.0, 0.0]], axis=0)

    def gather(take: Take) -> Sums | None:
        motions = (take.motion, *take.others) if pooled else (take.motion,)
        total = np.sum([sums(take, motion) for motion in motions], axis=0)
        return total if total[1] else None

    return Measure(
        "semantic_recall",
        f"SRGR, within {threshold_metres:g} m",
        "Share of joints and frames that are near the recorded ones, weighted by what the gesture "
        "means where that is annotated; a held mean pose does well.",
        source,
        gather,
        mean,
        towards="high",
        compares=True,
    )

"""Nearness to the recorded motion, frame by frame: of many motions that would do, it knows one."""

import math

import numpy as np

from llavataros_jax.evaluation.likeness import canonical_correlation, semantic_recall
from llavataros_jax.evaluation.measure import Measure, Sums, by_seconds, mean
from llavataros_jax.evaluation.remembered import remembered
from llavataros_jax.evaluation.statistics import SIDES, hand_joints, speed
from llavataros_jax.evaluation.take import Take
from llavataros_jax.motion.trajectories import Trajectories

# Variance of speed below which a hand is still, up to rounding.
_STILL_METRES2_PER_SECOND2 = 1e-18


@remembered
def _hand_speeds(motion: Trajectories) -> dict[str, np.ndarray]:
    hands = hand_joints(motion.skeleton)
    return {side: speed(motion.positions[:, joint], motion.fps) for side, joint in hands.items()}


def _speed_products(take: Take) -> Sums | None:
    """Sums, for each side, squares and product of both speeds about their means."""
    ours, theirs = _hand_speeds(take.motion), _hand_speeds(take.real)
    if not ours:
        return None
    sums = np.zeros((len(SIDES), 3))
    for row, side in zip(sums, SIDES, strict=True):
        if side in ours:
            first, second = (one[side] - one[side].mean() for one in (ours, theirs))
            squares = np.array([first @ first, second @ second])
            still = squares <= _STILL_METRES2_PER_SECOND2 * len(first)
            row[:] = [*np.where(still, 0.0, squares), 0.0 if still.any() else first @ second]
    return sums.ravel()


def _speed_correlation(sums: Sums) -> float:
    sides = [
        product / math.sqrt(first * second)
        for first, second, product in sums.reshape(-1, 3)
        if first > 0 and second > 0
    ]
    return float(np.mean(sides)) if sides else math.nan


def _distances(take: Take) -> Sums:
    distances = np.linalg.norm(take.motion.positions - take.real.positions, axis=-1)
    return np.array([distances.sum(), distances.size])


def _coordinates(take: Take) -> Sums:
    errors = np.abs(take.motion.positions - take.real.positions)
    return np.array([errors.sum(), errors.size])


def _canonical_correlation(take: Take) -> float:
    sides = (motion.positions.reshape(motion.num_frames, -1) for motion in (take.motion, take.real))
    return canonical_correlation(*sides)


def recall_measure(threshold_metres: float = 0.1) -> Measure:
    """Returns SRGR with all frames weighted alike, at a distance that is near enough."""

    def recall(take: Take) -> float:
        return semantic_recall(
            take.motion.positions, take.real.positions, threshold_metres=threshold_metres
        )

    return Measure(
        key=f"recall_within_{threshold_metres:g}_metres".replace(".", "_"),
        title=f"SRGR, within {threshold_metres:g} m",
        says=f"Share of joints and frames that are within {threshold_metres:g} m of the recorded "
        "ones; without weights of meaning, which recordings lack, the mean pose does well.",
        source="SRGR of BEAT 2022 and PantoMatrix emage_evaltools/mertic.py, semantic weights 1",
        gather=by_seconds(recall),
        finish=mean,
        towards="high",
        compares=True,
    )


POSITION_ERROR = Measure(
    key="position_error_metres",
    title="APE, position error (m)",
    says="Mean distance of joints from the recorded ones; the mean pose is hard to beat.",
    source="APE, gesticulator obj_evaluation/calc_errors.py",
    gather=_distances,
    finish=mean,
    towards="low",
    compares=True,
)
COORDINATE_ERROR = Measure(
    key="coordinate_error_metres",
    title="MAE, coordinate error (m)",
    says="Mean difference of the joints' x, y and z from the recorded ones.",
    source="MAE, gesticulator obj_evaluation/calc_errors.py",
    gather=_coordinates,
    finish=mean,
    towards="low",
    compares=True,
)
HAND_SPEED_CORRELATION = Measure(
    key="hand_speed_correlation",
    title="hand speed correlation",
    says="Whether the wrists are fast when the recorded ones are: Pearson's r over time, the mean "
    "of both hands.",
    source="ours: within clips, pooled; Kucherenko et al. 2020 compare speeds likewise",
    gather=_speed_products,
    finish=_speed_correlation,
    towards="one",
    compares=True,
)
CANONICAL_CORRELATION = Measure(
    key="canonical_correlation",
    title="CCA",
    says="Best correlation of any two weighted sums of coordinates; it is high by itself, the more "
    "so the shorter the clip, so read it beside the anchors.",
    source="genea_numerical_evaluations cca.py, fitted to each clip; scikit-learn CCA",
    gather=by_seconds(_canonical_correlation),
    finish=mean,
    towards="high",
    compares=True,
)
RECALL = recall_measure()

LIKENESS: tuple[Measure, ...] = (
    POSITION_ERROR,
    COORDINATE_ERROR,
    HAND_SPEED_CORRELATION,
    CANONICAL_CORRELATION,
    RECALL,
)

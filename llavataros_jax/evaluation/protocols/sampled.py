"""Measures of the GENEA leaderboard, over all samples of a system.

Source: github.com/GENEALeaderboard/objective_metric (49aab47): exp_eval_metrics.py and
emage_evaltools/metric_modified.py; FD_g, FD_k and var_k there are after audio2photoreal.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Float

from llavataros_jax.evaluation.diversity import sample_variance
from llavataros_jax.evaluation.frechet import frechet_measure
from llavataros_jax.evaluation.measure import Measure, Sums, mean, weighted
from llavataros_jax.evaluation.protocol import ProtocolOptions
from llavataros_jax.evaluation.protocols import beat2
from llavataros_jax.evaluation.protocols.fgd import SAYS, feature_points
from llavataros_jax.evaluation.protocols.fgd import SOURCE as FGD_SOURCE
from llavataros_jax.evaluation.protocols.recall import euclidean, recall_measure
from llavataros_jax.evaluation.protocols.smplx_joints import axis_angles, from_pelvis
from llavataros_jax.evaluation.take import Take
from llavataros_jax.motion.trajectories import Trajectories

SOURCE = "github.com/GENEALeaderboard/objective_metric (49aab47): exp_eval_metrics.py"
SAMPLES = 5
# A draw of 55 joints takes a singular value decomposition of 165 by 165.
FRECHET_DRAWS = 200
_THRESHOLD, _TRIM_FRAMES = 0.10, 60
_NEAR_METRES, _MEAN_WEIGHT = 0.1, 0.1672


def sampled_measures(
    options: ProtocolOptions,
    *,
    mean_speeds: Path | None,
    semantics: Path | None,
    first_frame: Callable[[str], int] = lambda clip: 0,
) -> tuple[Measure, ...]:
    """Returns the measures; see `leaderboard.protocol`.

    Args:
        options: Of the user.
        mean_speeds: Of joints.
        semantics: Folder of annotations.
        first_frame: Where in its recording a clip begins.

    Raises:
        UserError: When a file cannot be used.
    """
    speeds = mean_speeds and beat2.read_mean_speeds(mean_speeds)
    beats = beat2.Beats(_THRESHOLD, _TRIM_FRAMES, None, options.quirks, speeds)
    measures = [
        frechet_measure(
            "fd_g_radians2",
            "FD_g, rotations (rad²)",
            turns,
            says="How far the cloud of poses, as axis-angle vectors of all joints and the turn of "
            "the body, is from the recorded one.",
            source=f"{SOURCE}, evaluation_a2p",
            all_samples=True,
            resamples=FRECHET_DRAWS,
        ),
        frechet_measure(
            "fd_k_radians2",
            "FD_k, rotations' steps (rad²)",
            turn_steps,
            says="How far the cloud of differences of consecutive frames is from the recorded one, "
            "per frame.",
            source=f"{SOURCE}, evaluation_a2p",
            all_samples=True,
            resamples=FRECHET_DRAWS,
        ),
        *beat2.beat_measures(
            beats, from_pelvis, source=f"{SOURCE}, BC of metric_modified.py", both=True, pooled=True
        ),
        recall_measure(
            from_pelvis,
            threshold_metres=_NEAR_METRES,
            distance=euclidean,
            source=f"{SOURCE}, SRGR of metric_modified.py",
            semantics=semantics,
            weights=lambda gestures, frames: gestures.widest(frames, beat2.FPS),
            mean_weight=_MEAN_WEIGHT,
            first_frame=first_frame,
            pooled=True,
        ),
        beat2.diversity_measure(from_pelvis, source=f"{SOURCE}, L1div", pooled=True),
        Measure(
            "rotation_variance_radians2",
            "var_k (rad²)",
            "Variance of axis-angle vectors over each clip, mean over their numbers and clips: how "
            "large movements are.",
            f"{SOURCE}, evaluation_a2p",
            _variance,
            mean,
        ),
        Measure(
            "sample_diversity_radians2",
            "Div-sample (rad²)",
            "Variance between samples for the same speech, mean over frames and numbers.",
            f"{SOURCE}, evaluation_sample_div",
            _between_samples,
            mean,
            towards="none",
            several=True,
        ),
    ]
    if options.embedding:
        points = feature_points(options.embedding, drops_last_window=False)
        fgd = frechet_measure(
            *("fgd", "FGD", points),
            says=SAYS,
            source=FGD_SOURCE,
            all_samples=True,
            resamples=FRECHET_DRAWS,
        )
        measures.insert(0, fgd)
    return tuple(measures)


def turns(motion: Trajectories) -> Float[np.ndarray, "N D"]:
    """Returns the axis-angle vectors of each frame; none where rotations are not known."""
    if motion.motion is None:
        return np.zeros((0, 3 * motion.skeleton.num_joints))
    return axis_angles(motion.motion).reshape(motion.num_frames, -1)


def turn_steps(motion: Trajectories) -> Float[np.ndarray, "N D"]:
    """Returns their differences from frame to frame."""
    return np.diff(turns(motion), axis=0)


def _variance(take: Take) -> Sums | None:
    found = [turns(motion) for motion in (take.motion, *take.others)]
    values = [float(frames.var(axis=0).mean()) for frames in found if len(frames)]
    return np.array([sum(values), len(values)]) if values else None


def _between_samples(take: Take) -> Sums | None:
    samples = [turns(motion) for motion in (take.motion, *take.others)]
    if len(samples) < 2 or not all(map(len, samples)):
        return None
    shortest = min(map(len, samples))
    vectors = [frames[:shortest].reshape(shortest, -1, 3) for frames in samples]
    return weighted(sample_variance(vectors), 1.0)

"""The GENEA leaderboard on BEAT2 (spec/evaluation.md, C3).

Source: github.com/GENEALeaderboard/objective_metric (49aab47): exp_eval_metrics.py.
"""

from pathlib import Path

from llavataros_jax.evaluation.anchor_columns import COLUMNS
from llavataros_jax.evaluation.protocol import Protocol, ProtocolOptions
from llavataros_jax.evaluation.protocols import beat2
from llavataros_jax.evaluation.protocols.emage_rate import prepared, told
from llavataros_jax.evaluation.protocols.recall import LACKS_SEMANTICS
from llavataros_jax.evaluation.protocols.sampled import (
    FRECHET_DRAWS,
    SAMPLES,
    SOURCE,
    sampled_measures,
)
from llavataros_jax.evaluation.protocols.segments import read_segments, segment_of
from llavataros_jax.evaluation.take import Performance


def protocol(
    options: ProtocolOptions,
    *,
    segments: Path | None = None,
    mean_speeds: Path | None = None,
    semantics: Path | None = None,
) -> Protocol:
    """Returns the protocol: 30 fps, five samples of each clip, all pooled.

    Quirks: whether a joint moves is looked up 60 frames before a beat; 15 frames a second become 30
    by stretching over the whole clip. Without them the beat's own frame counts, and frames keep
    their times.

    Args:
        options: Of the user.
        segments: The leaderboard's `evaluation_segment_timestamps.csv`, 108 segments of 7.7 to
            12 s; when not given, whole clips.
        mean_speeds: EMAGE's `mean_vel_smplxflame_30.npy`; when not given, the recording's own.
        semantics: BEAT2's folder `sem`.

    Raises:
        UserError: When a file cannot be used.
    """
    found = read_segments(segments) if segments else {}
    starts = {clip: round(start * beat2.FPS) for clip, (start, _) in found.items()}

    def prepare(performance: Performance) -> Performance:
        if segments:
            performance = segment_of(performance, found, segments)
        return prepared(performance, protocol="leaderboard", quirks=options.quirks)

    return Protocol(
        name="leaderboard",
        version=1,
        says="For BEAT2 and five samples of each clip; follows the objective metrics of the GENEA "
        "leaderboard.",
        fps=beat2.FPS,
        joints=beat2.JOINTS,
        measures=sampled_measures(
            options,
            mean_speeds=mean_speeds,
            semantics=semantics,
            first_frame=lambda clip: starts.get(clip, 0),
        ),
        columns=COLUMNS,
        prepare=prepare,
        samples=SAMPLES,
        settings={
            "reference": SOURCE,
            "quirks": "reproduced" if options.quirks else "corrected",
            "segments": f"{len(found)} of {segments}" if segments else "none, whole clips",
            "samples": f"{SAMPLES} of each clip, all pooled",
            "mean speeds": str(mean_speeds or beat2.MEAN_SPEEDS),
            "weights of meaning": str(semantics or "none"),
            "intervals": f"clips are drawn, {FRECHET_DRAWS} times for Fréchet distances; the "
            "reference draws single frames, 1000 times, as if they were independent",
            "resampling": told(quirks=options.quirks),
            **({"embedding": str(options.embedding)} if options.embedding else {}),
        },
        lacks=(
            *beat2.LACKS,
            "the joints that the motion has not: FD_g, FD_k, var_k and Div-sample are exact where "
            "all 55 of SMPL-X are there",
            "people's judgement, by which the leaderboard ranks",
            *(() if segments else ("its 108 segments, which their list would cut",)),
            *(() if semantics else (LACKS_SEMANTICS,)),
        ),
    )

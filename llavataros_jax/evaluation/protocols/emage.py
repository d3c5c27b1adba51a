"""BEAT2 as EMAGE and its successors measure it (spec/evaluation.md, C1).

Source: github.com/PantoMatrix/PantoMatrix (0bbb03d): emage_evaltools/mertic.py.
"""

from pathlib import Path

from llavataros_jax.evaluation.anchor_columns import COLUMNS
from llavataros_jax.evaluation.protocol import Protocol, ProtocolOptions
from llavataros_jax.evaluation.protocols import beat2
from llavataros_jax.evaluation.protocols.emage_rate import prepared, told
from llavataros_jax.evaluation.protocols.fgd import fgd
from llavataros_jax.evaluation.protocols.recall import LACKS_SEMANTICS, euclidean, recall_measure
from llavataros_jax.evaluation.protocols.smplx_joints import from_pelvis
from llavataros_jax.evaluation.take import Performance

SOURCE = "github.com/PantoMatrix/PantoMatrix (0bbb03d): emage_evaltools/mertic.py"
_THRESHOLD, _TRIM_FRAMES = 0.10, 60
_NEAR_METRES, _MEAN_WEIGHT = 0.1, 0.165


def protocol(
    options: ProtocolOptions, *, mean_speeds: Path | None = None, semantics: Path | None = None
) -> Protocol:
    """Returns the protocol: 30 fps, bodies unturned at the origin, threshold 0.10.

    Quirks: whether a joint moves is looked up 60 frames before a beat; 15 frames a second become 30
    by stretching over the whole clip. Without them the beat's own frame counts, and frames keep
    their times.

    Args:
        options: Of the user.
        mean_speeds: EMAGE's `mean_vel_smplxflame_30.npy`; when not given, the recording's own.
        semantics: BEAT2's folder `sem`.

    Raises:
        UserError: When a file cannot be used.
    """
    speeds = mean_speeds and beat2.read_mean_speeds(mean_speeds)
    beats = beat2.Beats(_THRESHOLD, _TRIM_FRAMES, None, options.quirks, speeds)

    def prepare(performance: Performance) -> Performance:
        return prepared(performance, protocol="emage", quirks=options.quirks)

    measures = [
        *beat2.beat_measures(beats, from_pelvis, source=f"{SOURCE}, BC"),
        beat2.diversity_measure(from_pelvis, source=f"{SOURCE}, L1div"),
        recall_measure(
            from_pelvis,
            threshold_metres=_NEAR_METRES,
            distance=euclidean,
            source=f"{SOURCE}, SRGR",
            semantics=semantics,
            weights=lambda gestures, frames: gestures.first(frames, beat2.FPS),
            mean_weight=_MEAN_WEIGHT,
        ),
    ]
    if options.embedding:
        measures.insert(0, fgd(options.embedding, drops_last_window=False))
    return Protocol(
        name="emage",
        version=1,
        says="For BEAT2, speaker 2 in most papers; follows the evaluation of EMAGE, with its new "
        "threshold of beats.",
        fps=beat2.FPS,
        joints=beat2.JOINTS,
        measures=tuple(measures),
        columns=COLUMNS,
        prepare=prepare,
        settings={
            "reference": SOURCE,
            "quirks": "reproduced" if options.quirks else "corrected",
            "beats": f"minima above {_THRESHOLD:g} of the mean speed, {_TRIM_FRAMES} frames left "
            "out at both ends",
            "mean speeds": str(mean_speeds or beat2.MEAN_SPEEDS),
            "weights of meaning": str(semantics or "none"),
            "resampling": told(quirks=options.quirks),
            **({"embedding": str(options.embedding)} if options.embedding else {}),
        },
        lacks=(
            *beat2.LACKS,
            "LVD and MSE of the face, which need FLAME",
            *(() if semantics else (LACKS_SEMANTICS,)),
        ),
    )

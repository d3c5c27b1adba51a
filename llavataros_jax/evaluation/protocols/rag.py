"""BEAT2, all speakers, as RAG-Gesture measures it (spec/evaluation.md, C2).

Source: github.com/m-hamza-mughal/RAG-Gesture (adfb95c): mogen/models/utils/metric.py and
tools/evaluate.py. The tables of MIBURI and DynaConTalk follow it.
"""

import dataclasses
from pathlib import Path

import numpy as np
from jaxtyping import Float

from llavataros_jax.evaluation.anchor_columns import COLUMNS
from llavataros_jax.evaluation.measure import Measure, Sums, mean
from llavataros_jax.evaluation.protocol import Protocol, ProtocolOptions
from llavataros_jax.evaluation.protocols import beat2
from llavataros_jax.evaluation.protocols.fgd import fgd
from llavataros_jax.evaluation.protocols.rates import HOW, at_rate, between, doubled_centred
from llavataros_jax.evaluation.protocols.recall import LACKS_SEMANTICS, recall_measure, summed
from llavataros_jax.evaluation.protocols.semantics import Semantics
from llavataros_jax.evaluation.protocols.smplx_joints import unplaced
from llavataros_jax.evaluation.remembered import remembered
from llavataros_jax.evaluation.take import Performance, Take
from llavataros_jax.motion.trajectories import Trajectories

SOURCE = "github.com/m-hamza-mughal/RAG-Gesture (adfb95c): mogen/models/utils/metric.py"
_HALF_RATE = 15.0
_CHUNK_FRAMES, _TRIM_FRAMES, _THRESHOLD = 300, 10, 0.30
_NEAR_METRES, _MEAN_WEIGHT = 0.3, 0.165


def protocol(
    options: ProtocolOptions, *, mean_speeds: Path | None = None, semantics: Path | None = None
) -> Protocol:
    """Returns the protocol: chunks of 10 s, bodies at the origin and turned, threshold 0.30.

    Quirks: the recorded motion is taken at 15 fps and brought back to 30 with what a system makes
    at 15; whether a joint moves is looked up 10 frames before a beat. Without them the recording
    keeps its 30 fps, and the beat's own frame counts.

    Args:
        options: Of the user.
        mean_speeds: EMAGE's `mean_vel_smplxflame_30.npy`; when not given, the recording's own.
        semantics: BEAT2's folder `sem`.

    Raises:
        UserError: When a file cannot be used.
    """
    speeds = mean_speeds and beat2.read_mean_speeds(mean_speeds)
    beats = beat2.Beats(_THRESHOLD, _TRIM_FRAMES, _CHUNK_FRAMES, options.quirks, speeds)

    def prepare(performance: Performance) -> Performance:
        def joints(motion: Trajectories) -> Trajectories:
            return beat2.smplx_joints(motion, protocol="rag", clip=performance.clip)

        real, predicted = joints(performance.real), map(joints, performance.predicted)
        if options.quirks:
            real = at_rate(at_rate(real, beat2.FPS), _HALF_RATE)
        return dataclasses.replace(
            performance, real=_brought(real), predicted=tuple(map(_brought, predicted))
        )

    measures = [
        *beat2.beat_measures(beats, unplaced, source=f"{SOURCE}, alignment"),
        beat2.diversity_measure(unplaced, source=f"{SOURCE}, L1div", chunk_frames=_CHUNK_FRAMES),
        _chunk_distance(unplaced),
        recall_measure(
            unplaced,
            threshold_metres=_NEAR_METRES,
            distance=summed,
            source=f"{SOURCE}, SRGR: |x| + |y| + |z|",
            semantics=semantics,
            weights=_weights,
            mean_weight=_MEAN_WEIGHT,
            chunk_frames=_CHUNK_FRAMES,
        ),
    ]
    if options.embedding:
        measures.insert(0, fgd(options.embedding, drops_last_window=False))
    return Protocol(
        name="rag",
        version=1,
        says="For BEAT2 with all speakers; follows the evaluation of RAG-Gesture.",
        fps=beat2.FPS,
        joints=beat2.JOINTS,
        measures=tuple(measures),
        columns=COLUMNS,
        prepare=prepare,
        settings={
            "reference": SOURCE,
            "quirks": "reproduced" if options.quirks else "corrected",
            "parts": "of 10 s from the beginning of each recording; a shorter rest is left out",
            "beats": f"minima above {_THRESHOLD:g} of the mean speed, {_TRIM_FRAMES} frames left "
            "out at both ends of each part",
            "mean speeds": str(mean_speeds or beat2.MEAN_SPEEDS),
            "weights of meaning": str(semantics or "none"),
            "resampling": "15 fps by 6D rotations at half frames, also the recording"
            if options.quirks
            else f"15 fps by 6D rotations at half frames, else {HOW}",
            **({"embedding": str(options.embedding)} if options.embedding else {}),
        },
        lacks=(
            *beat2.LACKS,
            "diversity over all pairs of parts: it is over pairs of one recording, because memory "
            "would grow with the data",
            "sound brought from 22.05 kHz to 16 kHz, as the reference does: it is read at 16 kHz, "
            "which moves few onsets",
            "MPJPE from retrieved gestures, and losses of the face",
            *(() if semantics else (LACKS_SEMANTICS,)),
        ),
    )


def _brought(motion: Trajectories) -> Trajectories:
    if motion.fps == _HALF_RATE:
        return doubled_centred(motion)
    return at_rate(motion, beat2.FPS)


def _weights(gestures: Semantics, num_frames: int) -> Float[np.ndarray, " T"]:
    """Returns weights at 15 fps, brought to 30 as the motion is, part by part."""
    half = _CHUNK_FRAMES // 2
    weights = gestures.first(-(-num_frames // 2), _HALF_RATE)
    places = np.clip((np.arange(2 * half) + 0.5) / 2 - 0.5, 0, half - 1)
    pieces = [weights[first : first + half] for first in range(0, len(weights), half)]
    found = [between(piece, np.minimum(places, len(piece) - 1)) for piece in pieces]
    return np.concatenate(found)[:num_frames]


def _chunk_distance(body: beat2.Body) -> Measure:
    @remembered
    def sums(motion: Trajectories) -> Sums:
        places = body(motion).positions
        chunks = [places[i:j] for i, j in beat2.parts(motion.num_frames, _CHUNK_FRAMES)]
        distances = [
            np.linalg.norm(first - second) / _CHUNK_FRAMES
            for place, first in enumerate(chunks)
            for second in chunks[place + 1 :]
        ]
        return np.array([np.sum(distances), len(distances)])

    def gather(take: Take) -> Sums | None:
        found = sums(take.motion)
        return found if found[1] else None

    return Measure(
        "chunk_diversity_metres",
        "Diversity (m)",
        "How far parts of one recording are from each other, as whole paths of all joints, by the "
        "number of frames.",
        f"{SOURCE}, calculate_avg_distance",
        gather,
        mean,
    )

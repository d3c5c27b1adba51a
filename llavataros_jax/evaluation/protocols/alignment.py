"""The share of a motion that prefers its own speech to another of the same speaker."""

import dataclasses
import functools
from pathlib import Path

import numpy as np

from llavataros_jax.alignment.file import open_alignment
from llavataros_jax.alignment.model import AlignmentModel, motion_embeddings, speech_embeddings
from llavataros_jax.alignment.preference import preferences
from llavataros_jax.alignment.speech import SAMPLE_RATE
from llavataros_jax.evaluation.measure import Measure, Sums, mean
from llavataros_jax.evaluation.protocol import Protocol
from llavataros_jax.evaluation.remembered import remembered
from llavataros_jax.evaluation.spoken import Spoken
from llavataros_jax.evaluation.take import Take
from llavataros_jax.motion.trajectories import Trajectories

KEY = "alignment_share"
_WHAT = "the share of motion that prefers its own speech"
_NEEDS = (
    "it needs encoders that learned it from natural motion of these people (--alignment, of "
    "`llavataros evaluate fit-alignment`)"
)


def with_alignment(protocol: Protocol, path: Path | None) -> Protocol:
    """Returns a protocol that measures alignment first, by a model.

    A model that cannot tell right from wrong speech of natural motion measures nothing: what the
    protocol lacks then says why.

    Raises:
        UserError: When the file is no model.
    """
    if path is None:
        return dataclasses.replace(protocol, lacks=(*protocol.lacks, f"{_WHAT}: {_NEEDS}"))
    model = open_alignment(path)
    share, interval = model.accuracy.share, model.accuracy.interval
    known = "not known" if share is None else f"{share:.3f}"
    known += f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else ""
    if not model.accuracy.excludes_chance:
        lacking = (
            f"{_WHAT}: on held-out natural motion the accuracy of {path} is {known}, which does "
            "not exclude chance (0.5)"
        )
        return dataclasses.replace(protocol, lacks=(*protocol.lacks, lacking))
    about = f"{path}, {model.hash}, seed {model.settings.seed}; on held-out natural motion {known}"
    return dataclasses.replace(
        protocol,
        measures=(_measure(model), *protocol.measures),
        settings={**protocol.settings, "alignment model": about},
    )


def _measure(model: AlignmentModel) -> Measure:
    moved = remembered(lambda motion: motion_embeddings(model, motion))

    # Neighbours lend their speech to several clips in a row.
    @functools.lru_cache(maxsize=32)
    def heard_at(recording: Path, start: float, seconds: float, rolled: float) -> np.ndarray:
        samples = Spoken(recording, start, seconds, rolled_seconds=rolled).samples(SAMPLE_RATE)
        return speech_embeddings(model, samples, seconds)

    def heard(spoken: Spoken) -> np.ndarray:
        return heard_at(
            spoken.recording, spoken.start_seconds, spoken.seconds, spoken.rolled_seconds
        )

    def gather(take: Take) -> Sums | None:
        if take.spoken is None:
            return None
        motion: Trajectories = take.motion
        wins, count = preferences(
            moved(motion), heard(take.spoken), [heard(foil) for foil in take.foils]
        )
        return np.array([wins, count], np.float64) if count else None

    return Measure(
        key=KEY,
        title="prefers its own speech",
        says="Share of 4 s pieces of motion that a listener, trained on natural motion, gives to "
        "their own speech rather than to another of the same speaker: 0.5 is chance.",
        source="ours, after the matched-against-mismatched question of the GENEA Challenges "
        "(docs/evaluation.md)",
        gather=gather,
        finish=mean,
        towards="real",
        hears=True,
    )

"""Measures one row of the table on the held-out clips, in a process of its own.

  python -m llavataros.heads.measurement RUN OUT.npz [--samples N] [section.key=value …]

OUT.npz holds, under COLUMN/MEASURE/CLIP, the sums of `evaluation.measure` of each clip, those of
several samples one after another: of motion made of the clip's own speech (`predicted`) and of
speech of another time (`another_time`), and of the recorded motion (`real`). Under `size` is the
`film.size` that was searched for.
"""

import argparse
import hashlib
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from llavataros.ablation.measurement import PREDICTED, REAL, Measured, write_measured
from llavataros.heads.another_time import of_another_time
from llavataros.heads.gain import pooled_ratio, size_for_real_speed
from llavataros.heads.measures import gather_each, open_measures
from llavataros_jax.compilation_cache import keep_compiled
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.segments import ClipSpeech, interlocutor_of, speech_of
from llavataros_jax.errors import door
from llavataros_jax.evaluate.from_records import Predict, RecordClips
from llavataros_jax.evaluation.catalogue.movement import HAND_SPEED_RATIO
from llavataros_jax.evaluation.measure import Measure
from llavataros_jax.evaluation.protocol import Protocol
from llavataros_jax.evaluation.take import Take, matched
from llavataros_jax.motion.motion import Motion
from llavataros_jax.run_options import with_run_options
from llavataros_jax.trained import TrainedRun, open_trained

# Raised when the same run gets other sums.
VERSION = 1
ANOTHER_TIME = "another_time"
SIZE = ("size", "film_size")


@door
def main(arguments: Sequence[str] | None = None) -> int:
    """Measures a run and writes the sums."""
    given = build_parser().parse_intermixed_args(arguments)
    keep_compiled()
    run = with_run_options(open_trained(given.run), given.dials)
    protocol, measures = open_measures(given.embedding, given.alignment)
    size = real_speed_size(run, protocol) if given.enlarged else None
    if size is not None:
        run = with_run_options(run, [f"film.size={size}"])
    with threadpool_limits(1, user_api="blas"):
        found = measure(run, protocol, measures, samples=given.samples)
    if size is not None:
        found[SIZE] = {"all": np.array([size])}
    identity = identity_of(
        *(run.checkpoint, run.manifest.content_hash),
        **{name: getattr(given, name) for name in _IN_IDENTITY},
    )
    write_measured(given.out, found, identity=identity)
    return 0


def measure(
    run: TrainedRun, protocol: Protocol, measures: Sequence[Measure], *, samples: int
) -> Measured:
    """Animates the held-out clips of a run, of their own speech and of other, and gathers.

    Args:
        run: The run, its dials turned.
        protocol: Brings motion into the form that is measured.
        measures: What is gathered; of other speech those that hear.
        samples: Motions of each clip; a regression has one.
    """
    reader = ClipReader(run.config.data.records, "validation")
    numbers = {entry.name: number for number, entry in enumerate(reader.clips)}

    def own(_: str, arrays: Mapping[str, Any]) -> tuple[Motion, ...]:
        return motions(run, speech_of(arrays), interlocutor_of(arrays), samples)

    def of_other(name: str, _: Mapping[str, Any]) -> tuple[Motion, ...]:
        return motions(run, *of_another_time(reader, numbers[name]), samples)

    found: Measured = defaultdict(dict)
    for take in _takes(run, reader, own, protocol):
        real = Take(take.clip, take.speaker, take.real, take.real, take.spoken, foils=take.foils)
        for one in measures:
            _keep(found, PREDICTED, one, take)
            if not (one.compares or one.distribution):
                _keep(found, REAL, one, real)
    hearing = [one for one in measures if one.hears]
    for take in _takes(run, reader, of_other, protocol) if hearing else ():
        for one in hearing:
            _keep(found, ANOTHER_TIME, one, take)
    return found


def motions(
    run: TrainedRun, main: ClipSpeech, other: ClipSpeech | None, samples: int
) -> tuple[Motion, ...]:
    """Returns a run's motions for the same speech: samples of a sampled head, else its answer."""
    count = samples if run.is_sampled else 1
    return tuple(run.animate_many([(main, other)] * count, seeds=range(count)))


def real_speed_size(run: TrainedRun, protocol: Protocol) -> float:
    """Returns the `film.size` at which a run's hands have the recorded speed."""
    reader = ClipReader(run.config.data.records, "validation")

    def ratio(size: float) -> float:
        sized = with_run_options(run, [f"film.size={size}"])

        def predict(_: str, arrays: Mapping[str, Any]) -> tuple[Motion, ...]:
            return motions(sized, speech_of(arrays), interlocutor_of(arrays), 1)

        found = [HAND_SPEED_RATIO.gather(take) for take in _takes(run, reader, predict, protocol)]
        return pooled_ratio([(sums[0], sums[1]) for sums in found if sums is not None])

    return size_for_real_speed(ratio)


def identity_of(
    checkpoint: str,
    content_hash: str,
    *,
    dials: Sequence[str],
    samples: int,
    enlarged: bool,
    embedding: Path | None,
    alignment: Path | None,
) -> str:
    """Returns what sums depend on: the checkpoint, such as `latest/1000`, records and files."""
    files = [path.read_bytes() if path else b"" for path in (embedding, alignment)]
    digests = [hashlib.sha256(content).hexdigest()[:12] for content in files]
    parts = (VERSION, checkpoint, content_hash, samples, enlarged, *digests, *dials)
    return " ".join(map(str, parts))


_IN_IDENTITY = ("dials", "samples", "enlarged", "embedding", "alignment")


def _takes(run: TrainedRun, reader: ClipReader, predict: Predict, protocol: Protocol):
    """Yields the clips as takes, in the form that is measured."""
    source = RecordClips(reader, Path(run.config.data.folder), predict, system="")
    for number in range(len(source)):
        clip = matched(protocol.prepare(source[number]))
        first, *others = clip.predicted
        yield Take(
            *(clip.clip, clip.speaker, first, clip.real, clip.spoken),
            others=tuple(others),
            foils=clip.foils,
        )


def _keep(found: Measured, column: str, one: Measure, take: Take) -> None:
    if (sums := gather_each(one, take)) is not None:
        found[column, one.key][take.clip] = sums


def build_parser() -> argparse.ArgumentParser:
    """Returns the command line."""
    parser = argparse.ArgumentParser(prog="python -m llavataros.heads.measurement")
    parser.add_argument("run", metavar="RUN", help="run directory")
    parser.add_argument("out", type=Path, metavar="OUT.npz")
    parser.add_argument("--samples", type=int, default=1, metavar="N", help="motions of each clip")
    parser.add_argument("--enlarged", action="store_true", help="to the recorded speed of hands")
    parser.add_argument("--embedding", type=Path, metavar="FILE", help="for FGD")
    parser.add_argument("--alignment", type=Path, metavar="FILE", help="for the matched score")
    parser.add_argument("dials", nargs="*", metavar="section.key=value", help="options that change")
    return parser


if __name__ == "__main__":
    sys.exit(main())

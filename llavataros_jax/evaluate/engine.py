"""One pass over clips, and what is written of it."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from threadpoolctl import threadpool_limits
from tqdm import tqdm

from llavataros_jax.atomic import write_json
from llavataros_jax.errors import UserError
from llavataros_jax.evaluation import protocol as protocols
from llavataros_jax.evaluation.result import Result
from llavataros_jax.evaluation.sanity import check
from llavataros_jax.evaluation.take import Performance, matched
from llavataros_jax.evaluation.tally import Tally
from llavataros_jax.evaluation.text_table import format_table


@runtime_checkable
class Source(Protocol):
    """Clips with their motions, read when they are asked for.

    Attributes:
        system: Who is measured.
        split: Of which clips.
    """

    system: str
    split: str

    def __len__(self) -> int: ...

    def __getitem__(self, clip: int) -> Performance: ...


def evaluate(
    source: Source,
    protocol: protocols.Protocol,
    *,
    seed: int = 0,
    resamples: int | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Result:
    """Measures all clips of a source, one after another, and keeps none of them.

    Args:
        source: The clips.
        protocol: How they are measured.
        seed: Of the bootstrap.
        resamples: Draws of the bootstrap, when not each measure's own number.
        settings: What repeats this evaluation.

    Raises:
        UserError: When there is no clip, or one cannot be measured, with its name.
    """
    if not len(source):
        raise UserError(f"{source.system} has no clip of the split {source.split} to measure")
    # Thousands of small products: threads of BLAS would spend their time waiting for each other.
    with threadpool_limits(1, user_api="blas"):
        return _evaluate(source, protocol, seed, resamples, settings or {})


def _evaluate(
    source: Source,
    protocol: protocols.Protocol,
    seed: int,
    resamples: int | None,
    settings: Mapping[str, Any],
) -> Result:
    tally = Tally(protocol.measures, protocol.columns)
    by_clip, joints, fps, fewest = {}, (), 0.0, protocol.samples
    for number in tqdm(range(len(source)), unit="clip", disable=not sys.stderr.isatty()):
        performance = matched(protocol.prepare(source[number]))
        names = performance.real.skeleton.names
        if joints and names != joints:
            raise UserError(
                f"clip {performance.clip} has {len(names)} joints, the clips before it "
                f"{len(joints)}, or of other names; one table needs one skeleton"
            )
        if fps and abs(performance.real.fps - fps) > 1e-6:
            raise UserError(
                f"clip {performance.clip} has {performance.real.fps:g} frames per second, the "
                f"clips before it {fps:g}; one table needs one rate"
            )
        joints, fps = names, performance.real.fps
        fewest = min(fewest, len(performance.predicted))
        by_clip[performance.clip] = tally.add(performance)
    cells = tally.cells(seed=seed, resamples=resamples)
    few = (
        f"{fewest} of the {protocol.samples} samples of each clip that the protocol "
        f"{protocol.name} wants were given, so its numbers compare with no published ones"
    )
    return Result(
        protocol=protocol,
        system=source.system,
        split=source.split,
        clips=tally.clips,
        seconds=tally.seconds,
        joints=joints,
        fps=fps,
        cells=cells,
        by_clip=by_clip,
        settings=settings,
        warnings=(
            *((few,) if fewest < protocol.samples else ()),
            *check(cells, tally.clips, protocol.measures),
        ),
    )


def deliver(result: Result, out: Path) -> list[Path]:
    """Prints the table and writes `metrics.json`; returns what was written."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / "metrics.json"
    write_json(path, result.to_json())
    print(format_table(result))
    return [path]

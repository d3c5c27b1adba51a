"""The stages of clips as an Apache Beam pipeline, on this machine or on any of Beam's runners.

Everything around it stays as it is: clips are found here, each goes through the same
`prepare_clip` with the same cache, and records are written here. So recordings and the folder of
records must lie where all of the runner's machines see them, under the same paths, and this
project must be installed there.
"""

import functools
import os
import pickle
import tempfile
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

from data_prep.run.shipping import Outcome, absolute, outcome_path, task, work_on
from data_prep.run.workers import Runner
from llavataros_jax.errors import UserError
from llavataros_jax.packages import require_packages


def beam_runner(flags: Sequence[str], shared: Path) -> Runner:
    """Returns what takes the place of `workers.run_all` in `pipeline.prepare`.

    Args:
        flags: Beam's own, such as `--runner=FlinkRunner`; none for this machine.
        shared: Folder that all workers can write to, for what they return.

    Raises:
        UserError: When Beam is not installed or a flag is none.
    """
    require_packages("--beam", "apache_beam", extra="beam")
    for flag in flags:
        if not flag.startswith("--"):
            raise UserError(
                f"{flag!r} after --beam is no flag of Beam's; write section.key=value before "
                "--beam and flags as --name=value"
            )
    return functools.partial(run_all, flags=tuple(flags), shared=absolute(shared))


def run_all(
    work: Callable[[Any], Any],
    items: Sequence[Any],
    *,
    workers: int,
    label: str,
    flags: tuple[str, ...],
    shared: Path,
) -> Generator[tuple[int, Any]]:
    """Yields the index and the result of each item, as `workers.run_all` does, when all are done.

    What is sent has absolute paths: workers run in other folders than this process.

    Args:
        work: Must be picklable, as must items and results; what it raises ends everything.
        items: What to work on.
        workers: Processes when no runner is named; 0 means one for each core, 1 none but this one.
        label: What is told at the start.
        flags: Beam's own.
        shared: Folder that all workers can write to.

    Raises:
        UserError: When the runner fails, or a worker does not see the recordings or `shared`.
    """
    if not items:
        return
    import apache_beam as beam  # pyright: ignore[reportMissingImports]
    from apache_beam.options.pipeline_options import (  # pyright: ignore[reportMissingImports]
        PipelineOptions,
    )

    if not any(flag.startswith("--runner") for flag in flags):
        flags = (*_local_flags(min(workers or os.cpu_count() or 1, len(items))), *flags)
    print(f"{label}: {len(items)} clips on Apache Beam, {' '.join(flags)}")
    shared.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=shared, prefix="beam-") as name:
        results = Path(name)
        try:
            with beam.Pipeline(options=PipelineOptions(list(flags))) as pipeline:
                _ = (
                    pipeline
                    | "clips" >> beam.Create([task(*numbered) for numbered in enumerate(items)])
                    | "spread" >> beam.Reshuffle()
                    | "stages" >> beam.Map(functools.partial(work_on, absolute(work), results))
                )
        except Exception as problem:  # every runner has exceptions of its own
            last = str(problem).strip().splitlines()[-1:] or [type(problem).__name__]
            raise _failed(last[0]) from problem
        for index in range(len(items)):
            yield index, _result(outcome_path(results, index), shared)


def _result(path: Path, shared: Path) -> Any:
    """Returns what a worker's function returned, or raises what it raised."""
    if not path.is_file():
        raise UserError(
            f"Apache Beam ended, but a worker left nothing in {shared}; data.records must be a "
            "folder that all of them see under the same path and can write to"
        )
    outcome: Outcome = pickle.loads(path.read_bytes())
    if isinstance(outcome.failure, UserError | OSError | MemoryError):
        raise outcome.failure
    if outcome.failure is not None:
        kind = type(outcome.failure).__name__
        raise _failed(f"{kind}: {outcome.failure}") from outcome.failure
    return outcome.result


def _failed(reason: str) -> UserError:
    return UserError(
        f"Apache Beam failed ({reason}); run the same command again: what was finished is kept"
    )


def _local_flags(processes: int) -> tuple[str, ...]:
    if processes == 1:
        return ("--runner=FnApiRunner",)
    several = f"--direct_num_workers={processes}"
    return ("--runner=DirectRunner", "--direct_running_mode=multi_processing", several)

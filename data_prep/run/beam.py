"""The stages of clips as an Apache Beam pipeline, on this machine or on any of Beam's runners.

Everything around it stays as it is: clips are found here, each goes through the same
`prepare_clip` with the same cache, and records are written here. So recordings and the folder of
records must lie where all of the runner's machines see them, under the same paths, and this
project must be installed there.
"""

import functools
import importlib
import os
import pickle
import tempfile
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

from data_prep.run.workers import Runner
from llavataros_jax.atomic import atomic_path
from llavataros_jax.errors import UserError


def beam_runner(flags: Sequence[str], shared: Path) -> Runner:
    """Returns what takes the place of `workers.run_all` in `pipeline.prepare`.

    Args:
        flags: Beam's own, such as `--runner=FlinkRunner`; none for this machine.
        shared: Folder that all workers can write to, for what they return.

    Raises:
        UserError: When Beam is not installed or a flag is none.
    """
    try:
        importlib.import_module("apache_beam")
    except ImportError as problem:
        raise UserError(
            "--beam needs Apache Beam; install it with: pip install 'llavataros-jax[beam]'"
        ) from problem
    for flag in flags:
        if not flag.startswith("--"):
            raise UserError(
                f"{flag!r} after --beam is no flag of Beam's; write section.key=value before "
                "--beam and flags as --name=value"
            )
    return functools.partial(run_all, flags=tuple(flags), shared=shared)


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

    Args:
        work: Must be picklable, as must items and results; what it raises ends everything.
        items: What to work on.
        workers: Processes when no runner is named; 0 means one for each core, 1 none but this one.
        label: What is told at the start.
        flags: Beam's own.
        shared: Folder that all workers can write to.

    Raises:
        UserError: When the runner fails or its workers write elsewhere.
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
        results = Path(name).resolve()
        try:
            with beam.Pipeline(options=PipelineOptions(list(flags))) as pipeline:
                _ = (
                    pipeline
                    | "clips" >> beam.Create(list(enumerate(items)))
                    | "spread" >> beam.Reshuffle()
                    | "stages" >> beam.Map(functools.partial(_keep, work, results))
                )
        except Exception as problem:  # every runner has exceptions of its own
            last = str(problem).strip().splitlines()[-1:] or [type(problem).__name__]
            raise UserError(
                f"Apache Beam failed ({last[0]}); run the same command again: what was finished is "
                "kept"
            ) from problem
        for index in range(len(items)):
            path = results / f"{index}.pickle"
            if not path.is_file():
                raise UserError(
                    f"Apache Beam ended, but its workers left nothing in {shared}; data.records "
                    "must be a folder that all of them see under the same path"
                )
            yield index, pickle.loads(path.read_bytes())


def _local_flags(processes: int) -> tuple[str, ...]:
    if processes == 1:
        return ("--runner=FnApiRunner",)
    several = f"--direct_num_workers={processes}"
    return ("--runner=DirectRunner", "--direct_running_mode=multi_processing", several)


def _keep(work: Callable[[Any], Any], results: Path, numbered: tuple[int, Any]) -> None:
    """Works on one item and keeps the result; Beam may do it twice, with the same outcome."""
    index, item = numbered
    with atomic_path(results / f"{index}.pickle") as temporary:
        temporary.write_bytes(pickle.dumps(work(item)))

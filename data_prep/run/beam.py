"""The stages of clips as an Apache Beam pipeline, on this machine or on any of Beam's runners.

Everything around it stays as it is: clips are found here, each goes through the same
`prepare_clip` with the same cache, and records are written here. So recordings and the folder of
records must lie where all of the runner's machines see them, under the same paths, and this
project must be installed there. docs/cluster.md has the commands.
"""

import functools
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

from data_prep.run.beam_job import BeamJob
from data_prep.run.exchange import Outcome, collect, send, work_on
from data_prep.run.progress import Progress
from data_prep.run.shipping import absolute
from data_prep.run.workers import Runner
from llavataros_jax.errors import UserError
from llavataros_jax.packages import require_packages

_PREFIX = "beam-"
_SECONDS_BETWEEN_LOOKS = 0.5
# Shared folders show what other machines wrote up to a minute late (NFS: acdirmax).
_SECONDS_UNTIL_SEEN = 90.0


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
    """Yields the index and the result of each item as they come, and shows how far it is.

    Args:
        work: Must be picklable, as must items and results; what it raises ends everything.
        items: What to work on.
        workers: Processes when no runner is named; 0 means one for each core, 1 none but this one.
        label: What the progress bar says.
        flags: Beam's own.
        shared: Folder that all workers can write to.

    Raises:
        UserError: When the runner fails, or a worker does not see the recordings or `shared`.
    """
    if not items:
        return
    if not any(flag.startswith("--runner") for flag in flags):
        flags = (*_local_flags(min(workers or os.cpu_count() or 1, len(items))), *flags)
    print(f"{label}: {len(items)} clips on Apache Beam, {' '.join(flags)}")
    shared.mkdir(parents=True, exist_ok=True)
    for left_behind in shared.glob(f"{_PREFIX}*"):  # by a kill; one preparation at a time is here
        shutil.rmtree(left_behind, ignore_errors=True)
    with tempfile.TemporaryDirectory(
        dir=shared, prefix=_PREFIX, ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        places = send(folder, work, items)
        job = BeamJob(functools.partial(work_on, folder), places, flags)
        with Progress(label, len(items)) as progress, job:
            for number, outcome in _outcomes(folder, len(items), job):
                progress.advance()
                yield number, _result(outcome)
            job.is_over(_SECONDS_UNTIL_SEEN)  # it may still be tidying up


def _outcomes(folder: Path, count: int, job: BeamJob) -> Iterator[tuple[int, Outcome]]:
    """Yields each outcome once, as they come."""
    done = bytearray(count)
    left = count
    last_seen = time.monotonic()
    while left:
        is_over = job.is_over(_SECONDS_BETWEEN_LOOKS)
        for number, outcome in collect(folder):
            last_seen = time.monotonic()
            if not done[number]:  # a worker's work may be done again after its death
                done[number] = True
                left -= 1
                yield number, outcome
        if not left:
            return
        if is_over and job.failure is not None:
            raise _failed(_last_line(job.failure)) from job.failure
        if is_over and time.monotonic() - last_seen > _SECONDS_UNTIL_SEEN:
            raise UserError(
                f"Apache Beam ended, but of {left} of {count} clips nothing was left in "
                f"{folder.parent}; data.records must be a folder that all machines see under the "
                "same path and can write to"
            )


def _result(outcome: Outcome) -> Any:
    """Returns what a worker's function returned, or raises what it raised."""
    if isinstance(outcome.failure, UserError | OSError | MemoryError):
        raise outcome.failure
    if outcome.failure is not None:
        kind = type(outcome.failure).__name__
        raise _failed(f"{kind}: {outcome.failure}") from outcome.failure
    return outcome.result


def _last_line(failure: BaseException) -> str:
    if isinstance(failure, SystemExit):  # argparse has said why
        return "it does not take one of the flags, see above"
    lines = str(failure).strip().splitlines()
    return lines[-1] if lines else type(failure).__name__


def _failed(reason: str) -> UserError:
    return UserError(
        f"Apache Beam failed ({reason}); run the same command again: what was finished is kept"
    )


def _local_flags(processes: int) -> tuple[str, ...]:
    """Returns flags for this machine; DirectRunner would try to download Beam's Prism first."""
    if processes == 1:
        return ("--runner=FnApiRunner",)
    several = f"--direct_num_workers={processes}"
    return ("--runner=FnApiRunner", "--direct_running_mode=multi_processing", several)

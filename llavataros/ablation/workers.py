"""Processes that train and measure, several at a time, with what is done and what is left."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llavataros_jax.errors import UserError
from llavataros_jax.training.tracking import clock

_LOOK_SECONDS = 0.2
_TOLD_LINES = 4


@dataclass(frozen=True)
class Job:
    """Commands that follow each other.

    Attributes:
        name: In messages.
        commands: Arguments of python, one command after another.
        log: File that what they print is added to.
        steps: How much work it is.
    """

    name: str
    commands: tuple[tuple[str, ...], ...]
    log: Path
    steps: int


@dataclass
class _Running:
    job: Job
    slot: int
    rest: list[tuple[str, ...]]
    began: float = field(default_factory=time.monotonic)
    process: Any = None


def work(
    jobs: Sequence[Job],
    *,
    at_once: int,
    say: Callable[[str], None],
) -> None:
    """Runs all jobs, so many at once, each on cores of its own where there are enough.

    Args:
        jobs: What is to be done; several are begun in this order.
        at_once: Processes at a time.
        say: Tells of each job that ended, and how long the rest will take.

    Raises:
        UserError: When a job fails, with the end of what it said; the others are stopped.
        KeyboardInterrupt: After Ctrl-C or SIGTERM, when every process has saved and left.
    """
    waiting, running = list(jobs), []
    spent_seconds, ended_steps = 0.0, 0
    with _interruptible():
        try:
            while waiting or running:
                free = sorted(set(range(at_once)) - {one.slot for one in running})
                for slot in free[: len(waiting)]:
                    job = waiting.pop(0)
                    running.append(_Running(job, slot, list(job.commands)))
                    _next(running[-1], at_once)
                time.sleep(_LOOK_SECONDS)
                for one in [one for one in running if one.process.poll() is not None]:
                    if one.process.returncode:
                        raise UserError(_failure(one.job, one.process.returncode))
                    if one.rest:
                        _next(one, at_once)
                        continue
                    running.remove(one)
                    spent_seconds += time.monotonic() - one.began
                    ended_steps += one.job.steps
                    now = time.monotonic()
                    left = left_seconds(
                        [job.steps for job in waiting],
                        [(other.job.steps, now - other.began) for other in running],
                        seconds_a_step=spent_seconds / ended_steps,
                        at_once=at_once,
                    )
                    number = len(jobs) - len(waiting) - len(running)
                    eta = f" · ETA {clock(left)}" if number < len(jobs) else ""
                    say(f"{number}/{len(jobs)} · {one.job.name}{eta}")
        finally:
            _stop([one.process for one in running if one.process])


def left_seconds(
    waiting: Sequence[int],
    running: Sequence[tuple[int, float]],
    *,
    seconds_a_step: float,
    at_once: int,
) -> float:
    """Estimates how long the rest takes.

    Args:
        waiting: Steps of each job that is to come.
        running: Steps of each job that has begun, and seconds since then.
        seconds_a_step: What a step took in the jobs that ended.
        at_once: Processes at a time.
    """
    begun = [max(steps * seconds_a_step - seconds, 0.0) for steps, seconds in running]
    whole = sum(waiting) * seconds_a_step + sum(begun)
    return max([whole / at_once, *begun])


def _next(one: _Running, at_once: int) -> None:
    """Begins the next command of a job."""
    # A Ctrl-C of the terminal would reach it too, and a second signal leaves without saving.
    with one.job.log.open("ab") as log:
        one.process = subprocess.Popen(
            [sys.executable, *one.rest.pop(0)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=_environment(at_once),
            start_new_session=True,
        )
    cores = cores_of(one.slot, at_once)
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(one.process.pid, cores)


def cores_of(slot: int, at_once: int) -> set[int]:
    """Returns the cores of one of several processes; none when each has them all."""
    if at_once == 1 or not hasattr(os, "sched_getaffinity"):
        return set()
    cores = sorted(os.sched_getaffinity(0))
    return set(cores[slot::at_once]) if len(cores) >= at_once else set()


def _environment(at_once: int) -> dict[str, str]:
    """Lets several processes share the memory of a GPU, each of which would take most of it."""
    return {**({"XLA_PYTHON_CLIENT_PREALLOCATE": "false"} if at_once > 1 else {}), **os.environ}


def _failure(job: Job, code: int) -> str:
    lines = job.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    told = next((line for line in reversed(lines) if line.startswith("error: ")), None)
    reason = told.removeprefix("error: ") if told else " / ".join(lines[-_TOLD_LINES:])
    return f"{job.name} ended with code {code} ({reason}); everything that it said is in {job.log}"


def _stop(processes: Sequence[Any]) -> None:
    for process in processes:
        if process.poll() is None:
            process.terminate()
    for process in processes:
        process.wait()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Takes an ordinary kill for Ctrl-C, so that processes are stopped in either case."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

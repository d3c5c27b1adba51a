"""A minute of two people's speech animated beside PyTorch and, where `UEA_REPO` names a clone, the
ancestor, both of which go segment by segment and project their memory again.

Nothing is timed before all are seen to give the same poses.
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from llavataros.benchmark import animate_report, train_report
from llavataros.benchmark.animate_task import FPS, People, Way, two_people
from llavataros.benchmark.train_task import TASKS, Task, dtypes
from llavataros.benchmark.turns import seconds_by_turn
from llavataros_jax.errors import UserError
from llavataros_jax.inference.animate import Animator
from llavataros_jax.packages import require_packages

OUT = Path("outputs/benchmark_animate")
SECONDS = 60.0
LANES = 4
# Of the largest number of all poses. Rounding is carried on from segment to segment.
TOLERANCES = {"float32": 1e-3, "tf32": 1e-2, "bfloat16": 3e-2}
# A minute takes seconds on a CPU.
_MOST_TURNS = {"cpu": 5}


def run(
    turns: int, *, size: str = "published", out: Path = OUT, seconds: float = SECONDS
) -> dict[str, Any]:
    """Checks that poses agree, times all by turns, and writes `animate.json` and `animate.md`.

    Args:
        turns: Of each way; at most five on a CPU, where a minute takes seconds.
        size: A name in `TASKS`.
        out: Folder of the results.
        seconds: Length of the speech.

    Raises:
        UserError: When PyTorch is missing, or gives other poses than ours.
    """
    if size not in TASKS:
        raise UserError(f"no size {size}; there are {', '.join(TASKS)}")
    require_packages("timing animation beside PyTorch's", "torch", extra="text")
    from llavataros.benchmark import animate_beside

    task, turns = TASKS[size], min(turns, _MOST_TURNS.get(jax.default_backend(), turns))
    machine, people = train_report.machine(), two_people(task, seconds)
    frames = len(people[0].word_index)
    others, notes = animate_beside.ways(task, people, os.environ.get("UEA_REPO"), dtypes())
    ways = _ours(task, people) + others
    parity = checked(ways)
    print("\n".join(parity))
    spent = seconds_by_turn({str(number): way.call for number, way in enumerate(ways)}, turns)
    rows = []
    for way, seconds_of_way in zip(ways, spent.values(), strict=True):
        each = [second / way.recordings for second in seconds_of_way]
        row = way.row | train_report.summary(each, frames)
        rows.append(row | {"times_real_time": row["frames_per_second"] / FPS})
    train_report.add_ratios(rows)
    found = {
        "turns": turns,
        "task": _described(task, size, frames),
        "machine": machine,
        "load_after": train_report.load(),
        "parity": parity,
        "notes": notes,
        "rows": rows,
    }
    animate_report.write(found, out)
    print(animate_report.table(found))
    print(f"written to {out}")
    return found


def checked(ways: Sequence[Way]) -> list[str]:
    """Returns how far all poses are from those of the first way.

    Raises:
        UserError: When they are others.
    """
    said, (reference, *_) = [], ways[0].call()
    largest = float(np.abs(reference).max())
    for way in ways:
        allowed = TOLERANCES[way.row["compute_dtype"]]
        far = max(float(np.abs(poses - reference).max()) for poses in way.call()) / largest
        said.append(
            f"{way.row['side']}, {way.row['way']}: poses differ by {far:.1e} of the largest number "
            f"({allowed:g} allowed)"
        )
        if not far <= allowed:
            raise UserError(f"this is another motion, so nothing is timed: {said[-1]}")
    return said


def _ours(task: Task, people: People) -> list[Way]:
    """Returns ours, for one recording and for several in lanes, each called once."""
    ways, params = [], task.params()
    for dtype in dtypes():
        animator = Animator(task.model(dtype, dropout=0.0), params, task.codec)

        def one(animator: Animator = animator) -> list[np.ndarray]:
            return [animator(*people)]

        def many(animator: Animator = animator) -> list[np.ndarray]:
            return animator.many([people] * LANES, lanes=LANES)

        for name, call, recordings in (("one", one, 1), (f"{LANES} in lanes", many, LANES)):
            began = time.perf_counter()
            call()
            first = time.perf_counter() - began
            row = {"side": "ours", "way": f"{dtype}, {name}", "compute_dtype": dtype}
            ways.append(Way(row | {"first_seconds": first}, call, recordings))
    return ways


def _described(task: Task, size: str, frames: int) -> dict[str, Any]:
    return {
        "size": size,
        "parameters": task.model().parameter_count(),
        "frames": frames,
        "seconds": frames / FPS,
        "segment_frames": task.config.segment_frames,
        "memory_frames": task.config.memory_frames,
    }

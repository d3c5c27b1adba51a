"""A step of training beside PyTorch's and, where `UEA_REPO` names a clone, the ancestor's.

Nothing is timed before the networks are seen to compute the same: poses, memory and gradients.
"""

import os
import time
from pathlib import Path
from typing import Any

import jax

from llavataros.benchmark import train_report
from llavataros.benchmark.train_ours import OurTraining, product_rate
from llavataros.benchmark.train_task import TASKS, Task, Way, dtypes
from llavataros_jax.errors import UserError
from llavataros_jax.packages import require_packages

OUT = Path("outputs/benchmark_train")
_LOSSES = ("rotation", "all terms")
_BITS = ("threefry2x32", "unsafe_rbg")
_SEGMENTS = 4
# A step takes seconds on a CPU.
_MOST_TURNS = {"cpu": 5}


def run(turns: int, *, size: str = "published", out: Path = OUT) -> dict[str, Any]:
    """Checks that all compute the same, times them by turns, and writes `train.json` and `.md`.

    Args:
        turns: Of each way; at most five on a CPU, where a step at the published size takes seconds.
        size: A name in `TASKS`.
        out: Folder of the results.

    Raises:
        UserError: When PyTorch is missing, or a network of it is not ours.
    """
    if size not in TASKS:
        raise UserError(f"no size {size}; there are {', '.join(TASKS)}")
    require_packages("timing a step beside PyTorch's", "torch", extra="text")
    from llavataros.benchmark import train_beside

    task, turns = TASKS[size], min(turns, _MOST_TURNS.get(jax.default_backend(), turns))
    machine = train_report.machine()
    others, parity, notes = train_beside.ways(task, os.environ.get("UEA_REPO"), dtypes())
    for name, said in parity.items():
        print(f"{name}: {said}")
    ours = _ours(task)
    seconds = _by_turns(_alternating(ours, others), turns)
    rates = {name: product_rate(name) for name in dtypes()}
    rows = []
    for way, spent in seconds:
        row = way.row | train_report.summary([s / way.segments for s in spent], task.frames)
        flops = ours[0].row["product_flops"]
        row["utilisation"] = flops / row["median_seconds"] / rates[row["compute_dtype"]]
        rows.append(row)
    train_report.add_ratios(rows)
    found = {
        "turns": turns,
        "task": _described(task, size),
        "machine": machine,
        "load_after": train_report.load(),
        "parity": parity,
        "notes": notes,
        "flops": {"products": ours[0].row["product_flops"], "xla": ours[0].row["xla_flops"]},
        "product_rates": rates,
        "rows": rows,
    }
    train_report.write(found, out)
    print(train_report.table(found))
    print(f"written to {out}")
    return found


def _ours(task: Task) -> list[Way]:
    training = OurTraining(task)
    kinds = [(loss, bits, 1) for loss in _LOSSES for bits in _BITS]
    if training.many_segments:
        kinds.append(("all terms", _BITS[1], _SEGMENTS))
    ways = []
    for dtype in dtypes():
        for loss, bits, segments in kinds:
            compiled = training.compiled(dtype, bits, loss, segments=segments)
            name = f"{dtype}, {loss}, {bits}"
            row = {
                "side": "ours",
                "way": name if segments == 1 else f"{name}, {segments} segments a call",
                "compute_dtype": dtype,
                "loss": loss,
                "dropout_bits": bits,
                "segments": segments,
                "trace_seconds": compiled.trace_seconds,
                "compile_seconds": compiled.compile_seconds,
                "product_flops": compiled.product_flops,
                "xla_flops": compiled.xla_flops,
            }
            print(f"compiled {row['way']}: {compiled.compile_seconds:.1f} s")
            ways.append(Way(row, compiled.call, segments))
    return ways


def _alternating(first: list[Way], second: list[Way]) -> list[Way]:
    longest = max(len(first), len(second))
    pairs = ((ways[n] for ways in (first, second) if n < len(ways)) for n in range(longest))
    return [way for pair in pairs for way in pair]


def _by_turns(ways: list[Way], turns: int) -> list[tuple[Way, list[float]]]:
    """Times all ways in turns, after one turn that fills caches."""
    seconds: list[list[float]] = [[] for _ in ways]
    for turn in range(turns + 1):
        for way, spent in zip(ways, seconds, strict=True):
            began = time.perf_counter()
            jax.block_until_ready(way.call())
            if turn:
                spent.append(time.perf_counter() - began)
    return list(zip(ways, seconds, strict=True))


def _described(task: Task, size: str) -> dict[str, Any]:
    config = task.config
    return {
        "size": size,
        "parameters": task.model().parameter_count(),
        "lanes": task.lanes,
        "frames": config.segment_frames,
        "memory_frames": config.memory_frames,
        "dropout": config.dropout,
        "blocks": [config.self_blocks, config.cross_blocks],
        "d_model": config.d_model,
        "joints": task.codec.skeleton.num_joints,
    }

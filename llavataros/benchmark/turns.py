"""Ways of doing the same work, timed by turns, so that a busy machine slows them alike."""

import time
from collections.abc import Callable, Mapping

import jax
import numpy as np


def compare(work: str, ways: Mapping[str, Callable[[], object]], turns: int) -> dict[str, float]:
    """Times all ways by turns and prints medians and how many times longer than the first.

    Returns:
        The medians in seconds.
    """
    seconds = seconds_by_turn(ways, turns)
    medians = {name: float(np.median(spent)) for name, spent in seconds.items()}
    first = next(iter(medians.values()))
    print(work)
    for name, median in medians.items():
        print(f"  {name:<44} {1e6 * median:12.1f} µs  {median / first:8.2f} x")
    return medians


def seconds_by_turn(ways: Mapping[str, Callable[[], object]], turns: int) -> dict[str, list[float]]:
    """Times all ways by turns and returns the seconds of every turn."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(turns + 2):
        for name, way in ways.items():
            began = time.perf_counter()
            jax.block_until_ready(way())
            if turn >= 2:  # the first two compile and fill caches
                seconds[name].append(time.perf_counter() - began)
    return seconds

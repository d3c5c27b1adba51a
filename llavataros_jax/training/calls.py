"""How many steps each call of the compiled program takes.

Several steps in one call (`lax.scan`) save the host's part of a step. Whatever is due after a step
(a log line, validation, checkpoint) must find the state after exactly that step, so a call never
runs over one; what is left before it is done step by step, so that two programs are compiled and
not one for each remainder.
"""

from collections.abc import Iterable, Iterator


def calls(start: int, stop: int, *, at_once: int, periods: Iterable[int]) -> Iterator[int]:
    """Yields the number of steps of each call, `at_once` or 1, from step `start` to `stop`.

    Args:
        start: Steps done.
        stop: Steps to be done in the end.
        at_once: Steps that a call takes where none of them is due for something.
        periods: Something is due after every so many steps; 0 is never.
    """
    due = [period for period in periods if period > 0]
    step = start
    while step < stop:
        ends = [(step // period + 1) * period for period in due]
        count = at_once if step + at_once <= min([*ends, stop]) else 1
        yield count
        step += count

"""What was worked out about a motion, kept for as long as the motion is."""

import functools
from collections.abc import Callable
from typing import TypeVar
from weakref import WeakKeyDictionary

from llavataros_jax.motion.trajectories import Trajectories

Value = TypeVar("Value")


def remembered(function: Callable[[Trajectories], Value]) -> Callable[[Trajectories], Value]:
    """Returns a function that works once for each motion.

    One recorded motion stands in every column of a table, and several measures read the same
    speeds. What is kept goes when the motion goes, so memory does not grow with the clips.
    """
    kept: WeakKeyDictionary[Trajectories, Value] = WeakKeyDictionary()

    @functools.wraps(function)
    def once(motion: Trajectories) -> Value:
        if motion not in kept:
            kept[motion] = function(motion)
        return kept[motion]

    return once

"""The checker of types that jaxtyping puts around every function and record under pytest."""

import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from beartype import BeartypeConf, beartype

# Where a float is asked for an int will do, as for type checkers (PEP 484).
_beartype = beartype(conf=BeartypeConf(is_pep484_tower=True))
_MACHINERY = ("tests.checked", "jaxtyping.", "beartype.", "dataclasses", "flax.struct")


def checked(function: Callable) -> Callable:
    """Returns a function that checks its arguments, or its result, against the annotations.

    The check is built at the first call: a process imports six thousand and calls some hundreds.
    """
    built: list[Callable] = []

    def check(*values: Any, **named: Any) -> Any:
        if not built:
            built.append(_beartype(function))
        return built[0](*values, **named)

    @functools.wraps(function)
    def check_record(record: Any, *values: Any, **named: Any) -> None:
        if not (_is_plan(record, [*values, *named.values()]) or _made_by_jax()):
            check(record, *values, **named)

    return check_record if function.__name__ == "__init__" else functools.wraps(function)(check)


def _is_plan(record: Any, values: list[Any]) -> bool:
    """Says whether a record of arrays holds none: it tells of placements, axes or shapes."""
    import jax  # is set up before it is imported
    from flax import struct

    arrays = (jax.Array, np.ndarray)
    return isinstance(record, struct.PyTreeNode) and not any(
        isinstance(leaf, arrays) for leaf in jax.tree.leaves(values)
    )


def _made_by_jax() -> bool:
    """Says whether a transformation makes the record anew: its arrays may have one axis more."""
    frame = sys._getframe(2)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(_MACHINERY):
        frame = frame.f_back
    return frame.f_globals.get("__name__", "").startswith("jax.")

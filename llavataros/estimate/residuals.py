"""Bytes that a step keeps from its forward pass for its backward pass, as JAX traces the step.

The whole step is traced for shapes alone, which takes a second and computes nothing. What an
operation of the forward pass gives and one of the backward pass takes is kept; what the step is
given, such as parameters, is counted elsewhere, and constants cost nothing. So types, kernels,
rematerialisation and losses are counted as they are. A compiler keeps less where it computes
something again rather than read it.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import jax
from jax.extend.core import Jaxpr, Var

from llavataros.estimate.step import step_of
from llavataros.estimate.workload import Workload

# How JAX names the operations that it derives for the backward pass.
_BACKWARD = "transpose("
_PACKAGE = "llavataros_jax/"
# The innermost call in one of these files, of a function whose name has the word, tells the part.
_PARTS = (
    ("model/kernels.py", "", "attention"),
    ("model/flash.py", "", "attention"),
    ("model/attention.py", "", "attention"),
    ("model/frontend.py", "", "front end"),
    ("model/blocks.py", "FeedForward", "feed-forward"),
    ("model/blocks.py", "", "norms and streams"),
    ("model/gesture.py", "", "norms and streams"),
    ("model/flow", "", "flow head"),
    ("training/flow_loss.py", "", "flow head"),
    ("training/", "", "output and loss"),
)


def kept_by_part(workload: Workload, state: Any, batch: Any) -> dict[str, int]:
    """Returns the bytes of each part, the largest first.

    Args:
        workload: What is trained.
        state: Of the training, as shapes alone.
        batch: What a step learns from.
    """
    return kept_in(jax.make_jaxpr(step_of(workload))(state, batch).jaxpr)


def kept_in(program: Jaxpr) -> dict[str, int]:
    """Adds up what a traced program with a gradient in it keeps, by part."""
    counts: Counter[str] = Counter()
    for equation, variable in _kept(program):
        counts[_part(equation)] += variable.aval.size * variable.aval.dtype.itemsize
    return dict(counts.most_common())


def _kept(program: Jaxpr) -> Iterator[tuple[Any, Any]]:
    """Yields each array that is kept, with the operation that makes it."""
    makers, seen = {}, set()
    for equation in program.eqns:
        if _is_backward(equation):
            for variable in equation.invars:
                if isinstance(variable, Var) and variable in makers and variable not in seen:
                    seen.add(variable)
                    yield makers[variable], variable
            continue
        makers.update((variable, equation) for variable in _made(equation))
        for inner in _programs(equation):  # a loop over parts of a batch has gradients inside
            yield from _kept(inner)


def _is_backward(equation: Any) -> bool:
    return _BACKWARD in str(equation.source_info.name_stack)


def _made(equation: Any) -> list[Any]:
    """Returns the results of an operation but for those that only spread a number, or count."""
    if equation.primitive.name == "iota":
        return []
    if equation.primitive.name == "broadcast_in_dim":
        return equation.outvars if equation.invars[0].aval.shape else []
    if equation.primitive.name != "jit":
        return equation.outvars
    (inner,) = _programs(equation)
    made = {variable for each in inner.eqns for variable in _made(each)} | set(inner.invars)
    pairs = zip(equation.outvars, inner.outvars, strict=True)
    return [outer for outer, variable in pairs if isinstance(variable, Var) and variable in made]


def _programs(equation: Any) -> list[Any]:
    """Returns the programs inside an operation."""
    found = jax.tree.leaves(list(equation.params.values()), is_leaf=_is_program)
    return [getattr(inner, "jaxpr", inner) for inner in found if _is_program(inner)]


def _is_program(value: Any) -> bool:
    return hasattr(getattr(value, "jaxpr", value), "eqns")


def _part(equation: Any) -> str:
    for frame in equation.source_info.traceback.frames:
        place = frame.file_name.replace("\\", "/").rpartition(_PACKAGE)[2]
        for file, word, part in _PARTS:
            if place.startswith(file) and word in frame.function_name:
                return part
    return "others"

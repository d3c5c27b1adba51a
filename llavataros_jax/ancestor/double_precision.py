"""The same program in float64, to tell an error of the mathematics from one of rounding.

The network computes in float32 (JAX's attention even takes its softmax so, whatever comes in).
Here the traced program is run again with float64 wherever it says float32.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

# Calls of a program within the program, by the parameter that holds it.
_CALLS = {
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
}


def in_double_precision(
    function: Callable[..., Any],
    exact: Sequence[tuple[Any, Any]] = (),
    adjust: Callable[[str, Any], Any] = lambda _, result: result,
) -> Callable[..., Any]:
    """Returns `function` with float64 in the place of float32, under JAX's option x64.

    Args:
        function: Pure, of trees of arrays, without loops and branches.
        exact: Constants of the program that rounding to float32 has changed, tables and numbers,
            each with the one to use instead.
        adjust: Applied to the name and the results of each operation.
    """
    exactly = {np.float32(rounded).tobytes(): np.float64(value) for rounded, value in exact}

    def widened(value: Any) -> Any:
        if getattr(value, "dtype", None) != np.float32:
            return value
        return exactly.get(np.asarray(value).tobytes(), value.astype(np.float64))

    def evaluate(*arguments: Any) -> Any:
        single = jax.tree.map(
            lambda x: x.astype(np.float32) if np.issubdtype(x.dtype, np.floating) else x,
            jax.tree.map(np.asarray, arguments),
        )
        closed, shape = jax.make_jaxpr(function, return_shape=True)(*single)
        flat = [
            jnp.asarray(leaf, np.float64 if before.dtype == np.float32 else None)
            for leaf, before in zip(jax.tree.leaves(arguments), closed.in_avals, strict=True)
        ]
        results = _run(closed, flat, widened, adjust)
        return jax.tree.unflatten(jax.tree.structure(shape), results)

    return evaluate


def _run(
    program: ClosedJaxpr,
    arguments: Sequence[Any],
    widened: Callable[[Any], Any],
    adjust: Callable[[str, Any], Any],
) -> list[Any]:
    values: dict[Any, Any] = {}
    values.update(zip(program.jaxpr.constvars, map(widened, program.consts), strict=True))
    values.update(zip(program.jaxpr.invars, arguments, strict=True))

    def read(variable: Any) -> Any:
        if isinstance(variable, Literal):
            kind: Any = variable.aval
            return widened(np.asarray(variable.val, kind.dtype))
        return values[variable]

    for equation in program.jaxpr.eqns:
        inputs = [read(variable) for variable in equation.invars]
        name, params = equation.primitive.name, equation.params
        if name in _CALLS:
            outputs = _run(params[_CALLS[name]], inputs, widened, adjust)
        elif any(isinstance(value, ClosedJaxpr | Jaxpr) for value in params.values()):
            raise NotImplementedError(f"{name} holds a program and is not known here")
        else:
            wide = {key: _widened_type(value) for key, value in params.items()}
            outputs = equation.primitive.bind(*inputs, **wide)
            outputs = outputs if equation.primitive.multiple_results else [outputs]
            outputs = [adjust(name, output) for output in outputs]
        values.update(zip(equation.outvars, outputs, strict=True))
    return [read(variable) for variable in program.jaxpr.outvars]


def _widened_type(value: Any) -> Any:
    return np.dtype(np.float64) if isinstance(value, np.dtype) and value == np.float32 else value

"""Rows of an array picked by numbers that are known in advance, with the same gradient every time.

The gradient of a gather scatters, which GPUs do in any order, so that its sums differ from run to
run. Here the gradient gathers too.
"""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from llavataros_jax.motion.rotations import AnyArray, namespace


def select(
    values: Float[AnyArray, "..."], rows: Sequence[int] | np.ndarray, axis: int
) -> Float[AnyArray, "..."]:
    """Returns the rows of these numbers, 0 and up, along an axis: NumPy's `take`, also for JAX."""
    rows = tuple(int(row) for row in rows)
    count = values.shape[axis]
    if rows == tuple(range(count)):
        return values
    if namespace(values) is np:
        return np.take(values, rows, axis=axis)
    return _selected(rows, count, axis, values)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _selected(rows: tuple[int, ...], count: int, axis: int, values: Array) -> Array:
    return _taken(values, np.array(rows), axis)


def _forward(rows: tuple[int, ...], count: int, axis: int, values: Array) -> tuple[Array, None]:
    return _taken(values, np.array(rows), axis), None


def _backward(
    rows: tuple[int, ...], count: int, axis: int, kept: None, cotangent: Array
) -> tuple[Array]:
    """Adds, for each row of the input, the rows that were made of it, in their order."""
    made = [[place for place, row in enumerate(rows) if row == source] for source in range(count)]
    most = max(map(len, made))
    nothing = len(rows)
    if any(len(places) < most for places in made):
        cotangent = jnp.concatenate(
            [cotangent, jnp.zeros_like(jax.lax.slice_in_dim(cotangent, 0, 1, axis=axis))], axis=axis
        )
    table = np.array([places + [nothing] * (most - len(places)) for places in made])
    return (sum(_taken(cotangent, table[:, turn], axis) for turn in range(most)),)  # type: ignore


_selected.defvjp(_forward, _backward)


def _taken(values: Array, rows: np.ndarray, axis: int) -> Array:
    return jnp.take(values, rows, axis=axis, mode="clip")

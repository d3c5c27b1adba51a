"""Matrix products in the type and the precision that `model.compute_dtype` asks for.

Without a precision of its own a float32 product is TF32 on recent GPUs and bfloat16 on TPUs, so
each product states it.
"""

import functools
import math
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.custom_derivatives import CustomVJPPrimal, SymbolicZero
from jax.lax import Precision
from jaxtyping import Array, Float


@dataclass(frozen=True)
class Products:
    """How matrix products are computed.

    Attributes:
        dtype: Type in which they take their inputs, forward and backward.
        precision: How exactly a device multiplies inputs of that type.
        result: Type of their results, which are sums in float32.
    """

    dtype: str
    precision: Precision
    result: str = "float32"

    def einsum(
        self, equation: str, first: Float[Array, "..."], second: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        """Multiplies two arrays, accumulating in float32; gradients are of the inputs' types.

        Each letter of `equation` must be in two of its three terms, so that the gradients are
        products of the same kind.
        """
        return _einsum(equation, self, first, second)

    def as_default(self) -> AbstractContextManager[None]:
        """Returns the context in which functions that take no precision use this one."""
        return jax.default_matmul_precision(self.precision.name.lower())


class _Kept(NamedTuple):
    """What a product's gradients need; empty arrays carry the types of the inputs."""

    left: Array | None
    right: Array | None
    of_first: Array
    of_second: Array


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _einsum(equation: str, how: Products, first: Array, second: Array) -> Array:
    """Multiplies in one type and accumulates in float32, in the gradients too.

    The gradient that JAX derives multiplies a float32 cotangent with a narrow array, which XLA
    widens: a product at float32's pace on CPUs and at TF32's, half of bfloat16's, on GPUs.
    `DotAlgorithmPreset.BF16_BF16_F32` rounds on GPUs alone; XLA on CPUs multiplies in float32. And
    it asks for a kernel's gradient with its axes turned round, for which XLA on CPUs copies the
    cotangent.
    """
    narrow = first.astype(how.dtype), second.astype(how.dtype)
    return _matrix_product(equation, *narrow, how.precision, how.result)


def _forward(
    equation: str, how: Products, first: CustomVJPPrimal, second: CustomVJPPrimal
) -> tuple[Array, _Kept]:
    """Keeps an input only where the gradient of the other one is needed."""
    left, right = first.value.astype(how.dtype), second.value.astype(how.dtype)
    kept = _Kept(
        left if second.perturbed else None,
        right if first.perturbed else None,
        jnp.zeros(0, first.value.dtype),
        jnp.zeros(0, second.value.dtype),
    )
    return _matrix_product(equation, left, right, how.precision, how.result), kept


def _backward(
    equation: str, how: Products, kept: _Kept, cotangent: Array | SymbolicZero
) -> tuple[Array | None, Array | None]:
    if isinstance(cotangent, SymbolicZero):
        return None, None
    (first, second), result = _terms(equation)
    narrow = cotangent.astype(how.dtype)
    of_first = of_second = None
    if kept.right is not None:
        turned, dtype = f"{result},{second}->{first}", kept.of_first.dtype
        of_first = _matrix_product(turned, narrow, kept.right, how.precision, dtype)
    if kept.left is not None:
        turned, dtype = f"{first},{result}->{second}", kept.of_second.dtype
        of_second = _matrix_product(turned, kept.left, narrow, how.precision, dtype)
    return of_first, of_second


_einsum.defvjp(_forward, _backward, symbolic_zeros=True)


def _matrix_product(
    equation: str, first: Array, second: Array, precision: Precision, dtype: Any
) -> Array:
    """Multiplies as matrices where axes only need to be joined for that.

    XLA on CPUs copies an input of a product over several axes into another order first.
    """
    (left, right), result = _terms(equation)
    options: dict[str, Any] = {"preferred_element_type": dtype, "precision": precision}
    rows = "".join(x for x in left if x not in right)
    columns = "".join(x for x in right if x not in left)
    over = "".join(x for x in left if x in right)
    sides = (left in (rows + over, over + rows), right in (over + columns, columns + over))
    if result != rows + columns or not all((*sides, rows, over, columns)):
        return jnp.einsum(equation, first, second, **options)
    size = dict(zip(left + right, first.shape + second.shape, strict=True))
    many, few = (math.prod(size[x] for x in letters) for letters in (rows, over))
    by_row, by_column = left == rows + over, right == columns + over
    with jax.named_scope(equation):
        flat = jax.lax.dot_general(
            first.reshape((many, few) if by_row else (few, many)),
            second.reshape((-1, few) if by_column else (few, -1)),
            (((int(by_row),), (int(by_column),)), ((), ())),
            **options,
        )
    return flat.reshape([size[x] for x in result])


def _terms(equation: str) -> tuple[tuple[str, str], str]:
    inputs, result = equation.split("->")
    first, second = inputs.split(",")
    return (first, second), result


FULL = Products("float32", Precision.HIGHEST)
_KINDS = {
    "float32": FULL,
    # JAX's `tensorfloat32`: TF32 on GPUs, three bfloat16 passes on TPUs, float32 on CPUs.
    "tf32": Products("float32", Precision.HIGH),
    "bfloat16": Products("bfloat16", Precision.DEFAULT),
}


def products(compute_dtype: str, activation_dtype: str = "float32") -> Products:
    """Returns what `model.compute_dtype` and `model.activation_dtype` stand for."""
    return replace(_KINDS[compute_dtype], result=activation_dtype)

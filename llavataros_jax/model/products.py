"""Matrix products in the type and the precision that `model.compute_dtype` asks for.

Without a precision of its own a float32 product is TF32 on recent GPUs and bfloat16 on TPUs, so
each product states it.
"""

import functools
from contextlib import AbstractContextManager
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax.lax import Precision
from jaxtyping import Array, Float


@dataclass(frozen=True)
class Products:
    """How matrix products are computed; their results are always float32.

    Attributes:
        dtype: Type in which they take their inputs, forward and backward.
        precision: How exactly a device multiplies inputs of that type.
    """

    dtype: str
    precision: Precision

    def einsum(
        self, equation: str, first: Float[Array, "..."], second: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        """Multiplies two arrays, accumulating in float32.

        Where inputs are narrowed, each letter of `equation` must be in two of its three terms, so
        that the gradients are products of the same kind.
        """
        if self.dtype == "float32":
            return jnp.einsum(
                equation,
                first.astype(jnp.float32),
                second.astype(jnp.float32),
                precision=self.precision,
                preferred_element_type=jnp.float32,
            )
        return _narrow_einsum(equation, self.dtype, first, second)

    def as_default(self) -> AbstractContextManager[None]:
        """Returns the context in which functions that take no precision use this one."""
        return jax.default_matmul_precision(self.precision.name.lower())


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _narrow_einsum(equation: str, dtype: str, first: Array, second: Array) -> Array:
    """Multiplies in a narrow type and accumulates in float32, in the gradients too.

    The gradient that JAX derives multiplies a float32 cotangent with a narrow array, which XLA
    widens: a product at float32's pace on CPUs and at TF32's, half of bfloat16's, on GPUs.
    `DotAlgorithmPreset.BF16_BF16_F32` rounds on GPUs alone; XLA on CPUs multiplies in float32.
    """
    return _narrow_forward(equation, dtype, first, second)[0]


def _narrow_forward(
    equation: str, dtype: str, first: Array, second: Array
) -> tuple[Array, tuple[Array, Array, Array, Array]]:
    left, right = first.astype(dtype), second.astype(dtype)
    # Empty arrays carry the types of the inputs to the gradients.
    kinds = jnp.zeros(0, first.dtype), jnp.zeros(0, second.dtype)
    return _accumulated(equation, left, right), (left, right, *kinds)


def _narrow_backward(
    equation: str, dtype: str, kept: tuple[Array, Array, Array, Array], cotangent: Array
) -> tuple[Array, Array]:
    left, right, of_first, of_second = kept
    inputs, result = equation.split("->")
    first, second = inputs.split(",")
    narrow = cotangent.astype(dtype)
    return (
        _accumulated(f"{result},{second}->{first}", narrow, right).astype(of_first.dtype),
        _accumulated(f"{first},{result}->{second}", left, narrow).astype(of_second.dtype),
    )


_narrow_einsum.defvjp(_narrow_forward, _narrow_backward)


def _accumulated(equation: str, first: Array, second: Array) -> Array:
    return jnp.einsum(equation, first, second, preferred_element_type=jnp.float32)


FULL = Products("float32", Precision.HIGHEST)
_KINDS = {
    "float32": FULL,
    # JAX's `tensorfloat32`: TF32 on GPUs, three bfloat16 passes on TPUs, float32 on CPUs.
    "tf32": Products("float32", Precision.HIGH),
    "bfloat16": Products("bfloat16", Precision.DEFAULT),
}


def products(compute_dtype: str) -> Products:
    """Returns what `model.compute_dtype` stands for."""
    return _KINDS[compute_dtype]

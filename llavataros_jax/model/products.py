"""Matrix products in the type and the precision that `model.compute_dtype` asks for.

Without a precision of its own a float32 product is TF32 on recent GPUs and bfloat16 on TPUs, so
each product states it.
"""

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
        dtype: Type in which they take their inputs.
        precision: How exactly a device multiplies inputs of that type.
    """

    dtype: str
    precision: Precision

    def einsum(
        self, equation: str, first: Float[Array, "..."], second: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        """Multiplies two arrays, accumulating in float32."""
        return jnp.einsum(
            equation,
            first.astype(self.dtype),
            second.astype(self.dtype),
            precision=self.precision,
            preferred_element_type=jnp.float32,
        )

    def as_default(self) -> AbstractContextManager[None]:
        """Returns the context in which functions that take no precision use this one."""
        return jax.default_matmul_precision(self.precision.name.lower())


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

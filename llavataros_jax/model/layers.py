"""The smallest parts: projection, normalisation and dropout, with one policy of types.

Matrix products take their inputs in the compute type and accumulate in float32 (see `products`);
everything between them stays float32, unless their results have a narrower type.
"""

import zlib
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Key

from llavataros_jax.model.products import products


class Projection(nnx.Module):
    """Multiplies by a kernel whose axes an einsum equation names, and adds an optional bias.

    Kernels start as U(±1/√fan_in) (PyTorch's default, which the ancestor trains from) and biases
    at zero.
    """

    def __init__(
        self,
        equation: str,
        shape: tuple[int, ...],
        *,
        fan_in: int,
        bias: bool = False,
        compute_dtype: str = "float32",
        activation_dtype: str = "float32",
        rngs: nnx.Rngs,
    ):
        """Draws the kernel of `shape`; `bias` is added along the last output axis."""
        self.equation = equation
        self.products = products(compute_dtype, activation_dtype)
        bound = fan_in**-0.5
        self.kernel = nnx.Param(
            jax.random.uniform(rngs.params(), shape, jnp.float32, minval=-bound, maxval=bound)
        )
        self.bias = nnx.Param(jnp.zeros(shape[-1], jnp.float32)) if bias else None

    def __call__(self, x: Float[Array, "..."]) -> Float[Array, "..."]:
        """Applies the equation to `x` and returns the activation type."""
        y = self.products.einsum(self.equation, x, self.kernel[...])
        if self.bias is None:
            return y
        bias = self.bias[...].reshape((1,) * (y.ndim - 1) + (-1,))
        return (y.astype(jnp.float32) + bias).astype(y.dtype)


def layer_norm(size: int, rngs: nnx.Rngs) -> nnx.LayerNorm:
    """Returns a layer norm with PyTorch's epsilon and the two-pass variance."""
    return nnx.LayerNorm(size, epsilon=1e-5, use_fast_variance=False, rngs=rngs)


@dataclass(frozen=True)
class Dropout:
    """Dropout whose randomness is an address: the key of this forward pass and a place's name.

    Attributes:
        rate: Share of elements set to zero; resolved to 1/65536.
        key: Key of this forward pass; None means evaluation, where nothing is dropped.
    """

    rate: float
    key: Key[Array, ""] | None

    def __call__(self, x: Float[Array, "..."], place: str) -> Float[Array, "..."]:
        """Drops elements of `x` and scales the rest so that the expectation is kept.

        Sixteen random bits decide about an element. They are drawn as words of 32, since threefry
        would make such a word for each element and drop half of it.
        """
        threshold = round(self.rate * 65536)
        if self.key is None or threshold == 0:
            return x
        key = jax.random.fold_in(self.key, np.uint32(zlib.crc32(place.encode())))
        *lead, length = x.shape
        words = jax.random.bits(key, (*lead, -(-length // 2)), dtype=jnp.uint32)
        halves = jax.lax.bitcast_convert_type(words, jnp.uint16)
        bits = halves.reshape(*lead, -1)[..., :length]
        return jnp.where(bits >= threshold, x * (65536 / (65536 - threshold)), 0.0)

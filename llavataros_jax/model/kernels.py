"""Ways of computing what the queries of all heads are answered, by `model.attention_kernel`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from llavataros_jax.errors import UserError
from llavataros_jax.model.flash import Setting, answers
from llavataros_jax.model.products import Products

_HIDDEN = -1e30
_PLATFORM: ContextVar[str | None] = ContextVar("platform", default=None)


@contextmanager
def built_for(platform: str) -> Iterator[None]:
    """Builds what is traced inside for a platform, such as `gpu`, that need not be here."""
    known = _PLATFORM.set(platform)
    try:
        yield
    finally:
        _PLATFORM.reset(known)


class Heads(NamedTuple):
    """What goes into attention, heads and lanes first.

    Attributes:
        content_query: Queries of the content term, q+u.
        position_query: Queries of the position term, q+v.
        keys: Keys of memory and segment.
        values: Their values.
        position_keys: Keys of the distances K-1 ... 0, which must be all that a query sees.
    """

    content_query: Float[Array, "N B T H"]
    position_query: Float[Array, "N B T H"]
    keys: Float[Array, "N B S H"]
    values: Float[Array, "N B S H"]
    position_keys: Float[Array, "N K H"]


def relative_shift(scores: Float[Array, "... T K"], past: int) -> Float[Array, "... T S"]:
    """Turns scores by distance into scores by key.

    Column c of row i holds the score at distance K-1-c; the result's column j holds the score at
    distance i+past-j. Distances that `scores` do not have become garbage and must be masked:

        [a2 a1 a0]      [a1 a0  ×]
        [b2 b1 b0]  ->  [b2 b1 b0]

    Rows are made one longer than the result's, so that in the result, whose rows begin where the
    same numbers are cut into shorter rows, each is moved by one more.
    """
    *lead, frames, distances = scores.shape
    keys = past + frames
    before, skipped = max(0, past + 1 - distances), max(0, distances - past - 1)
    sides = (before, keys + 1 - before - distances)
    padded = jnp.pad(scores, [(0, 0)] * (len(lead) + 1) + [sides])
    flat = padded.reshape(*lead, frames * (keys + 1))
    return flat[..., skipped : skipped + frames * keys].reshape(*lead, frames, keys)


def by_xla(
    heads: Heads, visible: Bool[Array, "B T S"], products: Products
) -> Float[Array, "N B T H"]:
    """Answers by plain products; softmax and the sum of both terms are float32."""
    content = products.einsum("NBTH,NBSH->NBTS", heads.content_query, heads.keys)
    terms = content.astype(jnp.float32), _positions(heads, products).astype(jnp.float32)
    score = sum(terms) * heads.keys.shape[-1] ** -0.5
    weight = jax.nn.softmax(jnp.where(visible[None], score, _HIDDEN), axis=-1)
    return products.einsum("NBTS,NBSH->NBTH", weight.astype(products.result), heads.values)


def by_cudnn(
    heads: Heads, visible: Bool[Array, "B T S"], products: Products
) -> Float[Array, "N B T H"]:
    """Answers by cuDNN's fused kernel, whose bias is the position term; it takes one type only."""
    scale, dtype = heads.keys.shape[-1] ** -0.5, products.dtype

    def by_lane(x: Float[Array, "N B T H"]) -> Float[Array, "B T N H"]:
        return x.transpose(1, 2, 0, 3).astype(dtype)

    # JAX's function adds types of its own to bfloat16 ones.
    with products.as_default(), jax.numpy_dtype_promotion("standard"):
        answers = jax.nn.dot_product_attention(
            by_lane(heads.content_query),
            by_lane(heads.keys),
            by_lane(heads.values),
            bias=(_positions(heads, products) * scale).transpose(1, 0, 2, 3).astype(dtype),
            mask=visible[:, None],
            scale=scale,
            implementation="cudnn",
        )
    return answers.transpose(2, 0, 1, 3)


def by_pallas(
    heads: Heads, visible: Bool[Array, "B T S"], products: Products
) -> Float[Array, "N B T H"]:
    """Answers in tiles; on a CPU the kernel is interpreted, which is slow and for tests.

    Raises:
        UserError: On a TPU.
    """
    device = _PLATFORM.get() or jax.default_backend()
    if device == "tpu":
        raise UserError(
            "model.attention_kernel=pallas is made for GPUs, but JAX found a TPU here; take "
            "model.attention_kernel=xla"
        )
    by_distance = products.einsum("NBTH,NKH->NBTK", heads.position_query, heads.position_keys)
    setting = Setting(products.dtype, products.precision, device == "cpu")
    content = (heads.content_query, heads.keys, heads.values)
    wide = (x.astype(jnp.float32) for x in (*content, by_distance))
    return answers(setting, *wide, visible)


def _positions(heads: Heads, products: Products) -> Float[Array, "N B T S"]:
    by_distance = products.einsum("NBTH,NKH->NBTK", heads.position_query, heads.position_keys)
    frames, keys = heads.position_query.shape[2], heads.keys.shape[2]
    return relative_shift(by_distance, keys - frames)


KERNELS: dict[str, Callable[[Heads, Array, Products], Array]] = {
    "xla": by_xla,
    "cudnn": by_cudnn,
    "pallas": by_pallas,
}

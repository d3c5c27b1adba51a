"""Attention with relative positions over memory and segment (Dai et al. 2019; spec 2.2, 2.3)."""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float

from llavataros_jax.config import ModelConfig
from llavataros_jax.model.layers import Projection


class Positions(NamedTuple):
    """What all attention layers of one forward pass share.

    Attributes:
        distances: Sinusoids of the distances S-1 ... 0.
        content_bias: u, added to the query of the content term.
        position_bias: v, added to the query of the position term.
    """

    distances: Float[Array, "S D"]
    content_bias: Float[Array, "N H"]
    position_bias: Float[Array, "N H"]


def sinusoids(keys: int, d_model: int) -> Float[np.ndarray, "S D"]:
    """Returns the sinusoids of the distances keys-1 ... 0: all sines, then all cosines."""
    distance = np.arange(keys - 1, -1, -1.0)
    frequency = 10000.0 ** (-np.arange(0, d_model, 2) / d_model)
    angle = distance[:, None] * frequency
    return np.concatenate([np.sin(angle), np.cos(angle)], axis=1).astype(np.float32)


def band(frames: int, memory_frames: int, span: int) -> Bool[np.ndarray, "T S"]:
    """Returns which keys each query may see: the last `span` up to and including itself.

    Query i sits at key i + M. Causal, and of constant span as the ancestor's `same_length` mask,
    so that a frame sees the same past wherever the segments are cut.
    """
    query = np.arange(frames)[:, None] + memory_frames
    key = np.arange(memory_frames + frames)[None, :]
    return (key <= query) & (key > query - span)


def relative_shift(scores: Float[Array, "... T S"]) -> Float[Array, "... T S"]:
    """Turns scores by distance into scores by key.

    Column c of row i holds the score at distance S-1-c; the result's column j holds the score at
    distance i+M-j. Entries above the causal diagonal become garbage and must be masked:

        [a2 a1 a0]      [a1 a0  ×]
        [b2 b1 b0]  ->  [b2 b1 b0]
    """
    *lead, frames, keys = scores.shape
    padded = jnp.pad(scores, [(0, 0)] * (len(lead) + 1) + [(1, 0)])
    turned = padded.reshape(*lead, keys + 1, frames)
    return turned[..., 1:, :].reshape(*lead, frames, keys)


class RelativeAttention(nnx.Module):
    """Multi-head attention with scores [(q+u)·k + (q+v)·r] / √H and no biases in its projections.

    The content term goes through `jax.nn.dot_product_attention`, whose bias is the position term;
    this equals the textbook formula and leaves the choice of kernel open.
    """

    def __init__(self, config: ModelConfig, *, rngs: nnx.Rngs):
        """Draws the five projections."""
        d, n, h = config.d_model, config.heads, config.d_head
        dtype = config.compute_dtype
        self.kernel_name: Literal["xla", "cudnn"] = config.attention_kernel
        self.compute_dtype = dtype
        inward = "BTD,DNH->BTNH"
        self.query = Projection(inward, (d, n, h), fan_in=d, compute_dtype=dtype, rngs=rngs)
        self.key = Projection(inward, (d, n, h), fan_in=d, compute_dtype=dtype, rngs=rngs)
        self.value = Projection(inward, (d, n, h), fan_in=d, compute_dtype=dtype, rngs=rngs)
        self.position = Projection(
            "SD,DNH->SNH", (d, n, h), fan_in=d, compute_dtype=dtype, rngs=rngs
        )
        self.output = Projection(
            "BTNH,NHD->BTD", (n, h, d), fan_in=n * h, compute_dtype=dtype, rngs=rngs
        )

    def __call__(
        self,
        queries: Float[Array, "B T D"],
        keys: Float[Array, "B S D"],
        visible: Bool[Array, "B T S"],
        positions: Positions,
    ) -> Float[Array, "B T D"]:
        """Attends from the segment to memory and segment.

        A query that sees no key at all (an absent interlocutor) gets exactly zero.
        """
        query = self.query(queries)
        key, value = self.key(keys), self.value(keys)
        position = self.position(positions.distances)
        scale = query.shape[-1] ** -0.5
        dtype = self.compute_dtype
        by_distance = jnp.einsum(
            "BTNH,SNH->BNTS",
            (query + positions.position_bias).astype(dtype),
            position.astype(dtype),
            preferred_element_type=jnp.float32,
        )
        attended = jax.nn.dot_product_attention(
            (query + positions.content_bias).astype(dtype),
            key.astype(dtype),
            value.astype(dtype),
            bias=(relative_shift(by_distance) * scale).astype(dtype),
            mask=visible[:, None],
            scale=scale,
            implementation=self.kernel_name,
        )
        sees_any = visible.any(-1)[..., None]
        return jnp.where(sees_any, self.output(attended), 0.0)

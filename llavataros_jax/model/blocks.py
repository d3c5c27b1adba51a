"""The two kinds of block: self (main speaker) and cross (interlocutor); spec 2.4 and 2.5."""

from typing import Any

import jax
from flax import nnx
from jaxtyping import Array, Bool, Float

from llavataros_jax.config import ModelConfig
from llavataros_jax.model.attention import Attended, Positions, RelativeAttention
from llavataros_jax.model.layers import Dropout, Projection, layer_norm

NOTHING_DROPPED = Dropout(0.0, None)


class FeedForward(nnx.Module):
    """Two projections with a rectifier between them."""

    def __init__(self, config: ModelConfig, *, rngs: nnx.Rngs):
        """Draws both projections."""
        d, f = config.d_model, config.d_inner

        def layer(equation: str, inward: int, outward: int) -> Projection:
            return Projection(
                equation,
                (inward, outward),
                fan_in=inward,
                bias=True,
                compute_dtype=config.compute_dtype,
                activation_dtype=config.activation_dtype,
                rngs=rngs,
            )

        self.expand = layer("BTD,DF->BTF", d, f)
        self.contract = layer("BTF,FD->BTD", f, d)

    def __call__(
        self, x: Float[Array, "B T D"], drop: Dropout, place: str
    ) -> Float[Array, "B T D"]:
        """Applies the layer; dropout follows the rectifier and the output."""
        hidden = drop(jax.nn.relu(self.expand(x)), place + "/expand")
        return drop(self.contract(hidden), place + "/contract")


class SelfBlock(nnx.Module):
    """Attention of the main speaker to its own past, then a feed-forward layer."""

    def __init__(self, config: ModelConfig, *, rngs: nnx.Rngs):
        """Draws attention, feed-forward layer and two norms."""
        self.pre = config.norm == "pre"
        self.attention = RelativeAttention(config, rngs=rngs)
        self.attention_norm = layer_norm(config.d_model, rngs)
        self.feed_forward = FeedForward(config, rngs=rngs)
        self.feed_forward_norm = layer_norm(config.d_model, rngs)

    def __call__(
        self,
        x: Float[Array, "B T D"],
        past: Float[Array, "B M D"],
        visible: Bool[Array, "B T S"],
        positions: Positions,
        *,
        drop: Dropout,
        place: str,
    ) -> Float[Array, "B T D"]:
        """Returns the block's output; `past` is what it remembers of `x`."""
        stream = x
        if self.pre:
            stream, past = self.attention_norm(x), self.attention_norm(past.astype(x.dtype))
        attended = self.attention(stream, past, stream, visible, positions)
        return _conclude(self, x, attended, drop, place)

    def step(self, x: Float[Array, "B T D"], past: Attended) -> tuple[Float[Array, "B T D"], Any]:
        """Returns the output for the frames of a call, and the past with them in it."""
        stream = self.attention_norm(x) if self.pre else x
        attended, kept = past.attend(self.attention, stream, stream)
        return _conclude(self, x, attended, NOTHING_DROPPED, ""), kept


class CrossBlock(nnx.Module):
    """Attention of the main speaker to another stream, then a feed-forward layer.

    Query and residual are always the main encoder's output; keys and values come from the
    interlocutor in the first block and from the block before in the others.
    """

    def __init__(self, config: ModelConfig, *, rngs: nnx.Rngs):
        """Draws attention, feed-forward layer and norms (pre-norm also has one for the queries)."""
        self.pre = config.norm == "pre"
        self.attention = RelativeAttention(config, rngs=rngs)
        self.attention_norm = layer_norm(config.d_model, rngs)
        self.feed_forward = FeedForward(config, rngs=rngs)
        self.feed_forward_norm = layer_norm(config.d_model, rngs)
        self.query_norm = layer_norm(config.d_model, rngs) if self.pre else None

    def __call__(
        self,
        x: Float[Array, "B T D"],
        past: Float[Array, "B M D"],
        others: Float[Array, "B T D"],
        visible: Bool[Array, "B T S"],
        positions: Positions,
        *,
        drop: Dropout,
        place: str,
    ) -> Float[Array, "B T D"]:
        """Returns the block's output; `others` is attended to, `past` what is remembered of it."""
        queries = x
        if self.query_norm is not None:
            queries = self.query_norm(x)
            past = self.attention_norm(past.astype(x.dtype))
            others = self.attention_norm(others)
        attended = self.attention(queries, past, others, visible, positions)
        return _conclude(self, x, attended, drop, place)

    def step(
        self,
        x: Float[Array, "B T D"],
        others: Float[Array, "B T D"],
        past: Attended,
        *,
        remembered: Float[Array, "B T D"] | None = None,
    ) -> tuple[Float[Array, "B T D"], Any]:
        """Returns the output for the frames of a call, and the past with `others` in it.

        Later calls find `remembered`, where it is given, in place of `others`.
        """
        queries = x
        if self.query_norm is not None:
            queries, others = self.query_norm(x), self.attention_norm(others)
            remembered = None if remembered is None else self.attention_norm(remembered)
        attended, kept = past.attend(self.attention, queries, others, remembered=remembered)
        return _conclude(self, x, attended, NOTHING_DROPPED, ""), kept


def _conclude(
    block: SelfBlock | CrossBlock, x: Array, attended: Array, drop: Dropout, place: str
) -> Array:
    """Adds what was attended to and the feed-forward layer, with norms before or after."""
    attended = drop(attended, place + "/attention").astype(x.dtype)
    if block.pre:
        x = x + attended
        return x + block.feed_forward(block.feed_forward_norm(x), drop, place).astype(x.dtype)
    x = block.attention_norm(x + attended)
    return block.feed_forward_norm(x + block.feed_forward(x, drop, place).astype(x.dtype))

"""The two kinds of block: self (main speaker) and cross (interlocutor); spec 2.4 and 2.5."""

import jax
from flax import nnx
from jaxtyping import Array, Bool, Float

from llavataros_jax.config import ModelConfig
from llavataros_jax.model.attention import Positions, RelativeAttention
from llavataros_jax.model.layers import Dropout, Projection, layer_norm


class FeedForward(nnx.Module):
    """Two projections with a rectifier between them."""

    def __init__(self, config: ModelConfig, *, rngs: nnx.Rngs):
        """Draws both projections."""
        d, f, dtype = config.d_model, config.d_inner, config.compute_dtype
        self.expand = Projection(
            "BTD,DF->BTF", (d, f), fan_in=d, bias=True, compute_dtype=dtype, rngs=rngs
        )
        self.contract = Projection(
            "BTF,FD->BTD", (f, d), fan_in=f, bias=True, compute_dtype=dtype, rngs=rngs
        )

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
        past_and_present: Float[Array, "B S D"],
        visible: Bool[Array, "B T S"],
        positions: Positions,
        *,
        drop: Dropout,
        place: str,
    ) -> Float[Array, "B T D"]:
        """Returns the block's output; `past_and_present` ends with `x` itself."""
        if self.pre:
            keys = self.attention_norm(past_and_present)
            queries = keys[:, -x.shape[1] :]
            x = x + drop(self.attention(queries, keys, visible, positions), place + "/attention")
            return x + self.feed_forward(self.feed_forward_norm(x), drop, place)
        attended = self.attention(x, past_and_present, visible, positions)
        x = self.attention_norm(x + drop(attended, place + "/attention"))
        return self.feed_forward_norm(x + self.feed_forward(x, drop, place))


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
        others: Float[Array, "B S D"],
        visible: Bool[Array, "B T S"],
        positions: Positions,
        *,
        drop: Dropout,
        place: str,
    ) -> Float[Array, "B T D"]:
        """Returns the block's output; `others` is memory and segment of the attended stream."""
        if self.query_norm is not None:
            attended = self.attention(
                self.query_norm(x), self.attention_norm(others), visible, positions
            )
            x = x + drop(attended, place + "/attention")
            return x + self.feed_forward(self.feed_forward_norm(x), drop, place)
        attended = self.attention(x, others, visible, positions)
        x = self.attention_norm(x + drop(attended, place + "/attention"))
        return self.feed_forward_norm(x + self.feed_forward(x, drop, place))

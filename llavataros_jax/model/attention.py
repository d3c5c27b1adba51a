"""Attention with relative positions over memory and segment (Dai et al. 2019; spec 2.2, 2.3)."""

from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float

from llavataros_jax.config import ModelConfig
from llavataros_jax.model.cache import Ring, Window, write
from llavataros_jax.model.kernels import KERNELS, Heads
from llavataros_jax.model.layers import Projection
from llavataros_jax.model.products import products


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


class Past(NamedTuple):
    """What one attention needs to go on from cached keys and values.

    Attributes:
        ring: Its keys and values of past frames.
        window: Which of them each query sees.
        position_keys: W_r R of the distances 0 ... span-1, which no input changes.
        content_bias: u, added to the query of the content term.
        position_bias: v, added to the query of the position term.
    """

    ring: Ring
    window: Window
    position_keys: Float[Array, "N S H"]
    content_bias: Float[Array, "N H"]
    position_bias: Float[Array, "N H"]

    def attend(
        self,
        attention: "RelativeAttention",
        queries: Float[Array, "B T D"],
        present: Float[Array, "B T D"],
        *,
        remembered: Float[Array, "B T D"] | None = None,
    ) -> tuple[Float[Array, "B T D"], Ring]:
        """Attends to the ring by `RelativeAttention.attend_cached`."""
        return attention.attend_cached(queries, present, self, remembered=remembered)


@runtime_checkable
class Attended(Protocol):
    """A past that an attention goes on from, without projecting it again."""

    def attend(
        self,
        attention: "RelativeAttention",
        queries: Float[Array, "B T D"],
        present: Float[Array, "B T D"],
        *,
        remembered: Float[Array, "B T D"] | None = None,
    ) -> tuple[Float[Array, "B T D"], Any]:
        """Returns what queries are answered, and what is kept for later.

        Args:
            attention: Whose projections are used.
            queries: What asks.
            present: What is attended to besides the past.
            remembered: What is found later in place of `present`.
        """
        ...


class Nobody(NamedTuple):
    """The past, and the present, of somebody who is not there: no query is answered anything.

    Attributes:
        kept: What is kept for later, as it was.
    """

    kept: Any

    def attend(
        self,
        attention: "RelativeAttention",
        queries: Float[Array, "B T D"],
        present: Float[Array, "B T D"],
        *,
        remembered: Float[Array, "B T D"] | None = None,
    ) -> tuple[Float[Array, "B T D"], Any]:
        """Answers zeros."""
        return jnp.zeros_like(queries), self.kept


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


class RelativeAttention(nnx.Module):
    """Multi-head attention with scores [(q+u)·k + (q+v)·r] / √H; its projections have no biases."""

    def __init__(self, config: ModelConfig, *, rngs: nnx.Rngs):
        """Draws the five projections."""
        d, n, h = config.d_model, config.heads, config.d_head
        self.kernel_name: Literal["xla", "cudnn", "pallas"] = config.attention_kernel
        self.span = config.span
        self.products = products(config.compute_dtype, config.activation_dtype)
        # Live, a frame's numbers cost nothing beside the weights, so they are not narrowed.
        self.live_products = products(config.compute_dtype)

        def projection(equation: str, shape: tuple[int, ...], fan_in: int) -> Projection:
            return Projection(
                equation,
                shape,
                fan_in=fan_in,
                compute_dtype=config.compute_dtype,
                activation_dtype=config.activation_dtype,
                rngs=rngs,
            )

        self.query = projection("BTD,DNH->BTNH", (d, n, h), d)
        self.key = projection("BTD,DNH->BTNH", (d, n, h), d)
        self.value = projection("BTD,DNH->BTNH", (d, n, h), d)
        self.position = projection("SD,DNH->SNH", (d, n, h), d)
        self.output = projection("BTNH,NHD->BTD", (n, h, d), n * h)

    def __call__(
        self,
        queries: Float[Array, "B T D"],
        past: Float[Array, "B M D"],
        present: Float[Array, "B T D"],
        visible: Bool[Array, "B T S"],
        positions: Positions,
    ) -> Float[Array, "B T D"]:
        """Attends from the segment to memory (`past`) and segment (`present`).

        Both are projected on their own, because memory needs no gradient.

        A query that sees no key at all (an absent interlocutor) gets exactly zero. No query may
        see further back than the span.
        """
        query = self.query(queries)
        heads = Heads(
            content_query=by_head(moved(query, positions.content_bias)),
            position_query=by_head(moved(query, positions.position_bias)),
            keys=by_head(jnp.concatenate([self.key(past), self.key(present)], axis=1)),
            values=by_head(jnp.concatenate([self.value(past), self.value(present)], axis=1)),
            position_keys=self.position(positions.distances[-self.span :]).transpose(1, 0, 2),
        )
        answers = KERNELS[self.kernel_name](heads, visible, self.products)
        sees_any = visible.any(-1)[..., None]
        return jnp.where(sees_any, self.output(answers.transpose(1, 2, 0, 3)), 0.0)

    def position_keys(self, distances: Float[Array, "S D"]) -> Float[Array, "N S H"]:
        """Projects the sinusoids of distances, once for each set of parameters."""
        return self.position(distances).transpose(1, 0, 2).astype(self.products.dtype)

    def attend_cached(
        self,
        queries: Float[Array, "B T D"],
        present: Float[Array, "B T D"],
        past: Past,
        *,
        remembered: Float[Array, "B T D"] | None = None,
    ) -> tuple[Float[Array, "B T D"], Ring]:
        """Writes a call's keys and values into the ring and attends from its frames to the ring.

        The same sum as `__call__`, but nothing of the past is projected or moved, and scores by
        distance are gathered into the order of the ring's slots. XLA on CPU still copies a ring
        about twice a call, a tenth of the bytes of the weights that the call reads.

        Args:
            queries: What asks.
            present: What this call adds to the ring.
            past: Ring, window and position terms.
            remembered: What later calls find in place of `present`.
        """
        ring, window, einsum = past.ring, past.window, self.live_products.einsum
        query = self.query(queries).astype(jnp.float32)
        ring = write(ring, window.slots, keys=self.key(present), values=self.value(present))
        by_distance = einsum(
            "BTNH,NSH->BNTS", query + past.position_bias[None, None], past.position_keys
        )
        content = einsum("BTNH,BNHC->BNTC", query + past.content_bias[None, None], ring.keys)
        position = jnp.take_along_axis(
            by_distance, window.distance[:, None], axis=-1, mode="promise_in_bounds"
        )
        visible = window.visible[:, None]
        score = (content + position) * query.shape[-1] ** -0.5
        weight = jnp.where(visible, jax.nn.softmax(score, axis=-1, where=visible), 0.0)
        answer = einsum("BNTC,BNCH->BTNH", weight, ring.values)
        if remembered is not None:
            keys, values = self.key(remembered), self.value(remembered)
            ring = write(ring, window.slots, keys=keys, values=values)
        # Over two axes at once, einsum contracts in its own order and turns the kernel round first.
        kernel = self.output.kernel[...]
        answer = answer.reshape(*answer.shape[:2], -1)
        return einsum("BTC,CD->BTD", answer, kernel.reshape(-1, kernel.shape[-1])), ring


def moved(query: Float[Array, "B T N H"], bias: Float[Array, "N H"]) -> Float[Array, "B T N H"]:
    """Adds u or v to queries, in float32 whatever their type is."""
    return (query.astype(jnp.float32) + bias[None, None]).astype(query.dtype)


def by_head(x: Float[Array, "B T N H"]) -> Float[Array, "N B T H"]:
    """Puts heads and lanes first: products of such matrices need no other order of their inputs."""
    return x.transpose(2, 0, 1, 3)

"""The sampled head: a rectified flow from noise to a pose, for each frame (Liu et al. 2022).

Blocks are MLPs with adaptive layer norm as in DiT (Peebles & Xie 2023) and the diffusion head of
MAR (Li et al. 2024). What conditions them is split: the trunk's feature gives one part of the
modulation, once for a frame, and the flow time gives the other, once for a step. Axis letters:
Z components of a pose, U width of the head, V three modulations of a block.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float

from llavataros_jax.config import FlowConfig
from llavataros_jax.model.layers import Projection

_TIME_FEATURES = 64
_FASTEST = 100.0
# A block's first step is a small one, so that depth does not hide the input from the output.
_FIRST_GATE = 0.3
# softplus(0 + this) = 1: noise starts at the pace of the training motion.
_PACE_BIAS = float(np.log(np.expm1(1.0)))


class FlowBlock(nnx.Module):
    """An MLP whose input, and what it adds, are scaled by the condition."""

    def __init__(self, width: int, *, compute_dtype: str, rngs: nnx.Rngs):
        """Draws the MLP; modulations start the same for all conditions."""

        def layer(equation: str, shape: tuple[int, int]) -> Projection:
            return Projection(
                equation,
                shape,
                fan_in=shape[0],
                bias=True,
                compute_dtype=compute_dtype,
                rngs=rngs,
            )

        self.up = layer("BTU,UF->BTF", (width, 2 * width))
        self.down = layer("BTF,FU->BTU", (2 * width, width))
        self.of_condition = layer("BTU,UV->BTV", (width, 3 * width))
        self.of_time = layer("BG,GV->BV", (_TIME_FEATURES, 3 * width))
        for modulation in (self.of_condition, self.of_time):
            modulation.kernel[...] = jnp.zeros_like(modulation.kernel[...])
        gate = jnp.full(width, _FIRST_GATE)
        self.of_time.bias = nnx.Param(jnp.concatenate([jnp.zeros(2 * width), gate]))

    def __call__(
        self, x: Float[Array, "B T U"], modulation: Float[Array, "B T V"]
    ) -> Float[Array, "B T U"]:
        """Returns `x` and what the MLP adds to it."""
        scale, shift, gate = jnp.split(modulation, 3, axis=-1)
        return x + gate * self.down(jax.nn.silu(self.up(_norm(x) * (1 + scale) + shift)))


class FlowHead(nnx.Module):
    """Predicts the velocity that carries noise to the components of a pose."""

    def __init__(
        self, flow: FlowConfig, *, d_model: int, size: int, compute_dtype: str, rngs: nnx.Rngs
    ):
        """Draws the head for poses of `size` components; it starts with a velocity of zero."""
        width = flow.width

        def layer(equation: str, shape: tuple[int, int], dtype: str = "float32") -> Projection:
            return Projection(
                equation, shape, fan_in=shape[0], bias=True, compute_dtype=dtype, rngs=rngs
            )

        self.enter = layer("BTZ,ZU->BTU", (size, width))
        self.hear = layer("BTD,DU->BTU", (d_model, width), compute_dtype)
        self.recall = (
            layer("BTI,IU->BTU", (flow.history_frames * size, width))
            if flow.history_frames
            else None
        )
        self.absent = nnx.Param(jnp.zeros(width))
        self.blocks = nnx.List(
            FlowBlock(width, compute_dtype=compute_dtype, rngs=rngs) for _ in range(flow.blocks)
        )
        self.leave = layer("BTU,UZ->BTZ", (width, size))
        self.leave.kernel[...] = jnp.zeros_like(self.leave.kernel[...])
        self.tempo = layer("BTD,DC->BTC", (d_model, 1))
        self.tempo.kernel[...] = jnp.zeros_like(self.tempo.kernel[...])

    def modulations(
        self,
        feature: Float[Array, "B T D"],
        *,
        heard: Bool[Array, " B"] | None = None,
        history: Float[Array, "B T I"] | None = None,
    ) -> tuple[Float[Array, "B T V"], ...]:
        """Returns each block's modulation by what is heard; the same for all steps.

        Args:
            feature: The trunk's, smoothed.
            heard: Lanes in which speech is heard; in the others the head knows of none.
            history: Components of the last poses, newest first; zeros where none is known.
        """
        condition = self.hear(feature)
        if heard is not None:
            condition = jnp.where(heard[:, None, None], condition, self.absent[...][None, None])
        if self.recall is not None:
            assert history is not None, "a head that recalls poses is given them"
            condition = condition + self.recall(history)
        condition = jax.nn.silu(condition)
        return tuple(block.of_condition(condition) for block in self.blocks)

    def velocity(
        self,
        x: Float[Array, "B T Z"],
        time: Float[Array, " B"],
        modulations: tuple[Float[Array, "B T V"], ...],
    ) -> Float[Array, "B T Z"]:
        """Returns the velocity at `x`, on the way from noise at time 0 to components at time 1."""
        embedded = _time_features(time)
        y = self.enter(x)
        for block, modulation in zip(self.blocks, modulations, strict=True):
            y = block(y, modulation + block.of_time(embedded)[:, None])
        return self.leave(_norm(y))

    def pace(self, feature: Float[Array, "B T D"]) -> Float[Array, "B T"]:
        """Returns how fast people move here, by how fast they move on the whole."""
        return jax.nn.softplus(self.tempo(feature)[..., 0] + _PACE_BIAS)


def _norm(x: Float[Array, "... U"]) -> Float[Array, "... U"]:
    """Normalises without parameters of its own; the modulation has them."""
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = jnp.square(centred).mean(axis=-1, keepdims=True)
    return centred * jax.lax.rsqrt(variance + 1e-5)


def _time_features(time: Float[Array, " B"]) -> Float[Array, "B G"]:
    steps = np.geomspace(1.0, _FASTEST, _TIME_FEATURES // 2).astype(np.float32)
    angles = time[:, None] * steps[None]
    return jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], axis=-1)

"""The PASE+ front end as Flax modules: eight blocks, a recurrence, skips and a norm (section 4).

Arrays are channels-last here; the checkpoint's are channels-first.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Int

from llavataros_jax.pase.layout import (
    CHANNELS,
    FEATURES,
    KERNELS,
    MIN_SAMPLES,
    RECURRENT,
    SKIPS,
    STRIDES,
    inputs_of,
    padding,
)
from llavataros_jax.pase.recurrence import QuasiRecurrence, RecurrentState, initial_state

Params = dict[str, Any]
# Features are computed once and kept, so accelerators must not round them to TF32 or bfloat16.
_PRECISION = jax.lax.Precision.HIGHEST


class Block(nnx.Module):
    """Pads by reflection, convolves, normalises by running statistics, and bends (section 3)."""

    def __init__(self, number: int, *, rngs: nnx.Rngs):
        """Draws block `number`; the first one's kernel is the sinc filters, without a bias."""
        channels = CHANNELS[number]
        self.padding = padding(KERNELS[number], STRIDES[number])
        self.conv = nnx.Conv(
            inputs_of(number),
            channels,
            kernel_size=(KERNELS[number],),
            strides=(STRIDES[number],),
            padding="VALID",
            use_bias=number > 0,
            precision=_PRECISION,
            rngs=rngs,
        )
        self.norm = nnx.BatchNorm(channels, use_running_average=True, epsilon=1e-5, rngs=rngs)
        self.slope = nnx.Param(jnp.zeros(channels))

    def __call__(
        self, x: Float[Array, "B n C"], length: int | Int[Array, ""]
    ) -> Float[Array, "B m D"]:
        """Applies the block to the first `length` steps of `x`; what lies beyond means nothing."""
        return self.bent(reflected(x, *self.padding, length=length))

    def bent(self, x: Float[Array, "B n C"]) -> Float[Array, "B m D"]:
        """Applies the block to an input that has its margins already."""
        x = self.norm(self.conv(x))
        return jnp.where(x >= 0, x, self.slope[...][None, None] * x)


class PaseNetwork(nnx.Module):
    """The whole front end in evaluation mode."""

    def __init__(self, *, rngs: nnx.Rngs):
        """Draws all parameters; a checkpoint replaces them."""
        self.blocks = nnx.List(Block(number, rngs=rngs) for number in range(len(CHANNELS)))
        self.skips = nnx.List(
            nnx.Linear(CHANNELS[number], FEATURES, use_bias=False, precision=_PRECISION, rngs=rngs)
            for number in range(SKIPS)
        )
        self.recurrence = QuasiRecurrence(rngs=rngs)
        self.embedding = nnx.Linear(RECURRENT, FEATURES, precision=_PRECISION, rngs=rngs)
        self.norm = nnx.BatchNorm(
            FEATURES,
            use_running_average=True,
            epsilon=1e-5,
            use_bias=False,
            use_scale=False,
            rngs=rngs,
        )

    def __call__(self, samples: Float[Array, "B T"]) -> Float[Array, "B L F"]:
        """Encodes recordings of equal length, each from an empty past; L = (T + 9) // 160.

        The pooling factors come from the actual lengths, as in the original: only when T is a
        multiple of 160 do the skips stay in step with the tower (section 4).
        """
        if samples.shape[1] < MIN_SAMPLES:
            raise ValueError(f"PASE+ needs {MIN_SAMPLES} samples, but got {samples.shape[1]}")
        outputs = self.tower(samples, samples.shape[1])
        encoded, _ = self.recurrence(outputs[-1], initial_state(len(samples)))
        return self.norm(self.embedding(encoded) + self.skip_sum(outputs))

    def chunk(
        self,
        window: Float[Array, "B T"],
        state: RecurrentState,
        *,
        window_samples: Int[Array, ""],
        first_step: Int[Array, ""],
        num_steps: int,
        slid: Float[Array, "B S"] | None = None,
    ) -> tuple[Float[Array, "B N F"], RecurrentState]:
        """Encodes some steps of longer recordings.

        Args:
            window: A multiple of 160 samples: those of the steps asked for, and their margins.
            state: The recurrence's state before the first step asked for.
            window_samples: How many samples of `window` there are; the rest is ignored.
            first_step: First step asked for, counted from the start of the window.
            num_steps: How many steps are asked for; those beyond the window's mean nothing.
            slid: The samples of the first skip, with 125 more on each side, where it pools
                another number of them than 160 and so lies elsewhere.
        """
        outputs = self.tower(window, window_samples)
        skips = self.skip_sum(outputs, first=0 if slid is None else 1)

        def asked(x: Array) -> Array:
            return jax.lax.dynamic_slice_in_dim(x, first_step, num_steps, axis=1)

        encoded, state = self.recurrence(asked(outputs[-1]), state)
        skips = asked(skips)
        if slid is not None:
            skips = skips + self.skips[0](_pooled(self.blocks[0].bent(slid[..., None]), num_steps))
        return self.norm(self.embedding(encoded) + skips), state

    def tower(
        self, samples: Float[Array, "B T"], length: int | Int[Array, ""]
    ) -> list[Float[Array, "B _ _"]]:
        """Returns the outputs of all blocks for the first `length` samples."""
        x, outputs = samples[..., None], []
        for block, stride in zip(self.blocks, STRIDES, strict=True):
            x = block(x, length)
            # Windows of stride 2 are cut off at an odd end, the one of stride 10 is not.
            length = -(-length // stride) if stride > 2 else length // stride
            outputs.append(x)
        return outputs

    def skip_sum(
        self, outputs: list[Float[Array, "B _ _"]], *, first: int = 0
    ) -> Float[Array, "B L F"]:
        """Adds up the blocks' outputs from `first` on, pooled to the tower's steps and projected.

        Pooling first is the same sum and 160 times less work for the first block.
        """
        steps, total = outputs[-1].shape[1], jnp.zeros(())
        for skip, x in list(zip(self.skips, outputs[:-1], strict=True))[first:]:
            total = total + skip(_pooled(x, steps))
        return total


def _pooled(x: Float[Array, "B n C"], steps: int) -> Float[Array, "B L C"]:
    """Averages groups of ⌊n / steps⌋; what remains at the end is left out (section 4)."""
    group = x.shape[1] // steps
    return x[:, : steps * group].reshape(len(x), steps, group, -1).mean(axis=2)


def reflected(
    x: Float[Array, "B n C"], before: int, after: int, *, length: int | Int[Array, ""]
) -> Float[Array, "B m C"]:
    """Pads the first `length` steps of `x` by reflection without repeating the edge.

    Only an edge is moved when `length` is traced, so one program serves every length.
    """
    end = jax.lax.dynamic_slice_in_dim(x, length - 1 - after, after, axis=1)[:, ::-1]
    padded = jnp.concatenate([x[:, before:0:-1], x, jnp.zeros_like(end)], axis=1)
    return jax.lax.dynamic_update_slice_in_dim(padded, end, before + length, axis=1)


@functools.cache
def graph() -> Any:
    """Returns the static half of the network."""
    return nnx.split(nnx.eval_shape(lambda: PaseNetwork(rngs=nnx.Rngs(0))))[0]


def network(params: Params) -> PaseNetwork:
    """Returns the network with the parameters `params`, nested dictionaries of arrays."""
    return nnx.merge(graph(), nnx.State(params))

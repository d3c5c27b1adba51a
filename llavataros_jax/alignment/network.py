"""The two encoders: temporal convolutions that turn a window of motion or speech into a direction.

An embedding keeps time: it is the encoder's channels at every second frame, each about its mean in
the window, as one vector of length 1. So a product of two embeddings is a correlation of learnt
envelopes (SyncNet's idea, Chung and Zisserman 2016, with the frames kept apart), and a window in
which nothing happens is the zero vector, which prefers nothing.
"""

import functools
import itertools
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Key

from llavataros_jax.alignment.body import FRAMES_PER_SECOND, POINTS
from llavataros_jax.alignment.settings import Settings
from llavataros_jax.alignment.speech import CHANNELS

Arrays = dict[str, Any]
# Verdicts are reported, so accelerators must not round products to TF32 or bfloat16.
PRECISION = jax.lax.Precision.HIGHEST
POOLED_FRAMES = 2
MOTION_CHANNELS = 4 * len(POINTS)
KERNEL_FRAMES = 5
# Speeds, in those that are usual in a clip, below which slow and still are the same.
_STILL = 0.1
# An embedding before its length is taken away that is shorter than this says nothing.
_SILENT = 1e-3


class Convolution(nnx.Module):
    """A convolution over time as one matrix product; ends are held, so that still stays still."""

    def __init__(self, inputs: int, outputs: int, *, rngs: nnx.Rngs):
        """Draws the kernel."""
        shape = (KERNEL_FRAMES * inputs, outputs)
        self.kernel = nnx.Param(jax.nn.initializers.lecun_normal()(rngs.params(), shape))
        self.bias = nnx.Param(jnp.zeros(outputs))

    def __call__(self, x: Float[Array, "B n C"]) -> Float[Array, "B n D"]:
        """Convolves windows, which stay as long as they are."""
        reach = KERNEL_FRAMES // 2
        padded = jnp.pad(x, ((0, 0), (reach, reach), (0, 0)), mode="edge")
        taps = [padded[:, tap : tap + x.shape[1]] for tap in range(KERNEL_FRAMES)]
        # Rows of a matrix: XLA's products of three axes take many times as long on CPUs.
        rows = jnp.concatenate(taps, axis=2).reshape(-1, self.kernel[...].shape[0])
        product = jnp.matmul(rows, self.kernel[...], precision=PRECISION) + self.bias[...][None]
        return product.reshape(*x.shape[:2], -1)


class Encoder(nnx.Module):
    """One side: windows of features to embeddings."""

    def __init__(self, inputs: int, settings: Settings, *, rngs: nnx.Rngs):
        """Draws all parameters."""
        self.dropout = settings.dropout
        sizes = [inputs, *[settings.width] * settings.layers]
        pairs = itertools.pairwise(sizes)
        self.inner = nnx.List([Convolution(a, b, rngs=rngs) for a, b in pairs])
        self.last = Convolution(sizes[-1], settings.channels, rngs=rngs)

    def __call__(
        self, x: Float[Array, "B n C"], key: Key[Array, ""] | None = None
    ) -> Float[Array, "B E"]:
        """Encodes windows; with a key, channels are dropped as in training."""
        for number, layer in enumerate(self.inner):
            x = jax.nn.gelu(layer(x))
            if key is not None:
                mask_key = jax.random.fold_in(key, number)
                kept = jax.random.bernoulli(mask_key, 1 - self.dropout, (len(x), 1, x.shape[2]))
                x = jnp.where(kept, x / (1 - self.dropout), 0.0)
        x = self.last(x)
        x = x.reshape(len(x), -1, POOLED_FRAMES, x.shape[2]).mean(axis=2)
        x = (x - x.mean(axis=1, keepdims=True)).reshape(len(x), -1)
        length = jnp.sqrt(jnp.square(x).sum(axis=1, keepdims=True) + 1e-12)
        return jnp.where(length > _SILENT, x / length, 0.0)


class DualEncoder(nnx.Module):
    """Both sides, and how sharply training compares them."""

    def __init__(self, settings: Settings, *, rngs: nnx.Rngs):
        """Draws all parameters."""
        self.motion = Encoder(MOTION_CHANNELS, settings, rngs=rngs)
        self.speech = Encoder(len(CHANNELS), settings, rngs=rngs)
        self.sharpness = nnx.Param(jnp.array([2.3]))


def motion_features(points: Float[Array, "B n 6 3"]) -> Float[Array, "B n 24"]:
    """Returns how points move that are steadied (`material.steadied`).

    The logarithms of their speeds, and their velocities: emphasis falls on strokes that go down
    more than on those that go up.
    """
    velocity = jnp.asarray(jnp.gradient(points, axis=1)) * FRAMES_PER_SECOND
    speed = jnp.sqrt(jnp.square(velocity).sum(axis=-1) + 1e-12)
    directed = velocity.reshape(*velocity.shape[:2], -1)
    return jnp.concatenate([jnp.log(_STILL + speed), directed], axis=-1)


@functools.cache
def graph(settings: Settings) -> Any:
    """Returns the static half of the network."""
    return nnx.split(nnx.eval_shape(lambda: DualEncoder(settings, rngs=nnx.Rngs(0))))[0]


def initial(settings: Settings, member: int = 0) -> Arrays:
    """Draws the first weights of a member."""
    return _initial(settings, jax.random.fold_in(jax.random.key(settings.seed), member))


# In one program: drawn one by one, each shape is compiled by itself.
@functools.partial(jax.jit, static_argnums=0)
def _initial(settings: Settings, key: Key[Array, ""]) -> Arrays:
    return nnx.to_pure_dict(nnx.state(DualEncoder(settings, rngs=nnx.Rngs(key))))


def network(settings: Settings, arrays: Arrays) -> DualEncoder:
    """Returns the network with these weights."""
    return nnx.merge(graph(settings), nnx.State(arrays))


@functools.cache
def template(settings: Settings) -> Arrays:
    """Returns the shapes of all weights, in the order and under the names of `initial`."""
    return nnx.to_pure_dict(
        nnx.state(nnx.eval_shape(lambda: DualEncoder(settings, rngs=nnx.Rngs(0))))
    )

"""The autoencoder of the GENEA numerical evaluations as a Flax module.

The encoder convolves a window of positions and projects it to 32 features; the decoder mirrors it.
Arrays are channels-last here; GENEA's are channels-first.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from llavataros_jax.embedding.layout import DECODER_CHANNELS, FEATURES, Layout

# Lists of layers are dictionaries with numbers as keys.
Params = dict[Any, Any]
# Distances between features are reported, so accelerators must not round them to TF32 or bfloat16.
_PRECISION = jax.lax.Precision.HIGHEST
_CONV_SLOPE, _DENSE_SLOPE = 0.2, 0.01
# U(±1/√fan_in), PyTorch's default.
_INITIAL = jax.nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")


class Convolution(nnx.Module):
    """A convolution along frames as one matrix product.

    XLA's own, inside the loop of an epoch, takes 25 times as long on CPUs.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        width: int = 3,
        stride: int = 1,
        padding: int = 0,
        rngs: nnx.Rngs,
    ):
        """Draws the kernel; `padding` zeros are put at either end."""
        self.stride, self.padding = stride, padding
        kernel = _INITIAL(rngs.params(), (width, inputs, outputs), jnp.float32)
        self.kernel = nnx.Param(kernel)
        self.bias = nnx.Param(jnp.zeros(outputs, jnp.float32))

    def __call__(self, x: Float[Array, "N n C"]) -> Float[Array, "N m D"]:
        """Applies it to every frame that has all its neighbours."""
        width, inputs, outputs = self.kernel[...].shape
        x = jnp.pad(x, ((0, 0), (self.padding, self.padding), (0, 0)))
        frames = (x.shape[1] - width) // self.stride + 1
        span = (frames - 1) * self.stride + 1
        neighbours = [x[:, tap : tap + span : self.stride] for tap in range(width)]
        rows = jnp.concatenate(neighbours, axis=2).reshape(-1, width * inputs)
        kernel = self.kernel[...].reshape(width * inputs, outputs)
        y = jnp.matmul(rows, kernel, precision=_PRECISION) + self.bias[...][None]
        return y.reshape(len(x), frames, outputs)


class Encoder(nnx.Module):
    """Four convolutions and three dense layers; features are the last one's."""

    def __init__(self, layout: Layout, *, rngs: nnx.Rngs):
        """Draws all parameters."""
        self.identity_leaky = layout.identity_leaky
        self.convs = nnx.List(
            [
                Convolution(layout.dims, 128, rngs=rngs),
                Convolution(128, 64, rngs=rngs),
                Convolution(64, 64, width=4, stride=2, rngs=rngs),
                Convolution(64, 32, rngs=rngs),
            ]
        )
        self.conv_norms = nnx.List(_norm(size, rngs) for size in (128, 64, 64))
        self.dense = nnx.List(
            [
                _dense(32 * layout.encoded_frames, 256, rngs),
                _dense(256, 128, rngs),
                _dense(128, FEATURES, rngs),
            ]
        )
        self.dense_norms = nnx.List(_norm(size, rngs) for size in (256, 128))

    def __call__(self, windows: Float[Array, "N n D"], *, training: bool) -> Float[Array, "N F"]:
        """Encodes standardised windows; in training by the statistics of the batch."""
        x = windows
        for conv, norm in zip(self.convs[:-1], self.conv_norms, strict=True):
            x = _bent(norm(conv(x), use_running_average=not training), _CONV_SLOPE)
        x = self.convs[-1](x)
        x = x.swapaxes(1, 2).reshape(len(x), -1)
        for dense, norm in zip(self.dense[:-1], self.dense_norms, strict=True):
            x = norm(dense(x), use_running_average=not training)
            x = x if self.identity_leaky else _bent(x, _DENSE_SLOPE)
        return self.dense[-1](x)


class Decoder(nnx.Module):
    """Two dense layers, two transposed convolutions and two plain ones."""

    def __init__(self, layout: Layout, *, rngs: nnx.Rngs):
        """Draws all parameters."""
        self.identity_leaky = layout.identity_leaky
        self.dense = nnx.List(
            [_dense(FEATURES, 64, rngs), _dense(64, DECODER_CHANNELS * layout.frames, rngs)]
        )
        self.dense_norms = nnx.List([_norm(64, rngs)])
        # A transposed convolution of stride 1 is one of the padded input, its kernel turned round.
        self.convs = nnx.List(
            [
                Convolution(DECODER_CHANNELS, 32, padding=2, rngs=rngs),
                Convolution(32, 32, padding=2, rngs=rngs),
                Convolution(32, 32, rngs=rngs),
                Convolution(32, layout.dims, rngs=rngs),
            ]
        )
        self.conv_norms = nnx.List([_norm(32, rngs), _norm(32, rngs)])

    def __call__(self, features: Float[Array, "N F"], *, training: bool) -> Float[Array, "N n D"]:
        """Reconstructs standardised windows."""
        x = self.dense_norms[0](self.dense[0](features), use_running_average=not training)
        x = self.dense[1](x if self.identity_leaky else _bent(x, _DENSE_SLOPE))
        x = x.reshape(len(x), DECODER_CHANNELS, -1).swapaxes(1, 2)
        for conv, norm in zip(self.convs[:2], self.conv_norms, strict=True):
            x = _bent(norm(conv(x), use_running_average=not training), _CONV_SLOPE)
        return self.convs[3](self.convs[2](x))


class Autoencoder(nnx.Module):
    """Encoder and decoder."""

    def __init__(self, layout: Layout, *, rngs: nnx.Rngs):
        """Draws all parameters."""
        self.encoder = Encoder(layout, rngs=rngs)
        self.decoder = Decoder(layout, rngs=rngs)

    def __call__(
        self, windows: Float[Array, "N n D"], *, training: bool = False
    ) -> tuple[Float[Array, "N F"], Float[Array, "N n D"]]:
        """Returns features and the windows reconstructed from them."""
        features = self.encoder(windows, training=training)
        return features, self.decoder(features, training=training)


def _bent(x: Float[Array, "..."], slope: float) -> Float[Array, "..."]:
    return jnp.where(x >= 0, x, slope * x)


def _dense(inputs: int, outputs: int, rngs: nnx.Rngs) -> nnx.Linear:
    return nnx.Linear(inputs, outputs, precision=_PRECISION, kernel_init=_INITIAL, rngs=rngs)


def _norm(size: int, rngs: nnx.Rngs) -> nnx.BatchNorm:
    return nnx.BatchNorm(size, momentum=0.9, epsilon=1e-5, use_fast_variance=False, rngs=rngs)


@functools.cache
def graph(layout: Layout) -> Any:
    """Returns the static half of the network."""
    return nnx.split(nnx.eval_shape(lambda: Autoencoder(layout, rngs=nnx.Rngs(0))))[0]


@functools.cache
def shapes(layout: Layout) -> dict[str, tuple[int, ...]]:
    """Returns the shape of every array by its path, such as `encoder.convs.0.kernel`."""
    abstract = nnx.eval_shape(lambda: Autoencoder(layout, rngs=nnx.Rngs(0)))
    return {path: leaf.shape for path, leaf in flat(nnx.to_pure_dict(nnx.state(abstract))).items()}


def network(layout: Layout, params: Params) -> Autoencoder:
    """Returns the network with the parameters and statistics `params`."""
    return nnx.merge(graph(layout), nnx.State(params))


def flat(params: Params, prefix: str = "") -> dict[str, Any]:
    """Returns arrays by their paths, in the order of the paths."""
    found: dict[str, Any] = {}
    for key, value in params.items():
        path = f"{prefix}{key}"
        found |= flat(value, f"{path}.") if isinstance(value, dict) else {path: value}
    return dict(sorted(found.items()))


def nested(arrays: dict[str, Any]) -> Params:
    """Returns what `flat` flattened."""
    params: Params = {}
    for path, array in arrays.items():
        *places, last = (int(key) if key.isdigit() else key for key in path.split("."))
        inner = params
        for place in places:
            inner = inner.setdefault(place, {})
        inner[last] = array
    return params

"""Trains an autoencoder as the GENEA numerical evaluations do (`train_AE.py`), on any skeleton."""

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Float, Int, Key

from llavataros_jax.embedding.embedding import Embedding
from llavataros_jax.embedding.layout import Layout
from llavataros_jax.embedding.material import Material, Windows
from llavataros_jax.embedding.network import Autoencoder, flat, nested, network
from llavataros_jax.errors import UserError

Arrays = dict[str, Array]
# Weights, running statistics, and the optimizer's memory.
State = tuple[Arrays, Arrays, optax.OptState]
_RUNNING = (".mean", ".var")
_EARLY = (1, 2, 5)
_EVERY = 10


@dataclass(frozen=True)
class Settings:
    """How to train.

    Attributes:
        window_frames: Frames of a window.
        stride_frames: Frames between starts of windows.
        epochs: Passes over the windows.
        batch_windows: Windows of a step; the last, smaller batch of an epoch is left out.
        learning_rate: Adam's; its betas are 0.5 and 0.999.
        seed: Of the first weights, the order, and what is held out.
        identity_leaky: See `Layout`.

    Raises:
        UserError: When a number is out of range.
    """

    window_frames: int = 30
    stride_frames: int = 15
    epochs: int = 50
    batch_windows: int = 64
    learning_rate: float = 5e-4
    seed: int = 0
    identity_leaky: bool = True

    def __post_init__(self) -> None:
        least = {
            "--stride": (self.stride_frames, 1),
            "--epochs": (self.epochs, 1),
            "--batch": (self.batch_windows, 2),
            "--seed": (self.seed, 0),
        }
        for option, (value, bound) in least.items():
            if value < bound:
                raise UserError(f"{option} must be {bound} or more, not {value}")
        if self.seed >= 2**32:
            raise UserError(f"--seed must be below 2^32, not {self.seed}")
        if not 0 < self.learning_rate < 1:
            raise UserError(f"--learning-rate must lie between 0 and 1, not {self.learning_rate}")


@dataclass(frozen=True)
class Errors:
    """How well held-out windows are reconstructed, means over all their numbers.

    Attributes:
        deviations: Absolute error in standard deviations.
        mean_pose_deviations: That of the mean pose, which knows nothing of a window.
        metres: Absolute error in metres.
    """

    deviations: float
    mean_pose_deviations: float
    metres: float


@dataclass(frozen=True)
class Progress:
    """Where training stands after an epoch: its loss, and errors when they were measured."""

    epoch: int
    loss: float
    errors: Errors | None


def fit(
    material: Material, settings: Settings, *, report: Callable[[Progress], None] | None = None
) -> Embedding:
    """Trains an embedding; the same material and settings give the same one on one machine.

    The loss is the mean absolute error of positions plus that of their differences from frame to
    frame, in standard deviations.

    Args:
        material: What to train on.
        settings: How to train; windows as the material has them.
        report: Called after every epoch.

    Raises:
        UserError: When training diverges.
    """
    layout = Layout(settings.window_frames, len(material.mean), settings.identity_leaky)
    batch = min(settings.batch_windows, len(material.train))
    arrays = initial(layout, settings.seed)
    trainable, running = split(arrays)
    optimizer = _adam(settings.learning_rate)
    state: State = (trainable, running, optimizer.init(trainable))
    frames = jnp.asarray(material.train.frames)
    starts = jnp.asarray(material.train.starts)
    key, errors = jax.random.key(settings.seed), None
    for number in range(1, settings.epochs + 1):
        order = jax.random.fold_in(key, number)
        state, loss = epoch(layout, optimizer, batch, state, frames, starts, order)
        if not np.isfinite(loss):
            raise UserError(
                f"training diverged in epoch {number} (its loss is {float(loss)}); choose a lower "
                f"learning rate than {settings.learning_rate:g}"
            )
        is_measured = number in _EARLY or number % _EVERY == 0 or number == settings.epochs
        if is_measured:
            errors = _measured(layout, {**state[0], **state[1]}, material)
        if report is not None:
            report(Progress(number, float(loss), errors if is_measured else None))
    return Embedding(
        layout=layout,
        params=nested({path: np.asarray(leaf) for path, leaf in {**state[0], **state[1]}.items()}),
        mean=material.mean,
        std=material.std,
        joints=material.joints,
        fps=material.fps,
        stride_frames=settings.stride_frames,
        about={
            "settings": dataclasses.asdict(settings),
            "seed": settings.seed,
            "clips": material.num_clips,
            "names_sha256": material.names_sha256,
            "windows": len(material.train),
            "held_out_windows": len(material.held_out),
            "held_out_errors": errors and dataclasses.asdict(errors),
            "still": list(material.still),
        },
    )


def initial(layout: Layout, seed: int) -> Arrays:
    """Draws the first weights."""
    drawn = Autoencoder(layout, rngs=nnx.Rngs(seed))
    return flat(nnx.to_pure_dict(nnx.state(drawn)))


def split(arrays: Arrays) -> tuple[Arrays, Arrays]:
    """Tells what is trained from the running statistics."""
    running = {path: leaf for path, leaf in arrays.items() if path.endswith(_RUNNING)}
    return {path: leaf for path, leaf in arrays.items() if path not in running}, running


@functools.cache
def _adam(learning_rate: float) -> optax.GradientTransformation:
    return optax.adam(learning_rate, b1=0.5, b2=0.999, eps=1e-8)


def _loss(
    trainable: Arrays, running: Arrays, layout: Layout, windows: Float[Array, "N n D"]
) -> tuple[Float[Array, ""], Arrays]:
    """Returns the sum over windows, as the original has it, and the statistics moved on."""
    module = network(layout, nested({**trainable, **running}))
    _, rebuilt = module(windows, training=True)
    error = jnp.abs(rebuilt - windows).mean(axis=(1, 2))
    steps = jnp.abs(jnp.diff(rebuilt, axis=1) - jnp.diff(windows, axis=1)).mean(axis=(1, 2))
    moved = flat(nnx.to_pure_dict(nnx.state(module, nnx.BatchStat)))
    return (error + steps).sum(), moved


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def epoch(
    layout: Layout,
    optimizer: optax.GradientTransformation,
    batch: int,
    state: State,
    frames: Float[Array, "T D"],
    starts: Int[Array, " windows"],
    key: Key[Array, ""],
) -> tuple[State, Float[Array, ""]]:
    """Passes once over all windows in a drawn order.

    Returns:
        The state after it, and the mean loss of a window.
    """
    steps = len(starts) // batch
    order = jax.random.permutation(key, starts)[: steps * batch].reshape(steps, batch)

    def step(state: State, begins: Array) -> tuple[State, Array]:
        trainable, running, memory = state
        windows = frames[begins[:, None] + jnp.arange(layout.frames, dtype=begins.dtype)[None]]
        (loss, running), gradient = jax.value_and_grad(_loss, has_aux=True)(
            trainable, running, layout, windows
        )
        with jax.numpy_dtype_promotion("standard"):  # optax counts steps in int32
            updates, memory = optimizer.update(gradient, memory, trainable)
        moved: Any = optax.apply_updates(trainable, updates)
        return (moved, running, memory), loss

    state, losses = jax.lax.scan(step, state, order)
    return state, losses.mean() / batch


def _measured(layout: Layout, arrays: Arrays, material: Material) -> Errors | None:
    held: Windows = material.held_out
    if not len(held):
        return None
    size, sums = 256, np.zeros(3)
    std = jnp.asarray(material.std, jnp.float32)
    for first in range(0, len(held), size):
        starts = held.starts[first : first + size]
        index = np.zeros((size, layout.frames), np.int32)
        index[: len(starts)] = starts[:, None] + np.arange(layout.frames)
        windows = jnp.asarray(held.frames[index])
        sums += np.asarray(_absolute_errors(layout, arrays, windows, std))[: len(starts)].sum(
            axis=0
        )
    means = sums / len(held)
    return Errors(*map(float, means))


@functools.partial(jax.jit, static_argnums=0)
def _absolute_errors(
    layout: Layout, arrays: Arrays, windows: Float[Array, "N n D"], std: Float[Array, " D"]
) -> Float[Array, "N 3"]:
    """Returns each window's error, that of the mean pose, and the error in the unit of `std`."""
    _, rebuilt = network(layout, nested(arrays))(windows)
    error = jnp.abs(rebuilt - windows)
    kinds = (error, jnp.abs(windows), error * std[None, None])
    return jnp.stack([kind.mean(axis=(1, 2)) for kind in kinds], axis=1)

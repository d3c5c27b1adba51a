"""Features of a clip: 32 numbers for each window of its motion."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Int

from llavataros_jax.embedding.embedding import Embedding
from llavataros_jax.embedding.layout import FEATURES, Layout
from llavataros_jax.embedding.network import Params, network
from llavataros_jax.embedding.positions import positions_for
from llavataros_jax.motion.trajectories import Trajectories

# Windows of one call; fewer are filled up, so that two programs serve clips of every length.
_BATCHES = (32, 256)


def features(embedding: Embedding, trajectories: Trajectories) -> Float32[np.ndarray, "windows 32"]:
    """Encodes a clip's windows; a clip that is shorter than a window has none.

    Raises:
        UserError: When the embedding is for other joints or another rate.
    """
    return encoded(embedding, positions_for(embedding, trajectories))


def encoded(
    embedding: Embedding, positions: Float[np.ndarray, "T J 3"]
) -> Float32[np.ndarray, "windows 32"]:
    """Encodes windows of positions that are in the embedding's joints and unit."""
    windows, params = standardised_windows(embedding, positions), _on_device(embedding)
    if not len(windows):
        return np.zeros((0, FEATURES), np.float32)
    size = next((size for size in _BATCHES if size >= len(windows)), _BATCHES[-1])
    found = []
    for start in range(0, len(windows), size):
        batch = windows[start : start + size]
        filled = np.zeros((size, *batch.shape[1:]), np.float32)
        filled[: len(batch)] = batch
        found.append(
            np.asarray(_encode(embedding.layout, params, jnp.asarray(filled)))[: len(batch)]
        )
    return np.concatenate(found)


def standardised_windows(
    embedding: Embedding, positions: Float[np.ndarray, "T J 3"]
) -> Float32[np.ndarray, "windows n D"]:
    """Returns a clip's windows by the embedding's statistics, as a view."""
    flat = positions.reshape(len(positions), -1)
    frames = ((flat - embedding.mean) / embedding.std).astype(np.float32)
    starts = window_starts(
        len(frames),
        window_frames=embedding.layout.frames,
        stride_frames=embedding.stride_frames,
        drops_last=embedding.drops_last_window,
    )
    if not len(starts):
        return np.zeros((0, embedding.layout.frames, embedding.layout.dims), np.float32)
    views = np.lib.stride_tricks.sliding_window_view(frames, embedding.layout.frames, axis=0)
    return views.transpose(0, 2, 1)[starts[0] :: embedding.stride_frames][: len(starts)]


def window_starts(
    num_frames: int, *, window_frames: int, stride_frames: int, drops_last: bool = False
) -> Int[np.ndarray, " windows"]:
    """Returns the first frame of each whole window of a clip.

    Args:
        num_frames: Frames of the clip.
        window_frames: Frames of a window.
        stride_frames: Frames between starts.
        drops_last: Leave out a window that ends with the clip's last frame, as GENEA's code does.
    """
    return np.arange(0, num_frames - window_frames + (not drops_last), stride_frames)


def _on_device(embedding: Embedding) -> Params:
    return jax.tree.map(jnp.asarray, embedding.params)


@functools.partial(jax.jit, static_argnums=0)
def _encode(layout: Layout, params: Params, windows: Float[Array, "N n D"]) -> Float[Array, "N F"]:
    return network(layout, params).encoder(windows, training=False)

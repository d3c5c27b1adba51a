"""Words: projected and then spread over frames, or spread first."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from llavataros.benchmark.turns import compare


def run(turns: int) -> None:
    """Projects vectors of 4096 numbers to 1024 for 8 lanes of 90 frames with 30 words each."""
    keys = jax.random.split(jax.random.key(0), 3)
    words = jax.random.normal(keys[0], (8, 30, 4096))
    index = jax.random.randint(keys[1], (8, 90), 0, 30)
    kernel = jax.random.normal(keys[2], (4096, 1024))

    def spread(rows: jax.Array, index: jax.Array) -> jax.Array:
        return jnp.take_along_axis(rows, index[..., None], axis=1)

    ours = jax.jit(lambda words, index, kernel: spread(words @ kernel, index))
    usual = jax.jit(lambda words, index, kernel: spread(words, index) @ kernel)
    ways: dict[str, Callable[[], object]] = {
        "each word once (ours)": lambda: ours(words, index, kernel),
        "each frame": lambda: usual(words, index, kernel),
    }
    compare("projecting the words of 8 segments", ways, turns)

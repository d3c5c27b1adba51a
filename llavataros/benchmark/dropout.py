"""Bits of dropout: by threefry2x32 or by rbg."""

import functools
from collections.abc import Callable

import jax

from llavataros.benchmark.turns import compare


def run(turns: int) -> None:
    """Draws what one step of the demo's network drops: 12 lanes, 60 frames, 10 masks of 96."""

    def masks(bits: str) -> Callable[[], jax.Array]:
        draw = jax.jit(functools.partial(jax.random.bernoulli, p=0.9, shape=(10, 12, 60, 96)))
        return functools.partial(draw, jax.random.key(0, impl=bits))

    ways = {bits: masks(bits) for bits in ("threefry2x32", "rbg")}
    compare("dropout masks of a step", ways, turns)

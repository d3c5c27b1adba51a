"""The pace of a large matrix product on this machine, below which a step must stay."""

import time

import jax
import numpy as np

from llavataros_jax.model.products import products

_TURNS = 5
_LEAST_SECONDS = 0.1


def measured_flop_per_second(compute_dtype: str) -> float:
    """Times products of square matrices, as `model.compute_dtype` asks for them, on one device."""
    width = 1024 if jax.default_backend() == "cpu" else 8192
    kind = products(compute_dtype)

    @jax.jit
    def multiply(first, second):
        return kind.einsum("AB,BC->AC", first, second).astype(kind.dtype)

    # Scaled so that a product of many neither grows nor vanishes.
    first, second = (
        (jax.random.normal(jax.random.key(seed), (width, width)) * width**-0.5).astype(kind.dtype)
        for seed in range(2)
    )
    paces = []
    repeats = 1
    while len(paces) < _TURNS:
        began = time.perf_counter()
        result = first
        for _ in range(repeats):
            result = multiply(result, second)
        result.block_until_ready()
        spent = time.perf_counter() - began
        if spent < _LEAST_SECONDS:
            repeats *= 2  # the first turns compile, and are too short to be timed
            continue
        paces.append(2 * width**3 * repeats / spent)
    return float(np.median(paces))

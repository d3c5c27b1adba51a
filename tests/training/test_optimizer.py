"""AdamW with clipping against its equations in float64, and what of it is kept how."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from llavataros_jax.config import OptimizerConfig
from llavataros_jax.training.optimizer import build_optimizer

CLIP, STEPS, RATE = 2.0, 200, 1e-2
CONFIG = {"learning_rate": RATE, "weight_decay": 0.1, "clip_norm": CLIP}


def gradients():
    """Returns noise about a slope, of two arrays, that is longer than what is clipped to or not."""
    draw = np.random.default_rng(0)
    slope = draw.normal(size=23)
    size = np.where(np.arange(STEPS) % 3, 0.1, 1.0)[:, None]
    noise = (size * (slope + draw.normal(size=(STEPS, 23)))).astype(np.float32)
    lengths = np.linalg.norm(noise, axis=1)
    assert (lengths > CLIP).any()
    assert (lengths < CLIP).any()
    return noise


def split(row):
    return {"kernel": row[:20].reshape(4, 5), "bias": row[20:]}


def by_hand(noise, *, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Returns parameters after all steps (Loshchilov and Hutter 2019, algorithm 2)."""
    x, m, v = np.ones(23), np.zeros(23), np.zeros(23)
    for t, g in enumerate(noise.astype(np.float64), 1):
        g = g * min(1, CLIP / np.linalg.norm(g))
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
        hat_m, hat_v = m / (1 - beta1**t), v / (1 - beta2**t)
        x = x - RATE * (hat_m / (np.sqrt(hat_v) + epsilon) + 0.1 * x)
    return x


@jax.numpy_dtype_promotion("standard")
def learned(noise, **options):
    optimizer = build_optimizer(OptimizerConfig(**CONFIG, **options), STEPS)

    @jax.jit
    def run(params, state):
        def step(so_far, row):
            params, state = so_far
            updates, state = optimizer.update(split(row), state, params)
            return (optax.apply_updates(params, updates), state), None

        return jax.lax.scan(step, (params, state), noise)[0]

    params = split(jnp.ones(23))
    params, state = run(params, optimizer.init(params))
    return np.concatenate([np.ravel(params["kernel"]), params["bias"]]), state


@pytest.fixture(scope="module")
def noise():
    return gradients()


def test_steps_are_those_of_the_equations(noise):
    found, _ = learned(noise)
    np.testing.assert_allclose(found, by_hand(noise), atol=2e-5)


def test_a_first_moment_in_bfloat16_leads_nearly_the_same_way(noise):
    wanted = by_hand(noise)
    found, state = learned(noise, first_moment_dtype="bfloat16")
    way, drift = np.linalg.norm(wanted - 1), np.linalg.norm(found - wanted)
    assert 0 < drift < 2e-3 * way, "a decay that is rounded to bfloat16 makes it 1.4e-2"
    moments = optax.tree.get(state, "mu"), optax.tree.get(state, "nu")
    assert [{x.dtype.name for x in jax.tree.leaves(m)} for m in moments] == [
        {"bfloat16"},
        {"float32"},
    ]


def test_a_checkpoint_without_clipping_by_optax_fits():
    """Runs that were begun with Optax's own clipping go on."""
    own = build_optimizer(OptimizerConfig(**CONFIG), STEPS)
    theirs = optax.chain(optax.clip_by_global_norm(CLIP), build_optimizer(OptimizerConfig(), STEPS))
    params = split(jnp.ones(23))
    assert jax.tree.structure(own.init(params)) == jax.tree.structure(theirs.init(params))


@jax.numpy_dtype_promotion("standard")
def test_the_norm_that_clips_and_the_one_that_is_logged_are_computed_once():
    optimizer = build_optimizer(OptimizerConfig(**CONFIG), STEPS)

    @functools.partial(jax.jit, static_argnums=0)
    def step(is_logged, params, state, gradient):
        updates, state = optimizer.update(gradient, state, params)
        return updates, state, optax.global_norm(gradient) if is_logged else None

    params = split(jnp.ones(23))
    given = params, optimizer.init(params), params

    def sums(is_logged):
        return step.lower(is_logged, *given).compile().as_text().count(" reduce(")

    assert sums(True) == sums(False) > 0

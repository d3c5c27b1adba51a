"""AdamW with warm-up, decay and clipping."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from llavataros_jax.config import OptimizerConfig


def learning_rate_schedule(config: OptimizerConfig, steps: int) -> optax.Schedule:
    """Rises linearly over the warm-up, then falls along a cosine to its final fraction."""
    peak = config.learning_rate
    decay = optax.cosine_decay_schedule(
        peak, max(1, steps - config.warmup_steps), alpha=config.final_fraction
    )
    if config.warmup_steps == 0:
        return decay
    # The first step already moves: a learning rate of exactly 0 would waste it.
    rise = optax.linear_schedule(peak / config.warmup_steps, peak, config.warmup_steps - 1)
    return optax.join_schedules([rise, decay], [config.warmup_steps])


def build_optimizer(config: OptimizerConfig, steps: int) -> optax.GradientTransformation:
    """Returns clipping by global norm (when asked for), then AdamW on every parameter."""
    adamw = optax.adamw(
        learning_rate_schedule(config, steps),
        b1=config.beta1,
        b2=config.beta2,
        eps=config.epsilon,
        weight_decay=config.weight_decay,
    )
    if config.first_moment_dtype == "bfloat16":
        adamw = _with_first_moment(adamw, jnp.bfloat16)
    if config.clip_norm == 0:
        return adamw
    return optax.chain(_clip_by_global_norm(config.clip_norm), adamw)


def _with_first_moment(adam: optax.GradientTransformation, dtype: Any) -> Any:
    """Keeps the first moment as `dtype` between steps, which are float32.

    The `mu_dtype` of Optax multiplies by its decay in that type too, where 0.9 is 0.8984: moments
    come out 1.6 % short. The second moment stays float32. At a decay of 0.999 it moves by a
    thousandth of what it lacks at each step, and bfloat16 has no number so near (its last place is
    a 256th to a 128th), so that it would stand still.
    """

    def kept(state: Any, dtype: Any) -> Any:
        moment = optax.tree.get(state, "mu")
        return optax.tree.set(state, mu=jax.tree.map(lambda x: x.astype(dtype), moment))

    def init(params: Any) -> Any:
        return kept(adam.init(params), dtype)

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        updates, state = adam.update(updates, kept(state, jnp.float32), params)
        return updates, kept(state, dtype)

    return optax.GradientTransformation(init, update)


def _clip_by_global_norm(largest: float) -> optax.GradientTransformation:
    """Scales gradients by one factor, which is 1 where their norm is not above `largest`.

    `optax.clip_by_global_norm` chooses between gradients and scaled ones number by number, which
    XLA writes out on a CPU: a third of a gigabyte at 83 million parameters, and 0.97 s for the
    whole update where this takes 0.56. The state is the same: none.
    """

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        del params
        # The step reports the same norm, of which XLA makes one.
        factor = jnp.minimum(1.0, largest / optax.global_norm(updates))
        return jax.tree.map(lambda x: factor * x, updates), state

    return optax.GradientTransformation(optax.init_empty_state, update)

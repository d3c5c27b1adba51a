"""AdamW with warm-up, decay and clipping."""

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
    if config.clip_norm == 0:
        return adamw
    return optax.chain(optax.clip_by_global_norm(config.clip_norm), adamw)

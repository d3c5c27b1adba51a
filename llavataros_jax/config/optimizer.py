"""The optimiser."""

from dataclasses import dataclass
from typing import Literal

from llavataros_jax.config.require import require


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW with linear warm-up, cosine decay and clipping by global norm.

    Attributes:
        learning_rate: Peak learning rate.
        warmup_steps: Steps of linear warm-up.
        decay_steps: Step at which the learning rate reaches its final fraction; 0 means
            `training.steps`, and a run keeps that of its first start.
        final_fraction: Learning rate at the end of the decay as a share of the peak; 1 keeps it
            constant.
        beta1: Decay of the first moment.
        beta2: Decay of the second moment.
        epsilon: Added to the root of the second moment.
        weight_decay: Decoupled weight decay.
        first_moment_dtype: What the first moment is kept as between steps; `bfloat16` takes two
            bytes less for each parameter. The second moment stays float32, because small steps
            would be lost.
        clip_norm: Largest global gradient norm; 0 turns clipping off.
        ema_decay: Share of the moving average of parameters that stays at each step, such as
            0.999; validation, samples and animation then use the average. 0 keeps none.
    """

    learning_rate: float = 1e-5
    warmup_steps: int = 0
    decay_steps: int = 0
    final_fraction: float = 1.0
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.01
    first_moment_dtype: Literal["float32", "bfloat16"] = "float32"
    clip_norm: float = 0.0
    ema_decay: float = 0.0

    def __post_init__(self) -> None:
        for name in ("learning_rate", "epsilon"):
            require(getattr(self, name) > 0, f"optimizer.{name} must be positive", self)
        for name in ("warmup_steps", "decay_steps", "weight_decay", "clip_norm"):
            require(getattr(self, name) >= 0, f"optimizer.{name} must not be negative", self)
        for name in ("beta1", "beta2", "ema_decay"):
            require(0 <= getattr(self, name) < 1, f"optimizer.{name} must be in [0, 1)", self)
        require(0 <= self.final_fraction <= 1, "optimizer.final_fraction must be from 0 to 1", self)

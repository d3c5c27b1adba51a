"""The optimiser."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW with linear warm-up, cosine decay and clipping by global norm.

    Attributes:
        learning_rate: Peak learning rate.
        warmup_steps: Steps of linear warm-up.
        final_fraction: Learning rate at the last step as a share of the peak; 1 keeps it constant.
        beta1: Decay of the first moment.
        beta2: Decay of the second moment.
        epsilon: Added to the root of the second moment.
        weight_decay: Decoupled weight decay.
        clip_norm: Largest global gradient norm; 0 turns clipping off.
    """

    learning_rate: float = 1e-5
    warmup_steps: int = 0
    final_fraction: float = 1.0
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.01
    clip_norm: float = 0.0

"""The sampled head and its dials."""

from dataclasses import dataclass
from typing import Literal

from llavataros_jax.config.require import require

MOST_STEPS = 100


@dataclass(frozen=True)
class FlowConfig:
    """A rectified flow for each frame (Liu et al. 2022), of `model.head=flow`.

    It turns noise that moves smoothly into poses, by what the trunk makes of the speech. Poses are
    seen as components: principal axes of the training motion, each of unit variance.

    Attributes:
        blocks: Blocks of the head: MLPs with adaptive layer norm (DiT, Peebles & Xie 2023).
        width: Their width.
        target: Whether the flow makes the `pose`, or the `residual` on the regression's.
        kept_variance: Share of the training motion's variance that the components hold.
        difference: Weight of the error's change from frame to frame: what it learns to avoid is
            jitter.
        geometric: Weight of the loss's geometric terms on the pose that one step would reach.
        repeats: Flow times and noises drawn for each segment of a lane, which share one trunk.
        drop_speech: Share of segments' lanes of which the head hears nothing, for guidance.
        condition_smoothing: Share of the last frame's feature in what the head is told, 0 to 1:
            features change at the rate of phonemes, bodies do not.
        history_frames: Poses sampled before that the head is told; 0 for none.
        history_noise: Deviation of what is added to them in training, in that of the components.
        history_dropout: Share of frames of which they are hidden in training.
        noise_correlation: Correlation of a frame's noise with the next frame's (AR(1)), 0 for
            independent. When not given, noise is smooth (Matérn 5/2) and each component's moves as
            fast as that component of the training motion.
        pace: Let speech set how fast the noise moves: slower where people hold still.
        pace_weight: Weight of the pace's error.
        steps: Euler steps of a sample.
        temperature: Size of the noise; 0 is near the mean, 1 as trained.
        guidance: How much further from what is likely without speech; 1 as trained.
    """

    blocks: int = 3
    width: int = 512
    target: Literal["pose", "residual"] = "pose"
    kept_variance: float = 0.995
    difference: float = 0.3
    geometric: float = 0.0
    repeats: int = 4
    drop_speech: float = 0.1
    condition_smoothing: float = 0.5
    history_frames: int = 0
    history_noise: float = 0.4
    history_dropout: float = 0.4
    noise_correlation: float | None = None
    pace: bool = True
    pace_weight: float = 0.1
    steps: int = 2
    temperature: float = 1.0
    guidance: float = 1.0

    def __post_init__(self) -> None:
        for name in ("blocks", "width", "repeats"):
            self._require(getattr(self, name) > 0, name, "must be 1 or more")
        for name in ("difference", "geometric", "history_frames", "history_noise", "pace_weight"):
            self._require(getattr(self, name) >= 0, name, "must not be negative")
        for name in ("drop_speech", "history_dropout", "condition_smoothing"):
            self._require(0 <= getattr(self, name) < 1, name, "must be from 0 to below 1")
        self._require(0 < self.kept_variance <= 1, "kept_variance", "must be above 0, at most 1")
        correlation = self.noise_correlation
        self._require(
            correlation is None or 0 <= correlation < 1,
            "noise_correlation",
            "must be from 0 to below 1, or null",
        )
        self._require(1 <= self.steps <= MOST_STEPS, "steps", f"must be from 1 to {MOST_STEPS}")
        self._require(0 <= self.temperature <= 3, "temperature", "must be from 0 to 3")
        self._require(0 <= self.guidance <= 10, "guidance", "must be from 0 to 10")

    def _require(self, fits: bool, name: str, rule: str) -> None:
        require(fits, f"flow.{name} is {getattr(self, name)}, but {rule}", self)

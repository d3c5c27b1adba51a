"""All sections together."""

from dataclasses import dataclass, field

from llavataros_jax.config.audio import AudioConfig
from llavataros_jax.config.augmentation import AugmentationConfig
from llavataros_jax.config.data import DataConfig
from llavataros_jax.config.film import FilmConfig
from llavataros_jax.config.flow import FlowConfig
from llavataros_jax.config.loss import LossConfig
from llavataros_jax.config.model import ModelConfig
from llavataros_jax.config.motion import MotionConfig
from llavataros_jax.config.optimizer import OptimizerConfig
from llavataros_jax.config.parallel import ParallelConfig
from llavataros_jax.config.text import TextConfig
from llavataros_jax.config.training import TrainingConfig
from llavataros_jax.config.words import WordsConfig
from llavataros_jax.errors import UserError


@dataclass(frozen=True)
class Config:
    """Everything; each section has a class of its own."""

    data: DataConfig = field(default_factory=DataConfig)
    audio: AudioConfig = field(default_factory=AudioConfig)
    text: TextConfig = field(default_factory=TextConfig)
    words: WordsConfig = field(default_factory=WordsConfig)
    motion: MotionConfig = field(default_factory=MotionConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    flow: FlowConfig = field(default_factory=FlowConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    parallel: ParallelConfig = field(default_factory=ParallelConfig)
    film: FilmConfig = field(default_factory=FilmConfig)

    def __post_init__(self) -> None:
        length = self.schedule_steps
        if length and self.optimizer.warmup_steps > length:
            name = "optimizer.decay_steps" if self.optimizer.decay_steps else "training.steps"
            raise UserError(
                f"optimizer.warmup_steps={self.optimizer.warmup_steps} exceeds {name}={length}; "
                "shorten the warm-up"
            )

    @property
    def schedule_steps(self) -> int:
        """Length of the learning rate's schedule; 0 while `training.steps` is not chosen yet."""
        return self.optimizer.decay_steps or self.training.steps

"""Every option of the project: one frozen dataclass a section, and `Config`, which holds them.

Defaults live here and nowhere else, impossible combinations are refused when a section is made,
and numbers derived from others are properties. `config.file` reads and writes them.
"""

from llavataros_jax.config.audio import AudioConfig
from llavataros_jax.config.augmentation import AugmentationConfig
from llavataros_jax.config.config import Config
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

__all__ = [
    "AudioConfig",
    "AugmentationConfig",
    "Config",
    "DataConfig",
    "FilmConfig",
    "FlowConfig",
    "LossConfig",
    "ModelConfig",
    "MotionConfig",
    "OptimizerConfig",
    "ParallelConfig",
    "TextConfig",
    "TrainingConfig",
    "WordsConfig",
]

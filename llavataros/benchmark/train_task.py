"""What is trained in the comparison with PyTorch: sizes, network, parameters and noise to learn."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from llavataros_jax.batch import Batch, Speech
from llavataros_jax.config import ModelConfig
from llavataros_jax.model import GestureModel, Memory, Params, Sizes, build
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.skeleton import Skeleton

# Joints on each level of GENEA's skeleton of 83, from the root to the tips.
_LEVELS = (1, 1, 3, 3, 3, 4, 3, 4, 6, 5, 3, 5, 5, 13, 12, 10, 2)
_FPS, _WORDS = 30, 30
# As the published code has it, so that its weights fit.
_PUBLISHED = ModelConfig(
    cross_memory="main_encoder", memory_reset="zeros", standardise_features=False
)


@dataclass
class Way:
    """One way of taking a step.

    Attributes:
        row: What is known of it, which the report shows.
        call: Takes a step, or several.
        segments: Segments of a call.
    """

    row: dict[str, Any]
    call: Callable[[], object]
    segments: int = 1


@dataclass(frozen=True)
class Task:
    """A network and batches of noise of its sizes.

    Attributes:
        config: Options of the network.
        audio: Audio features of a frame.
        text: Numbers of a word's vector.
        levels: Joints on each level of the skeleton.
        lanes: Rows of a batch.
    """

    config: ModelConfig = _PUBLISHED
    audio: int = 768
    text: int = 300
    levels: tuple[int, ...] = _LEVELS
    lanes: int = 32

    @property
    def frames(self) -> int:
        """Frames that a step learns from, in all lanes."""
        return self.lanes * self.config.segment_frames

    @cached_property
    def codec(self) -> PoseCodec:
        """A codec in which every dimension of the pose changes."""
        random, parents = np.random.default_rng(0), [-1]
        for above, here in zip(self.levels[:-1], self.levels[1:], strict=True):
            first = len(parents) - above
            parents += [first + joint * above // here for joint in range(here)]
        joints = len(parents)
        skeleton = Skeleton(
            tuple(f"joint{number}" for number in range(joints)),
            tuple(parents),
            random.normal(0, 0.05, (joints, 3)),
        )
        frames = random.normal(size=(90, joints, 7))
        frames[..., 3:] /= np.linalg.norm(frames[..., 3:], axis=-1, keepdims=True)
        motion = Motion(frames, _FPS, skeleton)
        codec = PoseCodec.measure([(motion, 0)], self.sizes.speakers, flexible_joints=())
        return codec.fit([codec.encode(motion)])

    @property
    def sizes(self) -> Sizes:
        """What data would decide."""
        return Sizes(self.audio, self.text, pose=3 + 6 * sum(self.levels), speakers=17)

    def model(
        self, compute_dtype: str = "float32", *, dropout: float | None = None
    ) -> GestureModel:
        """Returns our network."""
        dropout = self.config.dropout if dropout is None else dropout
        config = dataclasses.replace(self.config, compute_dtype=compute_dtype, dropout=dropout)
        return build(config, self.sizes)

    def params(self) -> Params:
        """Returns parameters of which none is zero or one, where mistakes would not show."""
        random = np.random.default_rng(1)
        drawn = jax.jit(self.model().init)(jax.random.key(0))
        scale = 0.5 * self.config.d_model**-0.5
        return jax.tree.map(
            lambda x: np.asarray(x) + scale * random.standard_normal(x.shape, np.float32), drawn
        )

    def memory(self, lanes: int) -> Memory:
        """Returns a memory full of noise."""
        config = self.config
        slots, frames = config.self_blocks + config.cross_blocks, config.memory_frames
        shape = (lanes, slots, frames, config.d_model)
        noise = np.random.default_rng(2).standard_normal(shape, np.float32)
        full = np.ones((lanes, frames), bool)
        return Memory(jnp.array(noise), jnp.array(full), jnp.array(full))

    def batch(self, seed: int, lanes: int | None = None) -> Batch:
        """Returns a segment of noise of both people, in the middle of clips."""
        random, lanes = np.random.default_rng((3, seed)), lanes or self.lanes
        frames = self.config.segment_frames
        return Batch(
            main=self._speech(random, lanes),
            interlocutor=self._speech(random, lanes),
            interlocutor_present=np.ones(lanes, bool),
            pose=random.standard_normal((lanes, frames, self.sizes.pose), np.float32),
            frame_mask=np.ones((lanes, frames), bool),
            is_start=np.zeros(lanes, bool),
        )

    def _speech(self, random: np.random.Generator, lanes: int) -> Speech:
        frames = self.config.segment_frames

        def noise(*shape: int) -> np.ndarray:
            return random.standard_normal(shape).astype(np.float16)

        return Speech(
            audio=noise(lanes, frames, self.audio),
            words=noise(lanes, _WORDS, self.text),
            word_index=random.integers(-1, _WORDS, (lanes, frames)).astype(np.int32),
            speaker=random.integers(0, self.sizes.speakers, lanes).astype(np.int32),
        )


def dtypes() -> tuple[str, ...]:
    """Returns the types of products that are timed on this device."""
    if jax.default_backend() == "gpu":
        return ("float32", "tf32", "bfloat16")
    return ("float32", "bfloat16")


def features(speech: Speech) -> np.ndarray:
    """Returns audio and text of every frame, (B, T, A + E), as others store them."""
    index = np.asarray(speech.word_index)[..., None]
    text = np.take_along_axis(np.asarray(speech.words), np.maximum(index, 0), axis=1)
    return np.concatenate([speech.audio, np.where(index >= 0, text, 0)], -1).astype(np.float32)


def _smaller(**options: Any) -> ModelConfig:
    return dataclasses.replace(_PUBLISHED, **options)


TASKS = {
    "published": Task(),
    "middle": Task(
        _smaller(d_model=512, heads=16, d_inner=2048, cross_blocks=1), lanes=16
    ),
    "small": Task(
        _smaller(
            d_model=64, heads=4, d_head=16, d_inner=128, self_blocks=1, cross_blocks=2,
            segment_frames=12, memory_frames=24,
        ),
        audio=24,
        text=16,
        levels=(1, 3, 5),
        lanes=4,
    ),
}  # fmt: skip

"""A step of training at the published size: by regression alone, and with the sampled head."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from llavataros.benchmark.turns import compare
from llavataros_jax.batch import Batch, Speech
from llavataros_jax.config import Config, FlowConfig, ModelConfig
from llavataros_jax.model import GestureModel, Sizes, build
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.pose_basis import PoseBasis
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.training.optimizer import build_optimizer
from llavataros_jax.training.state import init_state
from llavataros_jax.training.step import train_step

_LANES, _JOINTS = 4, 9
# A step takes seconds on a CPU.
_MOST_TURNS = 5


def run(turns: int) -> None:
    """Trains on noise, four lanes of 90 frames of two people, in one step a turn."""
    codec, basis = _motion()
    sizes = Sizes(audio=768, text=4096, pose=codec.pose_size, speakers=2)
    ways = {}
    for name in ("regression", "flow"):
        config = dataclasses.replace(ModelConfig(), head=name)
        model = build(config, sizes, flow=FlowConfig(), basis=basis)
        ways[f"{name}, {model.parameter_count():,} parameters"] = _steps(model, codec, sizes)
    compare(f"a step of training, {_LANES} lanes", ways, min(turns, _MOST_TURNS))


def _steps(model: GestureModel, codec: PoseCodec, sizes: Sizes) -> Callable[[], object]:
    config = Config()
    optimizer = build_optimizer(config.optimizer, 1000)
    step = jax.jit(
        functools.partial(
            train_step, model=model, codec=codec, optimizer=optimizer, loss=config.loss
        ),
        donate_argnums=0,
    )
    start = functools.partial(
        init_state, model, optimizer, lanes=_LANES, seed=1, dropout_bits="threefry2x32"
    )
    states: list[Any] = [jax.jit(start)()]
    batch = _batch(model.config.segment_frames, sizes)

    def turn() -> object:
        states[0], metrics = step(states[0], batch)
        return metrics

    return turn


def _motion() -> tuple[PoseCodec, PoseBasis]:
    """Returns codec and components of a chain of joints that turn at random."""
    random = np.random.default_rng(0)
    offsets = np.tile([[0.0, 0.1, 0.0]], (_JOINTS, 1))
    skeleton = Skeleton(
        tuple(f"joint{k}" for k in range(_JOINTS)), tuple(range(-1, _JOINTS - 1)), offsets
    )
    frames = np.concatenate(
        [np.zeros((90, _JOINTS, 3)), random.normal(size=(90, _JOINTS, 4))], axis=-1
    )
    frames[..., 3:] /= np.linalg.norm(frames[..., 3:], axis=-1, keepdims=True)
    motion = Motion(frames, 30.0, skeleton)
    codec = PoseCodec.measure([(motion, 0)], 2, flexible_joints=())
    poses = codec.encode(motion)
    codec = codec.fit([poses])
    return codec, PoseBasis.measure([np.asarray(codec.normalise(poses))], kept_variance=0.995)


def _batch(frames: int, sizes: Sizes) -> Batch:
    random = np.random.default_rng(1)

    def noise(*shape: int) -> np.ndarray:
        return random.standard_normal(shape).astype(np.float16)

    speech = Speech(
        audio=noise(_LANES, frames, sizes.audio),
        words=noise(_LANES, 30, sizes.text),
        word_index=random.integers(-1, 30, (_LANES, frames)).astype(np.int32),
        speaker=np.zeros(_LANES, np.int32),
    )
    return Batch(
        main=speech,
        interlocutor=speech,
        interlocutor_present=np.ones(_LANES, bool),
        pose=noise(_LANES, frames, sizes.pose).astype(np.float32),
        frame_mask=np.ones((_LANES, frames), bool),
        is_start=np.zeros(_LANES, bool),
    )

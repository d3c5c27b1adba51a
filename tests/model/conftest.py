"""A network small enough to be probed exhaustively."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llavataros_jax.batch import Speech
from llavataros_jax.config import ModelConfig
from llavataros_jax.model import GestureModel, Memory, Params, Sizes, build

SIZES = Sizes(audio=6, text=7, pose=11, speakers=3)
LANES, FRAMES = 2, 36


def small_config(**options) -> ModelConfig:
    """Returns a config of width 16 with memory 12 and segments of 12."""
    defaults = dict(
        variant="plus", d_model=16, heads=2, d_head=4, d_inner=32, self_blocks=2, cross_blocks=2,
        segment_frames=12, memory_frames=12, dropout=0.0,
    )  # fmt: skip
    return ModelConfig(**{**defaults, **options})


@dataclass(frozen=True)
class Probe:
    """A network with parameters and inputs, run segment by segment."""

    model: GestureModel
    params: Params
    apply: Callable
    main: Speech
    interlocutor: Speech
    present: np.ndarray

    def run(
        self, cuts: list[int], *, main=None, interlocutor=None, memory: Memory | None = None
    ) -> tuple[np.ndarray, Memory]:
        """Runs segments of the given lengths and joins the poses."""
        main, interlocutor = main or self.main, interlocutor or self.interlocutor
        lanes = main.speaker.shape[0]
        memory = memory or self.model.empty_memory(lanes)
        poses, start = [], 0
        for length in cuts:
            part = slice(start, start + length)
            pose, memory = self.apply(
                self.params,
                cut(main, part),
                cut(interlocutor, part),
                jnp.asarray(self.present[:lanes]),
                frame_mask=jnp.ones((lanes, length), bool),
                memory=memory,
            )
            poses.append(pose)
            start += length
        return np.concatenate(poses, axis=1), memory


def cut(speech: Speech, part: slice) -> Speech:
    """Returns some frames of `speech`."""
    return speech.replace(audio=speech.audio[:, part], word_index=speech.word_index[:, part])


def random_speech(seed: int, lanes: int = LANES, frames: int = FRAMES) -> Speech:
    """Returns speech of noise."""
    rng = np.random.default_rng(seed)
    return Speech(
        audio=rng.normal(size=(lanes, frames, SIZES.audio)).astype(np.float32),
        words=rng.normal(size=(lanes, 5, SIZES.text)).astype(np.float32),
        word_index=rng.integers(-1, 5, (lanes, frames)).astype(np.int32),
        speaker=np.arange(lanes, dtype=np.int32) % SIZES.speakers,
    )


@functools.cache
def make_probe(**options) -> Probe:
    """Returns a probe whose u and v are not zero, so that a test sees them."""
    model = build(small_config(**options), SIZES)
    params = jax.jit(model.init)(jax.random.key(0))
    for place, name in enumerate(("content_bias", "position_bias")):
        params[name] = 0.5 * jax.random.normal(jax.random.key(place), params[name].shape)
    # The output starts at zero; here it must let through what reaches it.
    params["output"]["kernel"] = jax.random.normal(jax.random.key(2), (16, SIZES.pose)) / 4
    present = np.ones(LANES, bool)
    return Probe(model, params, jax.jit(model.apply), random_speech(1), random_speech(2), present)


@pytest.fixture(scope="session", params=["text", "audio", "plus", "cross"])
def variant(request) -> str:
    """Each of the four front ends."""
    return request.param

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
    """Returns a probe of a network with drawn parameters."""
    model = build(small_config(**options), SIZES)
    present, people = np.ones(LANES, bool), (random_speech(1), random_speech(2))
    return Probe(model, draw_params(model), jax.jit(model.apply), *people, present)


def draw_params(model: GestureModel) -> Params:
    """Draws parameters without compiling `init`, which leaves u, v and the output at zero.

    Here a test sees u and v, and the output lets through what reaches it.
    """
    rng = np.random.default_rng(0)

    def draw(path: tuple, leaf: jax.ShapeDtypeStruct) -> jax.Array:
        name = path[-1].key
        if name == "scale":
            return jnp.ones(leaf.shape, leaf.dtype)
        size = {"bias": 0.1, "content_bias": 0.5, "position_bias": 0.5}.get(
            name, leaf.shape[0] ** -0.5
        )
        return jnp.asarray(size * rng.standard_normal(leaf.shape), leaf.dtype)

    shapes = jax.eval_shape(model.init, jax.random.key(0))
    return jax.tree_util.tree_map_with_path(draw, shapes)


_VARIANTS = [pytest.param(name, marks=pytest.mark.slow) for name in ("text", "audio", "cross")]


@pytest.fixture(scope="session", params=["plus", *_VARIANTS])
def variant(request) -> str:
    """Each of the four front ends."""
    return request.param

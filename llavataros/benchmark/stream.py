"""Live frames, one by one: with cached keys and values, or with a memory of hidden states."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from llavataros.benchmark.turns import compare
from llavataros_jax.batch import Speech
from llavataros_jax.config import ModelConfig
from llavataros_jax.config.file import load_config
from llavataros_jax.config.shipped import find_config
from llavataros_jax.inference.step import Frames, prepare, start, step
from llavataros_jax.model import Sizes, build


def run(turns: int) -> None:
    """Animates single live frames of two people at the published size, of one at AvatarOS size."""
    for config, sizes in published_and_small():
        _time(config, sizes, turns)


def published_and_small() -> list[tuple[ModelConfig, Sizes]]:
    """Returns the two networks that are timed."""
    small = load_config(find_config("avataros")).model
    return [
        (ModelConfig(), Sizes(audio=768, text=4096, pose=66, speakers=2)),
        (small, Sizes(audio=132, text=128, pose=66, speakers=2)),
    ]


def _time(config: ModelConfig, sizes: Sizes, turns: int) -> None:
    model = build(config, sizes)
    params = prepare(model, jax.jit(model.init)(jax.random.key(0)))
    frames = _frame(config, sizes)
    # Without XLA's donation every call would copy what it remembers.
    cached = jax.jit(functools.partial(step, model, call_frames=1), donate_argnums=1)

    @functools.partial(jax.jit, donate_argnums=1)
    def hidden(params: Any, memory: Any, frames: Any) -> Any:
        return model.apply(
            params.params,
            frames.main,
            frames.interlocutor,
            frames.interlocutor_present,
            frame_mask=frames.frame_mask,
            memory=memory,
        )

    def live(run: Callable[..., Any], state: Any) -> Callable[[], object]:
        states = [state]

        def frame() -> object:
            pose, states[0] = run(params, states[0], frames)
            return pose, states[0]

        return frame

    ways = {
        "keys and values in rings (ours)": live(cached, start(model, lanes=1, call_frames=1)),
        "hidden states, projected again each frame": live(hidden, model.empty_memory(1)),
    }
    medians = compare(f"a live frame, {model.parameter_count():,} parameters", ways, turns)
    for name, median in medians.items():
        print(f"  {name:<44} {1e3 * median:12.2f} ms  {1 / median:8.0f} frames a second")


def _frame(config: ModelConfig, sizes: Sizes) -> Frames:
    """Returns a frame of noise, of two people if the network listens to the other."""
    one, random = np.ones((1, 1), bool), np.random.default_rng(0)
    speech = Speech(
        audio=random.standard_normal((1, 1, sizes.audio)).astype(np.float16),
        words=random.standard_normal((1, 1, sizes.text)).astype(np.float16),
        word_index=np.zeros((1, 1), np.int32),
        speaker=np.zeros(1, np.int32),
    )
    present = np.full(1, config.cross_blocks > 0)
    return Frames(speech, speech, present, frame_mask=one, is_start=~one[0])

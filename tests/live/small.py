"""A small run with a sampled head, an engine of three lanes on a clock of ours, and sound.

The network looks ahead and listens to the other person; all tests share what is compiled.
"""

import dataclasses
import functools
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from data_prep.arriving.hearing import Hearing
from data_prep.words.word import Word
from llavataros.live.engine import Engine
from llavataros.live.live_frame import LiveFrame
from llavataros.live.options import SessionOptions
from llavataros.live.session import Session
from llavataros_jax.config import AudioConfig, Config, FilmConfig, FlowConfig, TextConfig
from llavataros_jax.data.manifest import Manifest
from llavataros_jax.data.segments import ClipSpeech
from llavataros_jax.inference.animate import Animator
from llavataros_jax.model import Sizes, build
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.pose_basis import PoseBasis
from llavataros_jax.sound.steps import PROSODY
from llavataros_jax.trained import TrainedRun
from tests.model.conftest import draw_params, small_config
from tests.training.records import waving

LANES, FPS, RATE = 3, 30, 16000
AHEAD, SMOOTHING = 6, 4
DELAY = AHEAD + SMOOTHING
SPEAKERS = ("ada_mirror", "ada", "ben")
FLOW = FlowConfig(blocks=2, width=16)


class Clock:
    """A clock that stands until it is moved, or is the wall's."""

    def __init__(self) -> None:
        self.now, self.is_real = 100.0, False

    def __call__(self) -> float:
        return time.monotonic() if self.is_real else self.now


@functools.cache
def small_run() -> TrainedRun:
    motion = waving(1, 60)
    codec = PoseCodec.measure([(motion, speaker) for speaker in range(3)], 3)
    codec = codec.fit([codec.encode(motion)])
    config = dataclasses.replace(
        Config(),
        audio=AudioConfig(mels=2),
        text=TextConfig(kind="hashed", size=7),
        film=FilmConfig(),
        flow=FLOW,
        model=small_config(
            variant="plus", norm="pre", self_blocks=1, cross_blocks=1, head="flow",
            memory_frames=14, segment_frames=7, lookahead_frames=AHEAD,
        ),
    )  # fmt: skip
    sizes = Sizes(3 * (2 + len(PROSODY)), 7, codec.pose_size, 3)
    basis = PoseBasis.measure(
        [np.asarray(codec.normalise(codec.encode(motion)))], kept_variance=0.99
    )
    model = build(config.model, sizes, flow=FLOW, basis=basis)
    manifest = Manifest("small", FPS, (), codec.to_dict(), SPEAKERS, {}, {}, ())
    return TrainedRun(config, manifest, Animator(model, draw_params(model), codec), "best/1")


@functools.cache
def small_engine() -> tuple[Engine, Clock]:
    clock = Clock()
    engine = Engine(small_run(), sessions=LANES, clock=clock)
    engine.warm_up()
    return engine, clock


@contextmanager
def opened(**options: object) -> Iterator[Session]:
    """Opens a session of the shared engine, at a whole second if it is the first; closes it."""
    engine, clock = small_engine()
    if not engine.open_sessions:
        clock.now = math.ceil(clock.now)
    session = engine.open(SessionOptions(**options))  # pyright: ignore[reportArgumentType]
    try:
        yield session
    finally:
        session.close()


def moved() -> int:
    """Steps the shared engine until there is nothing to do; returns how often it did something."""
    engine, steps = small_engine()[0], 0
    while engine.step():
        steps += 1
    return steps


def sound(seed: int, seconds: float = 1.5, rate: int = RATE) -> np.ndarray:
    """Returns noise that is loud and quiet by turns."""
    count = round(seconds * rate)
    loud = np.arange(count) * 4 // rate % 3 != 1
    return (0.1 * np.random.default_rng(seed).standard_normal(count) * loud).astype(np.float32)


def joints(frames: list[LiveFrame]) -> np.ndarray:
    return np.stack([frame.joints for frame in frames])


def offline(
    samples: np.ndarray,
    words: tuple[Word, ...] = (),
    other: ClipSpeech | None = None,
    *,
    speaker: str | None = None,
    seed: int = 0,
) -> Motion:
    """Returns what the run makes of a whole recording."""
    main = heard_whole(samples, words, speaker)
    return small_run().animate(main, other, seed=seed)


def silent(frames: int) -> np.ndarray:
    """Returns silence of so many frames."""
    return np.zeros(round(frames / FPS * RATE), np.float32)


def heard_whole(
    samples: np.ndarray, words: tuple[Word, ...] = (), speaker: str | None = None
) -> ClipSpeech:
    """Returns the features of a whole recording."""
    hearing = Hearing(small_run().config, words="timed" if words else "none")
    hearing.hear(samples, RATE)
    if words:
        hearing.say(words)
    hearing.end()
    heard = hearing.take(100_000)
    index = np.where(heard.has_word, np.arange(len(heard)), -1).astype(np.int32)
    return ClipSpeech(heard.audio, heard.words, index, small_run().speaker_id(speaker))

"""Live frames, one by one: of a regression and of a sampled head, and as others remember.

Others keep hidden states and project them again each frame, where we keep keys and values.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from llavataros.benchmark.turns import seconds_by_turn
from llavataros_jax.batch import Speech
from llavataros_jax.config import FlowConfig, ModelConfig
from llavataros_jax.inference.body import Body
from llavataros_jax.inference.dials import LiveDials
from llavataros_jax.inference.frames import Frames
from llavataros_jax.inference.state import start
from llavataros_jax.inference.step import prepare, step
from llavataros_jax.inference.stream import Streamer
from llavataros_jax.model import Sizes, build
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.pose_basis import PoseBasis
from llavataros_jax.motion.skeleton import AVATAROS_9

# Milliseconds that a sampled frame may take on two CPU cores.
GOALS = (33.0, 3.0)
_FPS = 30


def run(turns: int) -> None:
    """Animates single live frames of two people at the published size, of one at that for hours."""
    heads = (FlowConfig(), FlowConfig(width=256))
    for (config, sizes), flow, goal in zip(published_and_small(), heads, GOALS, strict=True):
        _time(config, sizes, flow, turns=turns, goal=goal)


def published_and_small() -> list[tuple[ModelConfig, Sizes]]:
    """Returns the two networks that are timed: the published one, and one for hours of data."""
    small = ModelConfig(
        d_model=256, heads=8, d_inner=1024, cross_blocks=0, norm="pre", word_bit=True
    )
    return [
        (ModelConfig(), Sizes(audio=768, text=4096, pose=66, speakers=2)),
        (small, Sizes(audio=132, text=256, pose=66, speakers=2)),
    ]


def _time(
    config: ModelConfig, sizes: Sizes, options: FlowConfig, *, turns: int, goal: float
) -> None:
    codec, basis = _motion(options.kept_variance)
    regression, flow = (
        build(dataclasses.replace(config, head=head), sizes, flow=options, basis=basis)
        for head in ("regression", "flow")
    )
    sampled = prepare(flow, jax.jit(flow.init)(jax.random.key(0)))
    # The trunk is drawn alike with both heads.
    trunk = {name: part for name, part in sampled.params.items() if name != "flow"}
    params, frames = sampled.replace(params=trunk), _frame(config, sizes)
    body = Body(codec, fps=_FPS, lookahead_frames=config.lookahead_frames)
    dials = LiveDials.of(1, options)
    turned = dials.replace(expressiveness=np.full(1, 1.3, np.float32), idle=np.ones(1, np.float32))
    guided = dials.replace(guidance=np.full(1, 1.5, np.float32))

    def live(run: Callable[..., Any], state: Any) -> Callable[[], object]:
        states = [state]

        def frame() -> object:
            pose, states[0] = run(states[0])
            return pose, states[0]

        return frame

    def stepped(model: Any, params: Any, dials: LiveDials, body: Body | None = None) -> Any:
        # Without XLA's donation every call would copy what it remembers.
        program = jax.jit(
            functools.partial(step, model, call_frames=1, body=body), donate_argnums=1
        )
        dials, state = jax.device_put(dials), start(model, lanes=1, call_frames=1, body=body)
        return live(lambda state: program(params, state, frames, dials=dials), state)

    @functools.partial(jax.jit, donate_argnums=1)
    def hidden(params: Any, memory: Any, frames: Any) -> Any:
        return regression.apply(
            params.params,
            frames.main,
            frames.interlocutor,
            frames.interlocutor_present,
            frame_mask=frames.frame_mask,
            memory=memory,
        )

    def streamed(*, alone: bool) -> Callable[[], object]:
        streamer = Streamer(regression, trunk, codec, call_frames=1, body_dials=False, alone=alone)
        other = None if alone else frames.interlocutor
        return live(lambda state: streamer(state, frames.main, other), streamer.start())

    ways = {
        "regression, keys and values in rings (ours)": stepped(regression, params, dials),
        "regression, the dials of a body turned": stepped(regression, params, turned, body),
        "regression, what a call brings in one transfer": streamed(alone=False),
        "regression, in one transfer, nobody else": streamed(alone=True),
        f"sampled head, {options.steps} steps": stepped(flow, sampled, dials),
        f"sampled head, {options.steps} steps, guided": stepped(flow, sampled, guided),
        "hidden states, projected again each frame": live(
            lambda memory: hidden(params, memory, frames), regression.empty_memory(1)
        ),
    }
    count = regression.parameter_count()
    print(
        f"a live frame, {count:,} parameters and {flow.parameter_count() - count:,} of the sampled "
        f"head, with which it is to take {goal:g} ms at most on two cores"
    )
    print(f"  {'':<46} {'median':>9} {'95 %':>12} {'times':>7}")
    medians = {}
    for name, seconds in seconds_by_turn(ways, turns).items():
        medians[name] = float(np.median(seconds))
        late, ratio = np.percentile(seconds, 95), medians[name] / next(iter(medians.values()))
        print(
            f"  {name:<46} {1e3 * medians[name]:6.2f} ms {1e3 * late:9.2f} ms {ratio:7.2f}"
            f" {1 / medians[name]:8.0f} frames a second"
        )


def _motion(kept_variance: float) -> tuple[PoseCodec, PoseBasis]:
    """Returns codec and components of joints that turn at random, three of them flexible."""
    random, joints = np.random.default_rng(0), AVATAROS_9.num_joints
    frames = random.normal(size=(90, joints, 7))
    frames[..., 3:] /= np.linalg.norm(frames[..., 3:], axis=-1, keepdims=True)
    motion = Motion(frames, _FPS, AVATAROS_9)
    codec = PoseCodec.measure([(motion, 0)], 2, flexible_joints=AVATAROS_9.names[1:4])
    poses = codec.encode(motion)
    codec = codec.fit([poses])
    return codec, PoseBasis.measure(
        [np.asarray(codec.normalise(poses))], kept_variance=kept_variance
    )


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

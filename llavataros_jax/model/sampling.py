"""Samples of the flow head: noise that goes on from frame to frame, and what is made of it.

Randomness is an address: what is new on a frame depends on the lane's seed and the frame's number
alone. So the same seed gives the same motion whole, by segments, frame by frame and in any lane.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float, Int, UInt32

from llavataros_jax.config import FlowConfig
from llavataros_jax.model.flow import FlowHead
from llavataros_jax.model.noise import FirstOrderNoise, Noise, SmoothNoise
from llavataros_jax.motion.pose_basis import PoseBasis


class SampleState(struct.PyTreeNode):
    """What sampling keeps of each lane.

    Attributes:
        noise: State of the noise.
        history: Components of the last poses, newest first; zeros before the first.
        condition: Smoothed feature of the last frame.
        frame: Number of the next frame of the lane's stream.
        seed: Seed of the lane's stream.
    """

    noise: Float[Array, "B R Z"]
    history: Float[Array, "B H Z"]
    condition: Float[Array, "B D"]
    frame: Int[Array, " B"]
    seed: UInt32[Array, " B"]


class Dials(struct.PyTreeNode):
    """What may change while motion is sampled; nothing is compiled anew.

    Attributes:
        temperature: Size of the noise; 0 is near the mean, 1 as trained.
        guidance: How much further from what is likely without speech; 1 as trained.
        steps: Euler steps.
    """

    temperature: Float[Array, " B"]
    guidance: Float[Array, " B"]
    steps: Int[Array, ""]

    @classmethod
    def of(
        cls, lanes: int, *, temperature: float = 1.0, guidance: float = 1.0, steps: int = 2
    ) -> "Dials":
        """Returns the same dials for all lanes."""
        return cls(
            temperature=jnp.full(lanes, temperature, jnp.float32),
            guidance=jnp.full(lanes, guidance, jnp.float32),
            steps=jnp.asarray(steps, jnp.int32),
        )


class Sampling(NamedTuple):
    """What stays the same for all samples of a network.

    Attributes:
        flow: Options of the head.
        basis: Components of poses.
        noise: How noise moves.
    """

    flow: FlowConfig
    basis: PoseBasis
    noise: Noise


def sampling_of(flow: FlowConfig, basis: PoseBasis) -> Sampling:
    """Returns how a head of these options is sampled."""
    if flow.noise_correlation is None:
        return Sampling(flow, basis, SmoothNoise(basis.rate_per_frame))
    return Sampling(flow, basis, FirstOrderNoise(flow.noise_correlation, basis.size))


def start_sampling(
    sampling: Sampling, seeds: UInt32[Array | np.ndarray, " B"], *, d_model: int
) -> SampleState:
    """Returns the state before the first frame."""
    lanes, size = len(seeds), sampling.basis.size
    return SampleState(
        noise=jnp.zeros((lanes, sampling.noise.states, size)),
        history=jnp.zeros((lanes, sampling.flow.history_frames, size)),
        condition=jnp.zeros((lanes, d_model)),
        frame=jnp.zeros(lanes, jnp.int32),
        seed=jnp.asarray(seeds, jnp.uint32),
    )


def reset_sampling(state: SampleState, is_start: Bool[Array, " B"]) -> SampleState:
    """Clears the lanes in which a stream starts; their seeds stay."""
    return SampleState(
        noise=jnp.where(is_start[:, None, None], 0.0, state.noise),
        history=jnp.where(is_start[:, None, None], 0.0, state.history),
        condition=jnp.where(is_start[:, None], 0.0, state.condition),
        frame=jnp.where(is_start, 0, state.frame),
        seed=state.seed,
    )


def smoothed(
    feature: Float[Array, "B T D"],
    last: Float[Array, "B D"],
    *,
    share: float,
    is_first: Bool[Array, "B T"],
    exists: Bool[Array, "B T"],
) -> Float[Array, "B T D"]:
    """Mixes each frame's feature with the smoothed one of the frame before.

    Args:
        feature: Of each frame.
        last: The smoothed one before the first frame.
        share: Of the frame before.
        is_first: Frames with none before.
        exists: Frames outside are passed over.
    """

    def frame(last, now):
        feature, is_first, exists = now
        mixed = jnp.where(is_first[:, None], feature, share * last + (1 - share) * feature)
        last = jnp.where(exists[:, None], mixed, last)
        return last, last

    frames_first = (jnp.moveaxis(x, 1, 0) for x in (feature, is_first, exists))
    return jnp.moveaxis(jax.lax.scan(frame, last, tuple(frames_first))[1], 0, 1)


def sample(
    head: FlowHead,
    sampling: Sampling,
    feature: Float[Array, "B T D"],
    regressed: Float[Array, "B T P"],
    state: SampleState,
    dials: Dials,
    *,
    frame_mask: Bool[Array, "B T"],
) -> tuple[Float[Array, "B T P"], SampleState]:
    """Draws the normalised pose of each frame; frames outside the mask do not advance their lane.

    Args:
        head: The network from noise to components.
        sampling: What stays the same.
        feature: What the trunk made of the speech.
        regressed: The regression's poses, which a residual is added to.
        state: Of the frames before.
        dials: How it is sampled.
        frame_mask: Frames that exist.
    """
    flow, noise, basis = sampling.flow, sampling.noise, sampling.basis
    number = state.frame[:, None] + jnp.cumsum(frame_mask, axis=1, dtype=jnp.int32) - 1
    is_first = number == 0
    condition = smoothed(
        feature,
        state.condition,
        share=flow.condition_smoothing,
        is_first=is_first,
        exists=frame_mask,
    )
    pace = head.pace(condition) if flow.pace else jnp.ones(frame_mask.shape)
    normal = _innovations(state.seed, number, (basis.size, noise.draws))

    def move(last, now):
        normal, pace, is_first, exists = now
        moved = noise.advance(last, normal, pace)
        moved = jnp.where(is_first[:, None, None], noise.start(normal), moved)
        last = jnp.where(exists[:, None, None], moved, last)
        return last, last[:, 0]

    frames_first = tuple(jnp.moveaxis(x, 1, 0) for x in (normal, pace, is_first, frame_mask))
    last_noise, start = jax.lax.scan(move, state.noise, frames_first)
    start = jnp.moveaxis(start, 0, 1) * dials.temperature[:, None, None]
    base = basis.components(regressed) if flow.target == "residual" else jnp.zeros_like(start)
    if not flow.history_frames:
        components, history = _integrated(head, start, condition, None, dials) + base, state.history
    else:

        def draw(history, now):
            start, condition, base, exists = (x[:, None] for x in now)
            known = history.reshape(len(history), 1, -1)
            pose = _integrated(head, start, condition, known, dials) + base
            longer = jnp.concatenate([pose, history[:, :-1]], axis=1)
            return jnp.where(exists[:, :, None], longer, history), pose[:, 0]

        frames_first = tuple(jnp.moveaxis(x, 1, 0) for x in (start, condition, base, frame_mask))
        history, components = jax.lax.scan(draw, state.history, frames_first)
        components = jnp.moveaxis(components, 0, 1)
    state = SampleState(
        noise=last_noise,
        history=history,
        condition=condition[:, -1],
        frame=state.frame + frame_mask.sum(axis=1, dtype=jnp.int32),
        seed=state.seed,
    )
    return jnp.asarray(basis.poses(components)), state


def _innovations(
    seed: UInt32[Array, " B"], number: Int[Array, "B T"], shape: tuple[int, int]
) -> Float[Array, "B T Z N"]:
    """Draws what is new on each frame: by the seed of its lane and its number."""

    def draw(seed: Array, number: Array) -> Array:
        key = jax.random.fold_in(jax.random.key(seed, impl="threefry2x32"), number)
        return jax.random.normal(key, shape)

    return jax.vmap(jax.vmap(draw, (None, 0)))(seed, number)


def _integrated(
    head: FlowHead,
    start: Float[Array, "B T Z"],
    condition: Float[Array, "B T D"],
    history: Float[Array, "B T I"] | None,
    dials: Dials,
) -> Float[Array, "B T Z"]:
    """Follows the velocity from noise to components in equal steps (Euler)."""
    lanes = len(start)
    heard = head.modulations(condition, history=history)
    step_size = 1 / dials.steps.astype(jnp.float32)

    def plain(start: Array) -> Array:
        def step(number, x):
            time = jnp.full(lanes, number * step_size)
            return x + step_size * head.velocity(x, time, heard)

        return jax.lax.fori_loop(0, dials.steps, step, start)

    def guided(start: Array) -> Array:
        unheard = head.modulations(condition, heard=jnp.zeros(lanes, bool), history=history)
        both = tuple(jnp.concatenate(pair) for pair in zip(heard, unheard, strict=True))
        strength = dials.guidance[:, None, None]

        def step(number, x):
            time = jnp.full(2 * lanes, number * step_size)
            there, absent = jnp.split(head.velocity(jnp.concatenate([x, x]), time, both), 2)
            return x + step_size * (absent + strength * (there - absent))

        return jax.lax.fori_loop(0, dials.steps, step, start)

    # Most never guide, and a second pass through the head would be paid for on every frame.
    return jax.lax.cond((dials.guidance == 1).all(), plain, guided, start)

"""Animates whole recordings, one or several side by side, by a jitted loop over their stretches.

Their speech is known, so a stretch of segments is computed at once (`model/stretch.py`). A block of
stretches goes to the device, which runs as many as there are, so every length uses the same
compiled program, and an hour needs no more memory on the device than a block. While a block runs,
the one before it is fetched.
"""

import functools
import itertools
from collections.abc import Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from llavataros_jax.data.segments import ClipSpeech
from llavataros_jax.errors import UserError
from llavataros_jax.inference.block import (
    BLOCK_SEGMENTS,
    Block,
    Step,
    filled,
    stretch_segments,
    taken,
)
from llavataros_jax.inference.dials import checked_seeds
from llavataros_jax.inference.lanes import Turn, in_lanes
from llavataros_jax.inference.recording import Recording, check_recording
from llavataros_jax.inference.step import LiveParams, prepare
from llavataros_jax.model import (
    Dials,
    GestureModel,
    Params,
    PastKeys,
    SampleState,
    reset_past,
    reset_sampling,
)
from llavataros_jax.motion.codec import PoseCodec

# Recordings at a time: the products of one keep a CPU busy, and not a GPU.
_LANES = {"cpu": 1}
_LANES_OF_ACCELERATORS = 8
# Noise and past of a sampled head; None for a regression.
Carry = tuple[PastKeys, SampleState | None]


def side_by_side(recordings: int = 2) -> int:
    """Returns how many of so many recordings are animated at a time here."""
    if recordings == 1:
        return 1
    return _LANES.get(jax.default_backend(), _LANES_OF_ACCELERATORS)


class Animator:
    """A trained network that turns speech of any length into poses."""

    def __init__(
        self, model: GestureModel, params: Params, codec: PoseCodec, *, dials: Dials | None = None
    ):
        """Puts the parameters on the device; compiles at the first call.

        `dials` are those of a sampled head where a call brings none, for one lane; by default as
        trained, in two steps.
        """
        self.model, self.codec = model, codec
        self.params = params
        self.dials = dials or Dials.of(1)
        self._prepare = jax.jit(functools.partial(prepare, model))
        self._run = jax.jit(self._block, donate_argnums=1)

    @property
    def params(self) -> Params:
        """The parameters as they were given."""
        return self._params

    @params.setter
    def params(self, params: Params) -> None:
        self._params, self._prepared = jax.device_put(params), None

    def warm_up(self, *, is_alone: bool = True, recordings: int = 1) -> None:
        """Compiles what recordings run, on none, so that it can be done beside other work.

        Args:
            is_alone: Whether nobody else will be there, which has a program of its own where the
                network listens to the other person.
            recordings: How many will be animated by one call.
        """
        alone, lanes = self._is_alone(is_alone), side_by_side(recordings)
        dials = self._dials(None, lanes)
        nothing = filled(self.model, [], [], None, lanes=lanes, is_alone=alone)
        self._run(self._ready(), self._start(lanes, alone), nothing, np.int32(0), dials)

    def __call__(
        self,
        main: ClipSpeech,
        interlocutor: ClipSpeech | None = None,
        *,
        seed: int = 0,
        dials: Dials | None = None,
    ) -> Float[np.ndarray, "N P"]:
        """Returns the un-normalised pose of every frame of `main`.

        A network that looks ahead (`model.lookahead_frames`) is given speech as it is. A sampled
        head draws the motion by a seed of 32 bits, turned by `dials` of one lane, and one program
        serves all of these; a regression has but one answer, which neither changes.

        Raises:
            UserError: When there is no frame, the interlocutor's frames are not as many, features
                are not finite, or the seed is none.
        """
        return np.concatenate(list(self.blocks(main, interlocutor, seed=seed, dials=dials)))

    def blocks(
        self,
        main: ClipSpeech,
        interlocutor: ClipSpeech | None = None,
        *,
        seed: int = 0,
        dials: Dials | None = None,
    ) -> Iterator[Float[np.ndarray, "n P"]]:
        """Yields the poses block by block, each as soon as it is ready."""
        for block in self._performed([(main, interlocutor)], [seed], 1, dials):
            yield np.concatenate([poses for _, poses in block])

    def many(
        self,
        recordings: Sequence[Recording],
        *,
        lanes: int | None = None,
        seeds: Sequence[int] | None = None,
        dials: Dials | None = None,
    ) -> list[Float[np.ndarray, "N P"]]:
        """Returns the poses of several recordings, animated side by side, as if one by one.

        Args:
            recordings: What to animate.
            lanes: How many at a time, each number with a program of its own; `side_by_side` by
                default.
            seeds: The seed of each, by default 0.
            dials: As for one recording, and for all of them.

        Raises:
            UserError: As for one recording, or when seeds are not as many as recordings.
        """
        seeds = [0] * len(recordings) if seeds is None else seeds
        if len(seeds) != len(recordings):
            raise UserError(
                f"{len(seeds)} seeds were given for {len(recordings)} recordings; give one for each"
            )
        poses: list[list[np.ndarray]] = [[] for _ in recordings]
        if not recordings:
            return []
        for block in self._performed(
            recordings, seeds, lanes or side_by_side(len(recordings)), dials
        ):
            for turn, part in block:
                poses[turn.clip].append(part)
        return [np.concatenate(parts) for parts in poses]

    def _performed(
        self,
        recordings: Sequence[Recording],
        seeds: Sequence[int],
        lanes: int,
        dials: Dials | None,
    ) -> Iterator[list[tuple[Turn, Float[np.ndarray, "n P"]]]]:
        """Yields the poses of each block by lane and stretch."""
        for recording in recordings:
            check_recording(*recording)
        drawn = checked_seeds(list(seeds), len(recordings)) if self.model.is_sampled else None
        alone = self._is_alone(all(other is None for _, other in recordings))
        lengths = [len(main.word_index) for main, _ in recordings]
        each = stretch_segments()
        frames, stretches = each * self.model.config.segment_frames, BLOCK_SEGMENTS // each
        steps = list(itertools.zip_longest(*in_lanes(lengths, lanes, stretch_frames=frames)))
        carry, dials, running = self._start(lanes, alone), self._dials(dials, lanes), None
        for first in range(0, len(steps), stretches):
            part = steps[first : first + stretches]
            block = filled(self.model, part, recordings, drawn, lanes=lanes, is_alone=alone)
            poses, carry = self._run(self._ready(), carry, block, np.int32(len(part)), dials)
            if running is not None:
                yield self._fetched(*running, lengths)
            running = part, poses
        if running is not None:
            yield self._fetched(*running, lengths)

    def _fetched(
        self, steps: Sequence[Step], poses: Float[Array, "C B F P"], lengths: Sequence[int]
    ) -> list[tuple[Turn, Float[np.ndarray, "n P"]]]:
        """Waits for the poses of a block, and leaves out those beyond a recording's end."""
        found = np.asarray(poses)
        return [
            (
                turn,
                np.asarray(
                    self.codec.denormalise(found[step, lane, : lengths[turn.clip] - turn.first])
                ),
            )
            for step, lane, turn in taken(steps)
        ]

    def _is_alone(self, is_alone: bool) -> bool:
        """Whether nobody else is listened to."""
        return is_alone or not self.model.config.cross_blocks

    def _ready(self) -> LiveParams:
        """Returns the parameters as the program takes them, made once for a set of them."""
        if self._prepared is None:
            self._prepared = self._prepare(self._params)
        return self._prepared

    def _start(self, lanes: int, is_alone: bool) -> Carry:
        """Returns what the first block starts with; recordings start within blocks."""
        past = self.model.empty_past(lanes, is_alone=is_alone)
        if not self.model.is_sampled:
            return past, None
        return past, self.model.start_sampling(np.zeros(lanes, np.uint32))

    def _dials(self, dials: Dials | None, lanes: int = 1) -> Dials | None:
        """Returns the dials of a call, where there is something to turn."""
        if not self.model.is_sampled:
            return None
        one = self.dials if dials is None else dials
        return (
            one if lanes == 1 else jax.tree.map(lambda x: np.repeat(x, lanes) if x.ndim else x, one)
        )

    def _block(
        self,
        prepared: LiveParams,
        carry: Carry,
        block: Block,
        count: Int[Array, ""],
        dials: Dials | None,
    ) -> tuple[Float[Array, "C B F P"], Carry]:
        model, params = self.model, prepared.params
        lanes = block.is_start.shape[1]
        frames = stretch_segments() * model.config.segment_frames

        def perform(number: Array, done: tuple[Array, Carry]) -> tuple[Array, Carry]:
            poses, (past, sampling) = done
            stretch: Block = jax.tree.map(lambda x: jnp.asarray(x)[number], block)
            is_start, seeds = jnp.asarray(stretch.is_start), jnp.asarray(stretch.seeds)
            feature, past = model.stretch(
                params,
                stretch.main,
                stretch.interlocutor,
                stretch.interlocutor_present,
                position_keys=prepared.position_keys,
                past=reset_past(past, is_start),
            )
            if sampling is None or dials is None:
                return poses.at[number].set(model.regress(params, feature)), (past, None)
            sampling = reset_sampling(sampling, is_start)
            seed = jnp.where(is_start, seeds, sampling.seed)
            everything = jnp.ones((lanes, frames), bool)
            pose, sampling = model.sample(
                params, feature, sampling.replace(seed=seed), dials, frame_mask=everything
            )
            return poses.at[number].set(pose), (past, sampling)

        nothing = jnp.zeros((*block.is_start.shape, frames, model.sizes.pose))
        poses, carry = jax.lax.fori_loop(0, count, perform, (nothing, carry))
        return poses, carry

"""Animates whole recordings: one jitted scan over segments, whose carry is memory and noise.

The scan always runs over a block of segments and skips those beyond the recording's end, so every
length uses the same compiled program, and an hour needs no more memory on the device than a block.
"""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from llavataros_jax.batch import Speech
from llavataros_jax.data.segments import ClipSpeech, fill_speech, silence
from llavataros_jax.errors import UserError
from llavataros_jax.inference.dials import checked_seeds
from llavataros_jax.model import Dials, GestureModel, Memory, Params, SampleState
from llavataros_jax.motion.codec import PoseCodec

BLOCK_SEGMENTS = 16
# Noise and past of a sampled head; None for a regression.
Carry = tuple[Memory, SampleState | None]


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
        self.params = jax.device_put(params)
        self.dials = dials or Dials.of(1)
        self._run = jax.jit(self._block, donate_argnums=1)

    def warm_up(self) -> None:
        """Compiles what every recording runs, on none, so that it can be done beside other work."""
        nobody, count = self._segments(None, 0, 0), np.int32(0)
        carry, dials = self._start(0), self._dials(None)
        self._run(self.params, carry, nobody, nobody, jnp.array([False]), count, dials)

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
        frames = len(main.word_index)
        if frames == 0:
            raise UserError("the recording is shorter than half a frame, so there is no motion")
        if interlocutor is not None and len(interlocutor.word_index) != frames:
            raise UserError(
                f"the two recordings of a conversation must be equally long, but the speaker's has "
                f"{frames} frames and the interlocutor's {len(interlocutor.word_index)}; pad one"
            )
        for who, speech in (("speaker", main), ("interlocutor", interlocutor)):
            if speech is not None:
                _require_finite(speech.audio, f"the {who}'s audio features", "frames")
                _require_finite(speech.words, f"the {who}'s words", "word vectors")
        length = self.model.config.segment_frames
        carry, turned = self._start(seed), self._dials(dials)
        for first in range(0, frames, BLOCK_SEGMENTS * length):
            count = min(BLOCK_SEGMENTS, -(-(frames - first) // length))
            pose, carry = self._run(
                self.params,
                carry,
                self._segments(main, first, count),
                self._segments(interlocutor, first, count),
                jnp.array([interlocutor is not None]),
                np.int32(count),
                turned,
            )
            block = np.asarray(pose).reshape(-1, pose.shape[-1])[: frames - first]
            yield np.asarray(self.codec.denormalise(block[: count * length]))

    def _start(self, seed: int) -> Carry:
        """Returns what a recording starts with."""
        memory = self.model.empty_memory(1)
        if not self.model.is_sampled:
            return memory, None
        return memory, self.model.start_sampling(checked_seeds([seed], 1))

    def _dials(self, dials: Dials | None) -> Dials | None:
        """Returns the dials of a call, where there is something to turn."""
        if not self.model.is_sampled:
            return None
        return self.dials if dials is None else dials

    def _segments(self, speech: ClipSpeech | None, first: int, count: int) -> Speech:
        """Cuts a block of segments, each a lane, and turns lanes into steps of the scan."""
        config, sizes = self.model.config, self.model.sizes
        length, ahead = config.segment_frames, config.lookahead_frames
        # A frame has one word at most, so a segment never touches more words than frames.
        block = silence(BLOCK_SEGMENTS, frames=length, rows=length, sizes=(sizes.audio, sizes.text))
        if speech is not None:
            for segment in range(count):
                start = first + segment * length
                frames = slice(start, start + length)
                fill_speech(block, segment, speech, frames, lookahead_frames=ahead)
        return jax.tree.map(lambda x: x[:, None], block)

    def _block(
        self,
        params: Params,
        carry: Carry,
        main: Speech,
        interlocutor: Speech,
        present: Bool[Array, " B"],
        count: Int[Array, ""],
        dials: Dials | None,
    ) -> tuple[Float[Array, "G B T P"], Carry]:
        length, model = self.model.config.segment_frames, self.model
        everything = jnp.ones((1, length), bool)

        def speak(carry: Carry, segment: tuple[Speech, Speech]):
            memory, sampling = carry
            feature, memory = model.trunk(
                params, *segment, present, frame_mask=everything, memory=memory
            )
            if sampling is None or dials is None:
                return (memory, None), model.regress(params, feature)
            pose, sampling = model.sample(params, feature, sampling, dials, frame_mask=everything)
            return (memory, sampling), pose

        def skip(carry: Carry, segment: tuple[Speech, Speech]):
            return carry, jnp.zeros((1, length, model.sizes.pose))

        def step(carry: Carry, numbered):
            number, segment = numbered
            return jax.lax.cond(number < count, speak, skip, carry, segment)

        carry, poses = jax.lax.scan(step, carry, (jnp.arange(BLOCK_SEGMENTS), (main, interlocutor)))
        return poses, carry


def _require_finite(values: Float[np.ndarray, "N A"], what: str, rows: str) -> None:
    """Refuses what is not finite as float16, in which segments are cut (as in records)."""
    with np.errstate(over="ignore"):
        bad = ~np.isfinite(values.astype(np.float16)).all(axis=1)
    if bad.any():
        raise UserError(
            f"{what} hold NaN, infinity or numbers beyond 65 504 in {bad.sum()} of {len(values)} "
            f"{rows}, the first at {bad.argmax()} (counted from 0); make them again"
        )

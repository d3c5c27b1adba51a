"""Frames of live speech: what arrives with a call, made finite, and cut into shorter calls."""

import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool

from llavataros_jax.batch import Speech
from llavataros_jax.errors import UserError
from llavataros_jax.model import GestureModel


class Frames(struct.PyTreeNode):
    """What arrived since the last call, in lanes.

    A frame has one word at most, so both speeches carry one word vector for each frame.

    Attributes:
        main: Speech of the person who moves.
        interlocutor: Speech of the other person; silence where there is none, and None where no
            lane ever has one.
        interlocutor_present: Lanes in which the other person is there.
        frame_mask: Frames that exist; the others do not advance their lane.
        is_start: Lanes in which a new stream starts with this call.
    """

    main: Speech
    interlocutor: Speech | None
    interlocutor_present: Bool[Array | np.ndarray, " B"]
    frame_mask: Bool[Array | np.ndarray, "B T"]
    is_start: Bool[Array | np.ndarray, " B"]

    def repaired(self, model: GestureModel) -> tuple["Frames", Bool[Array, "B T"]]:
        """Returns frames of finite features, and which existing ones had others."""
        main, was_repaired = model.repair(self.main)
        frames = self.replace(main=main)
        if self.interlocutor is not None:
            other, of_other = model.repair(self.interlocutor)
            was_repaired |= of_other & jnp.asarray(self.interlocutor_present)[:, None]
            frames = frames.replace(interlocutor=other)
        return frames, was_repaired & jnp.asarray(self.frame_mask)

    def cut(self, start: int, count: int) -> "Frames":
        """Returns some frames of a call, whose words are one for each frame."""

        def speech(speech: Speech) -> Speech:
            index = jnp.asarray(speech.word_index)[:, start : start + count]
            return speech.replace(
                audio=jnp.asarray(speech.audio)[:, start : start + count],
                words=jnp.asarray(speech.words)[:, start : start + count],
                word_index=jnp.where(index < 0, -1, index - start),
            )

        return self.replace(
            main=speech(self.main),
            interlocutor=self.interlocutor and speech(self.interlocutor),
            interlocutor_present=jnp.asarray(self.interlocutor_present),
            frame_mask=jnp.asarray(self.frame_mask)[:, start : start + count],
            is_start=jnp.asarray(self.is_start),
        )


def word_of_frame(speech: Speech, exists: Bool[np.ndarray, "B T"]) -> Speech:
    """Gives each frame its own word vector, so that shapes depend on the frames alone.

    Raises:
        UserError: When `word_index` names a word that is not there.
    """
    index = np.where(exists, np.asarray(speech.word_index), -1)
    words = np.asarray(speech.words)
    if index.size and index.max() >= words.shape[1]:
        raise UserError(
            f"word_index names row {index.max()}, but there are {words.shape[1]} words; pass the "
            "vectors of all words that are active in these frames"
        )
    if words.shape[1] == 0:  # nobody has said a word yet
        words = np.zeros((len(words), 1, words.shape[2]), words.dtype)
    rows = np.take_along_axis(words, np.maximum(index, 0)[..., None], axis=1)
    numbers = np.arange(index.shape[1], dtype=np.int32)
    return speech.replace(words=rows, word_index=np.where(index < 0, np.int32(-1), numbers))

"""All that a call brings in one array: one transfer to the device in place of a dozen.

A row of 32-bit words for each lane; numbers are kept bit for bit, as float32 or whole numbers.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import prod

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, UInt32

from llavataros_jax.batch import Speech
from llavataros_jax.inference.frames import Frames
from llavataros_jax.model import Sizes


@dataclass(frozen=True)
class Layout:
    """Where things are in a row.

    Attributes:
        lanes: Rows.
        frames: Frames of a call; one that brings fewer leaves the rest to no frame.
        sizes: Sizes of the features.
        is_alone: Whether the other person has no place.
    """

    lanes: int
    frames: int
    sizes: Sizes
    is_alone: bool

    def pack(
        self,
        frames: Frames,
        part: slice,
        seeds: UInt32[np.ndarray, " B"] | None,
    ) -> UInt32[np.ndarray, "B W"]:
        """Returns some frames of a call, of which only the first ones may start streams.

        Args:
            frames: What the call brings, with a word for each frame (`frames.word_of_frame`).
            part: Which of them.
            seeds: Of the lanes that start; None leaves them as they are.
        """
        starts = np.asarray(frames.is_start) & (part.start == 0)
        values: dict[str, np.ndarray] = {
            "present": np.asarray(frames.interlocutor_present),
            "is_start": starts,
            "is_drawn": starts & (seeds is not None),
            "seed": np.zeros(self.lanes, np.uint32) if seeds is None else seeds,
            "exists": np.asarray(frames.frame_mask)[:, part],
        }
        for who, speech in (("main", frames.main), ("other", frames.interlocutor)):
            if speech is not None:
                values |= {
                    f"{who}.speaker": np.asarray(speech.speaker),
                    f"{who}.said": np.asarray(speech.word_index)[:, part] >= 0,
                    f"{who}.audio": np.asarray(speech.audio)[:, part],
                    f"{who}.words": np.asarray(speech.words)[:, part],
                }
        packed = np.zeros((self.lanes, self._places[-1][-1].stop), np.uint32)
        with np.errstate(over="ignore"):  # what is beyond float32 is repaired as infinite
            for name, shape, kind, place in self._places:
                to, value = packed[:, place].view(kind), values[name]
                if shape:
                    to = to.reshape(self.lanes, *shape)[:, : value.shape[1]]
                    to[...] = value
                else:
                    to[:, 0] = value
        return packed

    def unpack(
        self, packed: UInt32[Array, "B W"]
    ) -> tuple[Frames, Bool[Array, " B"], UInt32[Array, " B"]]:
        """Returns what was packed, the lanes that have new seeds, and these."""
        found: dict[str, Array] = {}
        for name, shape, kind, place in self._places:
            part = jax.lax.bitcast_convert_type(packed[:, place], kind)
            found[name] = part.reshape(self.lanes, *shape)
        numbers = jnp.arange(self.frames, dtype=jnp.int32)[None]

        def speech(who: str) -> Speech:
            return Speech(
                audio=found[f"{who}.audio"],
                words=found[f"{who}.words"],
                word_index=jnp.where(found[f"{who}.said"] != 0, numbers, jnp.int32(-1)),
                speaker=found[f"{who}.speaker"],
            )

        frames = Frames(
            main=speech("main"),
            interlocutor=None if self.is_alone else speech("other"),
            interlocutor_present=found["present"] != 0,
            frame_mask=found["exists"] != 0,
            is_start=found["is_start"] != 0,
        )
        return frames, found["is_drawn"] != 0, found["seed"]

    @cached_property
    def _places(self) -> tuple[tuple[str, tuple[int, ...], type, slice], ...]:
        """Name, shape in a lane, type and place of everything."""
        named: list[tuple[str, tuple[int, ...], type]] = [
            ("present", (), np.int32),
            ("is_start", (), np.int32),
            ("is_drawn", (), np.int32),
            ("seed", (), np.uint32),
            ("exists", (self.frames,), np.int32),
        ]
        for who in ("main",) if self.is_alone else ("main", "other"):
            named += [
                (f"{who}.speaker", (), np.int32),
                (f"{who}.said", (self.frames,), np.int32),
                (f"{who}.audio", (self.frames, self.sizes.audio), np.float32),
                (f"{who}.words", (self.frames, self.sizes.text), np.float32),
            ]
        ends = accumulate(prod(shape) for _, shape, _ in named)
        return tuple(
            (*field, slice(end - prod(field[1]), end))
            for field, end in zip(named, ends, strict=True)
        )

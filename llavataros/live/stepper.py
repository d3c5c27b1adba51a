"""The one stream whose lanes are sessions: what they bring goes to the device, and poses return."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from llavataros.live.lane import Turn
from llavataros.live.options import SessionDials
from llavataros.live.rows import Row
from llavataros.live.session_dials import dials_of_lanes
from llavataros_jax.batch import Speech
from llavataros_jax.data.segments import silence
from llavataros_jax.inference.state import StreamState
from llavataros_jax.trained import TrainedRun


class Brought(NamedTuple):
    """What a lane brings to a pass.

    Attributes:
        turn: Features of the frame.
        speaker: Row of the speaker.
        seed: What a sampled head draws by, if the lane starts.
    """

    turn: Turn
    speaker: int
    seed: int


class Stepper:
    """Runs passes of a network over a frame of each of some lanes."""

    def __init__(self, run: TrainedRun, lanes: int):
        """Prepares the network; `warm_up` or the first pass compiles it."""
        self._streamer = run.streamer(lanes=lanes, call_frames=1)
        self._usual = run.live_dials(lanes)
        self._lanes, self._other_speaker = lanes, run.speaker_id(None)
        # None after a pass that failed, which may have used the state up.
        self._state: StreamState | None = self._streamer.start()
        self._turned: Sequence[SessionDials | None] = [None] * lanes
        self._dials = self._usual

    @property
    def delay_frames(self) -> int:
        """Frames by which poses come later than their speech."""
        return self._streamer.delay_frames

    def warm_up(self) -> None:
        """Compiles all that passes and flushes run."""
        self._streamer.warm_up()

    def turn_dials(self, lanes: Sequence[SessionDials | None]) -> None:
        """Turns the dials of the passes to come, of lanes in which somebody is."""
        if any(now is not before for now, before in zip(lanes, self._turned, strict=True)):
            self._turned, self._dials = list(lanes), dials_of_lanes(self._usual, lanes)

    def step(self, brought: Mapping[int, Brought]) -> Float[np.ndarray, "B P"]:
        """Returns a pose of each lane, which stands for nothing in those that brought no frame."""
        sizes = self._streamer.model.sizes
        main, other = (
            silence(self._lanes, frames=1, rows=1, sizes=(sizes.audio, sizes.text))
            for _ in range(2)
        )
        brings, is_start, present = (np.zeros(self._lanes, bool) for _ in range(3))
        seeds = np.zeros(self._lanes, np.uint32)
        for lane, (turn, speaker, seed) in brought.items():
            brings[lane], is_start[lane], seeds[lane] = True, turn.is_start, seed
            _fill(main, lane, turn.main, speaker)
            if turn.other is not None:
                present[lane] = True
                _fill(other, lane, turn.other, self._other_speaker)
        state, self._state = self._state or self._streamer.start(), None
        poses, self._state = self._streamer(
            state,
            main,
            other,
            interlocutor_present=present,
            frame_mask=brings[:, None],
            is_start=is_start,
            seeds=seeds,
            dials=self._dials,
        )
        return poses[:, 0]

    def flush(self, lane: int) -> Float[np.ndarray, "D P"]:
        """Returns the poses that a lane's delay holds back, as if its stream ended here."""
        if self._state is None:
            self._state = self._streamer.start()
        return self._streamer.flush(self._state, dials=self._dials, lane=lane)


def _fill(speech: Speech, lane: int, row: Row, speaker: int) -> None:
    """Writes a row into a lane of speech of one frame, which is of NumPy."""
    arrays = [np.asarray(a) for a in (speech.audio, speech.words, speech.word_index)]
    audio, words, index = arrays
    audio[lane, 0], words[lane, 0], index[lane, 0] = row.audio, row.words, -1 + row.has_word
    np.asarray(speech.speaker)[lane] = speaker

"""A session's share of the network: rows of features in, poses and frames out."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from llavataros.live.ear import Ear
from llavataros.live.output import Output, Times
from llavataros.live.rows import Row, Rows

# Another person who is late by more than this, by the wall clock, is thought not to be there.
OTHER_WAIT_SECONDS = 1.0


class Turn(NamedTuple):
    """What a session brings to a pass: the features of a frame.

    Attributes:
        main: Of the person who moves.
        other: Of the other person, None where nobody is there.
        is_start: Whether the lane starts with it.
        number: How many frames the lane has had with it.
        epoch: After how many interruptions it is; after another one it is void.
    """

    main: Row
    other: Row | None
    is_start: bool
    number: int
    epoch: int


class Lane:
    """Counts the frames of a session, hands them to the network and keeps what it answers.

    Nothing here locks.

    Attributes:
        output: What is shown.
        is_finished: Whether the last frame was made.
    """

    def __init__(
        self,
        ears: Sequence[Ear],
        decode: Callable[[np.ndarray], np.ndarray],
        *,
        fps: float,
        delay_frames: int,
        ahead_frames: int,
    ):
        """Begins at frame 0.

        Args:
            ears: Whose rows come.
            decode: Turns poses into joints.
            fps: Frames per second.
            delay_frames: Frames by which poses come later than their speech.
            ahead_frames: Frames that may wait to be taken.
        """
        kept = 2 * ahead_frames + delay_frames
        self._ears, self._delay_frames, self._ahead_frames = ears, delay_frames, ahead_frames
        self._decode = decode
        self._rows = [Rows(kept if person else 0) for person, _ in enumerate(ears)]
        self.output = Output(decode, fps=fps, kept_frames=kept)
        self._first_frame = self._fed_frames = self._epoch = 0
        self._starts, self.is_finished = True, False

    @property
    def heard_frames(self) -> int:
        """Frames of the stream that the network has heard."""
        return self._first_frame + self._fed_frames

    @property
    def queued_frames(self) -> int:
        """Frames of which the features of the person who moves wait."""
        return len(self._rows[0])

    @property
    def next_row(self) -> Row | None:
        """Features of the person who moves in the next frame, None where they are not there."""
        return self._rows[0].first if len(self._rows[0]) else None

    @property
    def is_full(self) -> bool:
        """Whether so many frames wait to be taken that no more are made."""
        return self.output.unread_frames >= self._ahead_frames

    @property
    def other_until_monotonic(self) -> float | None:
        """Until when the next frame waits for the other person; None where it does not wait."""
        if len(self._ears) == 1 or not len(self._rows[0]) or len(self._rows[1]):
            return None
        ear, main = self._ears[1], self._rows[0].first
        if ear.is_over or main is None:
            return None
        return max(main.ready_monotonic, ear.last_heard_monotonic) + OTHER_WAIT_SECONDS

    def add_rows(self, person: int, rows: list[Row]) -> None:
        """Takes features of complete frames."""
        self._rows[person].add(rows)

    def next_turn(self, now: float) -> Turn | None:
        """Returns the next frame that is complete, if there is room for its pose."""
        if self.is_finished or self.is_full or not len(self._rows[0]):
            return None
        until, other = self.other_until_monotonic, None
        if until is not None and now < until:
            return None
        if len(self._ears) > 1:
            if len(self._rows[1]):
                other = self._rows[1].take()
            else:
                self._rows[1].skip()
                self._ears[1].first_frame += 1
        main, is_start = self._rows[0].take(), self._starts
        assert main is not None
        self._starts = False
        self._fed_frames += 1
        return Turn(main, other, is_start, self._fed_frames, self._epoch)

    @property
    def lacks_delayed(self) -> bool:
        """Whether, of what came, only those frames are not made that the delay holds back."""
        return not self.is_finished and not len(self._rows[0])

    def last_turn(self, ended_monotonic: float) -> Turn:
        """Returns what stands for the frames that the delay holds back.

        Args:
            ended_monotonic: When the end of speech was said.
        """
        nothing = np.zeros(0, np.float16)
        row = Row(nothing, nothing, False, ended_monotonic, ended_monotonic)
        return Turn(row, None, False, self._fed_frames, self._epoch)

    def shown(self, turn: Turn, poses: Float[np.ndarray, "n P"]) -> Float[np.ndarray, "n P"] | None:
        """Returns the pose of a turn as it is to be shown; None where it is none of the stream's.

        The first poses of a stream are none of its motion, by as many as it is delayed.
        """
        if turn.epoch != self._epoch or turn.number <= self._delay_frames:
            return None
        return self.output.shown(poses)

    def deliver(
        self,
        turn: Turn,
        poses: Float[np.ndarray, "n P"],
        shown: Float[np.ndarray, "n P"],
        joints: Float[np.ndarray, "n J 7"],
        *,
        stepped_monotonic: float,
        made_monotonic: float,
    ) -> bool:
        """Keeps frames until they are taken; says whether they are still wanted."""
        if turn.epoch != self._epoch:
            return False
        times = Times(turn.main.heard_monotonic, turn.main.ready_monotonic, stepped_monotonic)
        self.output.deliver(poses, shown, joints, times, made_monotonic)
        return True

    def finish(
        self,
        turn: Turn,
        poses: Float[np.ndarray, "D P"],
        *,
        stepped_monotonic: float,
        made_monotonic: float,
    ) -> bool:
        """Keeps the poses that the delay held back, which are the last; says whether it is so."""
        if turn.epoch != self._epoch:
            return False
        if due := min(turn.number, len(poses)):
            poses = poses[len(poses) - due :]
            shown = self.output.shown(poses)
            joints = self._decode(shown)
            times = {"stepped_monotonic": stepped_monotonic, "made_monotonic": made_monotonic}
            self.deliver(turn, poses, shown, joints, **times)
        self.is_finished = True
        return True

    def interrupt(self, at_frame: int | None) -> int:
        """Starts anew from a frame on, as `Output.cut` finds it; returns which."""
        frame = self.output.cut(at_frame)
        again = self.heard_frames - frame
        self._first_frame, self._fed_frames, self._starts = frame, 0, True
        self._epoch += 1
        self._rows[0].clear()
        for rows in self._rows[1:]:
            rows.take_back(again)
        return frame

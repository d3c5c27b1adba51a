"""Live speech of many bodies: sessions in the lanes of one stream, moved by one step of a device.

Sound becomes features in the threads of those who bring it. A pass of the engine takes a frame of
each session that has one, so that a session which is far ahead goes as fast as the device without
holding up the others.
"""

import threading
import time
from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

from llavataros.live.gestures import Gestures
from llavataros.live.host import Host
from llavataros.live.options import SessionOptions
from llavataros.live.session import Session, Turn
from llavataros.live.session_dials import dials_of_lanes
from llavataros_jax.batch import Speech
from llavataros_jax.data.segments import silence
from llavataros_jax.errors import UserError
from llavataros_jax.inference.dials import LiveDials
from llavataros_jax.motion.motion import world_frames
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.trained import TrainedRun

# The loop looks whether it shall stop as often.
_LOOK_SECONDS = 0.25


class Engine:
    """Animates sessions of live speech, as many at a time as it has lanes."""

    def __init__(
        self,
        run: TrainedRun,
        *,
        sessions: int = 8,
        gestures: Gestures | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        """Prepares the network; `warm_up` or the first step compiles it.

        Args:
            run: The run that animates, with the options of its films as its defaults.
            sessions: Lanes, the most sessions at a time.
            gestures: What can be asked for by name.
            clock: Monotonic seconds.

        Raises:
            UserError: When there are no lanes.
        """
        if sessions < 1:
            raise UserError(f"an engine of {sessions} sessions moves nobody; give 1 or more")
        self.run_of, self.gestures, self._clock = run, gestures or Gestures(), clock
        self._streamer = run.streamer(lanes=sessions, call_frames=1)
        self._usual = run.live_dials(sessions)
        self._state = self._streamer.start()
        self._lanes: list[Session | None] = [None] * sessions
        self._lanes_lock, self._stepping = threading.Lock(), threading.Lock()
        self._news, self._has_news = threading.Condition(), False
        self._turned: tuple[list[object], LiveDials] = [], self._usual
        self._host = Host(
            run=run,
            delay_frames=self.delay_frames,
            gestures=self.gestures,
            clock=clock,
            wake=self.wake,
            leave=self._leave,
            decode=self._decode,
        )

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.run_of.manifest.fps

    @property
    def delay_frames(self) -> int:
        """Frames by which poses come later than their speech."""
        return self._streamer.delay_frames

    @property
    def delay_seconds(self) -> float:
        """The same in seconds."""
        return self.delay_frames / self.fps

    @property
    def skeleton(self) -> Skeleton:
        """The body of the run."""
        return self.run_of.animator.codec.skeleton

    @property
    def speakers(self) -> tuple[str, ...]:
        """Whose habits the run knows."""
        return self.run_of.manifest.speakers

    @property
    def sessions(self) -> int:
        """The most sessions at a time."""
        return len(self._lanes)

    @property
    def open_sessions(self) -> int:
        """Sessions that have a lane now."""
        return sum(session is not None for session in self._lanes)

    def warm_up(self) -> None:
        """Compiles all that steps run, so that no session waits for it."""
        with self._stepping:
            self._streamer.warm_up()

    def open(self, options: SessionOptions | None = None) -> Session:
        """Begins a session.

        Raises:
            UserError: When all lanes are taken, or the options do not fit the run.
        """
        self._require_lane()
        session = Session(self._host, options or SessionOptions())
        with self._lanes_lock:
            self._require_lane()
            self._lanes[self._lanes.index(None)] = session
        return session

    def step(self) -> int:
        """Moves each session that can by a frame; returns how many there were."""
        with self._stepping:
            now = self._clock()
            turns: dict[int, tuple[Session, Turn]] = {}
            lanes = list(self._lanes)
            for lane, session in enumerate(lanes):
                if session is None:
                    continue
                session.tend(now)
                if turn := session.next_turn(now):
                    turns[lane] = session, turn
            moved = self._passed(turns) if turns else 0
            moved += self._flushed(lanes)
            for session in lanes:
                if session is not None:
                    session.tell()
            return moved

    def run(self, stop: threading.Event) -> None:
        """Steps until it shall stop; waits where there is nothing to do."""
        while not stop.is_set():
            if self.step():
                continue
            with self._news:
                if not self._has_news:
                    self._news.wait(self._wait_seconds())
                self._has_news = False

    def wake(self) -> None:
        """Lets `run` look for what there is to do."""
        with self._news:
            self._has_news = True
            self._news.notify_all()

    def _wait_seconds(self) -> float:
        deadlines = [s.deadline_monotonic for s in self._lanes if s is not None]
        until = [deadline - self._clock() for deadline in deadlines if deadline is not None]
        return max(min([_LOOK_SECONDS, *until]), 0.0)

    def _passed(self, turns: dict[int, tuple[Session, Turn]]) -> int:
        """Runs one pass of the network over a frame of each of some lanes."""
        began, lanes = self._clock(), len(self._lanes)
        sizes = self._streamer.model.sizes.audio, self._streamer.model.sizes.text
        people = [silence(lanes, frames=1, rows=1, sizes=sizes) for _ in range(2)]
        mask, starts, present = (np.zeros(lanes, bool) for _ in range(3))
        seeds = np.zeros(lanes, np.uint32)
        other_speaker = self.run_of.speaker_id(None)
        for lane, (session, turn) in turns.items():
            mask[lane], starts[lane], seeds[lane] = True, turn.is_start, session.options.seed
            present[lane] = turn.other is not None
            for speech, row, speaker in zip(
                people, (turn.main, turn.other), (session.speaker, other_speaker), strict=True
            ):
                if row is not None:
                    _fill(speech, lane, row.audio, row.words, row.has_word, speaker)
        poses, self._state = self._streamer(
            self._state,
            people[0],
            people[1],
            interlocutor_present=present,
            frame_mask=mask[:, None],
            is_start=starts,
            seeds=seeds,
            dials=self._dials(),
        )
        for lane, (session, turn) in turns.items():
            pose = poses[lane]
            shown = session.shown(turn, pose)
            if shown is not None:
                joints = self._decode(shown, np.full(1, session.speaker))
                session.deliver(turn, pose, shown, joints, began)
        return len(turns)

    def _flushed(self, lanes: list[Session | None]) -> int:
        for lane, session in enumerate(lanes):
            if session is not None and session.wants_flush:
                began, epoch = self._clock(), session.begin_flush()
                poses = np.asarray(self._streamer.flush(self._state, dials=self._dials()))
                session.finish(epoch, poses[lane], began)
                session.tell()
                return 1
        return 0

    def _dials(self) -> LiveDials:
        """Returns the dials of all lanes, made anew when one is turned."""
        now = [None if session is None else session.dials for session in self._lanes]
        before, dials = self._turned
        if len(now) != len(before) or any(a is not b for a, b in zip(now, before, strict=True)):
            dials = dials_of_lanes(self._usual, now)
            self._turned = list(now), dials
        return dials

    def _decode(
        self, poses: Float[np.ndarray, "n P"], speakers: Int[np.ndarray, " n"]
    ) -> Float[np.ndarray, "n J 7"]:
        codec = self.run_of.animator.codec
        root, matrices, offsets = codec._split(poses.astype(np.float64), speakers)
        return world_frames(matrices, offsets, root, codec.skeleton.parents)

    def _leave(self, session_id: str) -> None:
        with self._lanes_lock:
            self._lanes = [None if s is not None and s.id == session_id else s for s in self._lanes]

    def _require_lane(self) -> None:
        if None not in self._lanes:
            raise UserError(
                f"all {len(self._lanes)} sessions are taken; wait until one ends, or start the "
                "engine with more"
            )


def _fill(speech: Speech, lane: int, audio, words, has_word: bool, speaker: int) -> None:
    speech.audio[lane, 0] = audio
    speech.words[lane, 0] = words
    speech.word_index[lane, 0] = 0 if has_word else -1
    speech.speaker[lane] = speaker

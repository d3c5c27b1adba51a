"""Live speech of many bodies: sessions in the lanes of one stream, moved by one step of a device.

Sound becomes features in the threads of those who bring it. A pass of the engine takes a frame of
each session that has one, so that a session which is far ahead goes as fast as the device does
without holding up the others.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import ParamSpec, TypeVar

import numpy as np

from llavataros.live.gestures import Gestures, shipped_gestures
from llavataros.live.host import Host
from llavataros.live.lane import Turn
from llavataros.live.options import SessionOptions
from llavataros.live.seat import told
from llavataros.live.session import Session
from llavataros.live.stepper import Brought, Stepper
from llavataros_jax.errors import UserError
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.trained import TrainedRun

# The loop looks as often whether it shall stop.
_LOOK_SECONDS = 0.25
# A pass costs nearly the same for one session as for all: so much of a frame it waits for others.
_GATHER_FRAMES = 0.25
_LEAST_WAIT_SECONDS = 0.001

P = ParamSpec("P")
R = TypeVar("R")


class Engine:
    """Animates sessions of live speech, as many at a time as it has lanes; thread-safe.

    Attributes:
        trained: The run that animates.
        gestures: What can be asked for by name.
    """

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
            run: The run that animates; its options are the sessions' defaults.
            sessions: Lanes, the most sessions at a time.
            gestures: What can be asked for by name; by default those that come along.
            clock: Monotonic seconds.

        Raises:
            UserError: When there are no lanes.
        """
        if sessions < 1:
            raise UserError(f"an engine of {sessions} sessions moves nobody; give 1 or more")
        self.trained, self._clock = run, clock
        self.gestures = shipped_gestures(run) if gestures is None else gestures
        self._stepper = Stepper(run, sessions)
        self._lanes: list[Session | None] = [None] * sessions
        self._left: deque[Session] = deque()
        self._lanes_lock, self._stepping = threading.Lock(), threading.Lock()
        self._news, self._has_news = threading.Condition(), False
        self._host = Host(run, self.delay_frames, self.gestures, clock, self.wake, self._leave)

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.trained.manifest.fps

    @property
    def delay_frames(self) -> int:
        """Frames by which poses come later than their speech."""
        return self._stepper.delay_frames

    @property
    def delay_seconds(self) -> float:
        """The same in seconds."""
        return self.delay_frames / self.fps

    @property
    def skeleton(self) -> Skeleton:
        """The body of the run."""
        return self.trained.animator.codec.skeleton

    @property
    def speakers(self) -> tuple[str, ...]:
        """Whose habits the run knows."""
        return self.trained.manifest.speakers

    @property
    def sessions(self) -> int:
        """Lanes."""
        return len(self._lanes)

    @property
    def open_sessions(self) -> int:
        """Lanes that are taken."""
        return sum(session is not None for session in self._lanes)

    def warm_up(self) -> None:
        """Compiles all that steps run, so that no session waits for it."""
        with self._stepping:
            self._stepper.warm_up()

    def open(self, options: SessionOptions | None = None) -> Session:
        """Begins a session.

        Raises:
            UserError: When all lanes are taken, or the options do not fit the run.
        """
        self._require_free()
        session = Session(self._host, options or SessionOptions())
        with self._lanes_lock:
            self._require_free()
            self._lanes[self._lanes.index(None)] = session
        self.wake()
        return session

    def step(self) -> int:
        """Moves every session that can be by a frame; returns how many frames were made of speech.

        Those that only lack their last frames get these, one session a step. 0 says that there is
        nothing to do now.
        """
        with self._stepping:
            now, lanes = self._clock(), list(self._lanes)
            turns: dict[int, Turn] = {}
            for lane, session in enumerate(lanes):
                if session is not None and (turn := _guarded(session, session.next_turn, now)):
                    turns[lane] = turn
            try:
                self._stepper.turn_dials([None if s is None else s.dials for s in lanes])
                moved = self._pass(lanes, turns) + self._flush(lanes)
            except Exception as problem:  # of the device: the sessions' own are caught apart
                self._fail_all(lanes, problem)
                moved = len(turns)
            self._tell(lanes)
            return moved

    def run(self, stop: threading.Event) -> None:
        """Steps until it shall stop, and waits while there is nothing to do."""
        while not stop.is_set():
            self._gather()
            if self.step():
                continue
            self._wait(self._wait_seconds())

    def wake(self) -> None:
        """Lets `run` look again for what there is to do."""
        with self._news:
            self._has_news = True
            self._news.notify_all()

    def _gather(self) -> None:
        """Waits a moment for other sessions if some have a frame, and none is behind."""
        while True:
            with self._lanes_lock:
                sessions = [session for session in self._lanes if session is not None]
            waiting = [since for s in sessions if (since := s.ready_since()) is not None]
            if not waiting or len(waiting) == len(sessions):
                return
            if any(session.lane.queued_frames > 1 for session in sessions):
                return
            left = min(waiting) + _GATHER_FRAMES / self.fps - self._clock()
            if left <= 0:
                return
            self._wait(left)

    def _wait(self, seconds: float) -> None:
        with self._news:
            if not self._has_news:
                self._news.wait(seconds)
            self._has_news = False

    def _wait_seconds(self) -> float:
        due = [session.due_monotonic() for session in self._lanes if session is not None]
        left = min(due, default=math.inf) - self._clock()
        return min(max(left, _LEAST_WAIT_SECONDS), _LOOK_SECONDS)

    def _pass(self, lanes: Sequence[Session | None], turns: Mapping[int, Turn]) -> int:
        """Runs the network over a frame of each of some lanes."""
        moving = {lane: session for lane in turns if (session := lanes[lane]) is not None}
        if not moving:
            return 0
        began = self._clock()
        poses = self._stepper.step(
            {lane: Brought(turns[lane], s.speaker, s.options.seed) for lane, s in moving.items()}
        )
        shown = {
            lane: out
            for lane, session in moving.items()
            if (out := _guarded(session, session.shown, turns[lane], poses[lane][None])) is not None
        }
        if shown:
            speakers = np.array([moving[lane].speaker for lane in shown])
            joints = self.trained.animator.codec.joints(np.concatenate([*shown.values()]), speakers)
            for row, (lane, out) in enumerate(shown.items()):
                session, frame = moving[lane], joints[row][None]
                _guarded(
                    session, session.deliver, turns[lane], poses[lane][None], out, frame, began
                )
        return len(moving)

    def _flush(self, lanes: Sequence[Session | None]) -> int:
        """Gives a session that was ended its last frames, if there is such a session."""
        for lane, session in enumerate(lanes):
            if session is not None and (turn := session.last_turn()) is not None:
                began = self._clock()
                poses = self._stepper.flush(lane)
                _guarded(session, session.finish, turn, poses, began)
                return 1
        return 0

    def _fail_all(self, lanes: Sequence[Session | None], problem: Exception) -> None:
        for session in lanes:
            if session is not None:
                session.fail(f"the network's step failed ({told(problem)})")

    def _tell(self, lanes: Sequence[Session | None]) -> None:
        """Tells the news of sessions, of which some may have left by now."""
        while self._left:
            session = self._left.popleft()
            _guarded(session, session.tell)
        for session in lanes:
            if session is not None:
                _guarded(session, session.tell)

    def _leave(self, session: Session) -> None:
        with self._lanes_lock:
            if session in self._lanes:
                self._lanes[self._lanes.index(session)] = None
                self._left.append(session)
        self.wake()

    def _require_free(self) -> None:
        if None not in self._lanes:
            raise UserError(
                f"all {len(self._lanes)} sessions are taken; wait until one ends, or start with "
                "more of them"
            )


def _guarded(session: Session, do: Callable[P, R], *given: P.args, **more: P.kwargs) -> R | None:
    """Does something for a session; what goes wrong ends this session alone."""
    try:
        return do(*given, **more)
    except Exception as problem:
        session.fail(told(problem))
        return None

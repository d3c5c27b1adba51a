"""A stand-in for the live engine: the right arm goes up with the loudness of the sound."""

import time

import numpy as np
from scipy.spatial.transform import Rotation

from llavataros.live.live_frame import LiveFrame
from llavataros.live.options import SessionOptions
from llavataros_jax.errors import UserError
from llavataros_jax.motion.kinematics import forward, local_rotations_of
from llavataros_jax.motion.skeleton import AVATAROS_9
from tests.serve.fake_engine import FPS, FakeEngine, FakeSession

_LEFT, _RIGHT = 6, 3
_LOUD = 0.3  # root mean square at which the arm is up


class MovingSession(FakeSession):
    """Hanging arms, of which the right one is lifted by sound."""

    def _make(self, until: int) -> None:
        now, per = time.monotonic(), self._rate / FPS
        while self._made < until:
            piece = self._sound[round(self._made * per) : round((self._made + 1) * per)]
            loudness = float(np.sqrt(np.mean(piece**2))) if len(piece) else 0.0
            joints = _pose(min(1.0, loudness / _LOUD))
            frame = LiveFrame(self._made, self._made / FPS, joints, now, now, now, now)
            self._frames.append(frame)
            self._made += 1


class MovingEngine(FakeEngine):
    """An engine whose sessions move."""

    def open(self, options: SessionOptions) -> FakeSession:
        if self.open_sessions >= self.sessions:
            raise UserError("all lanes are taken")
        self._count += 1
        session = MovingSession(self, options, self._count)
        self.open_by_id[session.id] = session
        return session


def _pose(share: float) -> np.ndarray:
    """Returns joints (9, 7) with the right arm lifted by a share of the way up."""
    world = Rotation.from_quat(AVATAROS_9.rest_rotations)
    turns = np.array([world[joint].as_quat() for joint in range(9)])
    for first, angle in ((_LEFT, -1.3), (_RIGHT, 1.3 - 1.6 * share)):
        turn = Rotation.from_euler("z", angle)
        for joint in range(first, first + 3):
            turns[joint] = (turn * world[joint]).as_quat()
    local = np.asarray(local_rotations_of(turns, AVATAROS_9.parents))
    places, turns = forward(local, AVATAROS_9.offsets, AVATAROS_9.offsets[0], AVATAROS_9.parents)
    return np.concatenate([places, turns], axis=-1).astype(np.float32)

"""The output stage of a session: poses that are blended, decoded, numbered and kept until taken."""

import dataclasses
import itertools
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from llavataros.live.gestures import PlacedGesture
from llavataros.live.inertia import Inertia
from llavataros.live.live_frame import LiveFrame
from llavataros_jax.errors import UserError
from llavataros_jax.motion.rotations import continuous

_MOST_LAYERS = 100
# Un-normalised poses to the frames of a `Motion`.
Decode = Callable[[Float[np.ndarray, "n P"]], Float[np.ndarray, "n J 7"]]
# What is put over the network's poses for a while.
Layer = Inertia | PlacedGesture


class Times(NamedTuple):
    """When the stages of a frame were done, by the engine's clock; as in `LiveFrame`."""

    heard: float
    ready: float
    stepped: float


class _Kept(NamedTuple):
    """A frame that can be made anew: the network's pose, the one that was shown, and its turns."""

    pose: np.ndarray
    shown: np.ndarray
    quaternions: np.ndarray


class Output:
    """Frames of one session, from the network's poses to whoever takes them.

    Nothing here locks.

    Attributes:
        made_frames: Frames that were made since the beginning.
        taken_frames: Those of them that were taken.
        seam_frame: The first frame that a layer may change: the last cut.
    """

    def __init__(self, decode: Decode, *, fps: float, kept_frames: int):
        """Begins at frame 0.

        Args:
            decode: Turns poses into joints of the session's speaker.
            fps: Frames per second.
            kept_frames: Frames that can be made anew, more than are ever untaken.
        """
        self._decode, self._fps = decode, fps
        self.made_frames = self.taken_frames = 0
        self._unread: deque[LiveFrame] = deque()
        self._kept: deque[_Kept] = deque(maxlen=kept_frames)
        self._layers: list[Layer] = []
        self._jumps, self.seam_frame = False, 0

    @property
    def unread_frames(self) -> int:
        """Frames that can be taken."""
        return len(self._unread)

    def shown(self, poses: Float[np.ndarray, "n P"]) -> Float[np.ndarray, "n P"]:
        """Returns the next poses as they are to be shown."""
        first = self.made_frames
        if self._jumps:
            self._jumps = False
            if self._kept:
                self._layers.append(self._inertia(first, poses[0]))
        self._layers = [layer for layer in self._layers if layer.end_frame > self.taken_frames]
        return self._over(poses, first)

    def deliver(
        self,
        poses: Float[np.ndarray, "n P"],
        shown: Float[np.ndarray, "n P"],
        joints: Float[np.ndarray, "n J 7"],
        times: Times,
        made_monotonic: float,
    ) -> None:
        """Keeps the next frames until they are taken."""
        before = self._kept[-1].quaternions if self._kept else None
        joints = _continued(joints, before)
        for pose, seen, frame in zip(poses, shown, joints, strict=True):
            index = self.made_frames
            self._unread.append(
                LiveFrame(
                    index=index,
                    seconds=index / self._fps,
                    joints=frame,
                    heard_monotonic=times.heard,
                    ready_monotonic=times.ready,
                    stepped_monotonic=times.stepped,
                    made_monotonic=made_monotonic,
                )
            )
            self._kept.append(_Kept(pose, seen, frame[:, 3:]))
            self.made_frames += 1

    def take(self, most: int | None = None) -> list[LiveFrame]:
        """Removes and returns the frames that wait, or the first of them."""
        count = len(self._unread) if most is None else min(most, len(self._unread))
        taken = [self._unread.popleft() for _ in range(count)]
        self.taken_frames += count
        return taken

    def cut(self, at_frame: int | None) -> int:
        """Throws frames away from one on; the next pose goes on smoothly from those before it.

        Args:
            at_frame: The frame; by default the first that was not taken. One that is not made yet
                is brought forward, and one that is no longer kept to the first that is.

        Returns:
            Which it is.
        """
        wanted = self.taken_frames if at_frame is None else at_frame
        oldest = self.made_frames - len(self._kept)
        least = oldest + 2 if oldest else 0  # two frames before it tell how the body moved
        frame = min(max(wanted, least), self.made_frames)
        for _ in range(self.made_frames - frame):
            self._kept.pop()
        while self._unread and self._unread[-1].index >= frame:
            self._unread.pop()
        self.made_frames, self.taken_frames = frame, min(frame, self.taken_frames)
        self._layers, self._jumps, self.seam_frame = [], True, frame
        return frame

    def put_over(self, layer: Layer) -> None:
        """Puts a layer over the frames that nobody took and those to come.

        Raises:
            UserError: When there are too many of them.
        """
        self._layers = [old for old in self._layers if old.end_frame > self.taken_frames]
        if len(self._layers) >= _MOST_LAYERS:
            raise UserError(f"{_MOST_LAYERS} gestures are to come already; wait for some of them")
        self._layers.append(layer)
        first, made = max(layer.first_frame, self.taken_frames), self.made_frames
        stop = min(layer.end_frame, made)
        if first >= stop:
            return
        kept, oldest = self._kept, made - len(self._kept)
        old = list(itertools.islice(kept, first - oldest, None))
        poses = np.stack([frame.pose for frame in old[: stop - first]])
        shown = self._over(poses, first)
        rest = [self._unread[back].joints[None] for back in range(stop - made, 0)]
        before = kept[first - oldest - 1].quaternions if first > oldest else None
        joints = _continued(np.concatenate([self._decode(shown), *rest]), before)
        for place, frame in enumerate(joints):
            seen = shown[place] if place < len(shown) else old[place].shown
            back = first + place - made
            kept[back] = _Kept(old[place].pose, seen, frame[:, 3:])
            self._unread[back] = dataclasses.replace(self._unread[back], joints=frame)

    def _inertia(self, first: int, pose: np.ndarray) -> Inertia:
        last = self._kept[-1].shown
        before = self._kept[-2].shown if len(self._kept) > 1 else last
        return Inertia(first, last - pose, (last - before) * self._fps, self._fps)

    def _over(self, poses: np.ndarray, first: int) -> np.ndarray:
        frames = np.arange(first, first + len(poses))
        for layer in self._layers:
            if layer.first_frame <= frames[-1] and layer.end_frame > first:
                poses = layer.over(poses, frames)
        return poses


def _continued(
    joints: Float[np.ndarray, "n J 7"], before: Float[np.ndarray, "J 4"] | None
) -> Float[np.ndarray, "n J 7"]:
    """Gives quaternions the signs that go on from those before, as in a `Motion`."""
    quaternions = joints[..., 3:]
    if before is None:
        signed = continuous(quaternions)
    else:
        signed = continuous(np.concatenate([before[None], quaternions]))[1:]
    return np.concatenate([joints[..., :3], signed], axis=-1, dtype=np.float32)

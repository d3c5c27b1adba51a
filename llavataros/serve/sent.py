"""What was sent to a client, kept for a while, so that a lost connection loses nothing."""

from collections import deque
from itertools import islice
from typing import Any, NamedTuple

from llavataros.live.live_frame import LiveFrame
from llavataros.serve.codes import Code, Refusal
from llavataros.serve.replies import Interrupted, Numbered

Item = LiveFrame | Numbered


class _Place(NamedTuple):
    """Where a client is that has received all before: the frame and the reply that come next."""

    frame: int
    number: int

    def after(self, item: Item) -> "_Place":
        if isinstance(item, LiveFrame):
            return _Place(item.index + 1, self.number)
        frame = item.from_frame if isinstance(item, Interrupted) else self.frame
        return _Place(frame, item.number + 1)


class Sent:
    """Frames and numbered replies in the order of sending, and how far sending is."""

    def __init__(self, kept: int):
        """Keeps so many frames and replies that were sent."""
        self._items: deque[Item] = deque()
        self._places: deque[_Place] = deque([_Place(0, 0)])  # one more than items
        self._kept = kept
        self._sent = 0  # of those in `_items`

    @property
    def next_number(self) -> int:
        """Number of the next reply."""
        return self._places[-1].number

    @property
    def next_frame(self) -> int:
        """Number of the next frame."""
        return self._places[-1].frame

    @property
    def waiting(self) -> int:
        """Frames and replies that were not sent."""
        return len(self._items) - self._sent

    def add(self, item: Item) -> None:
        """Appends what is to be sent."""
        self._items.append(item)
        self._places.append(self._places[-1].after(item))

    def reply(self, kind: type[Numbered], **fields: Any) -> None:
        """Appends a reply, with its number."""
        self.add(kind(number=self.next_number, **fields))

    def upcoming(self, most_frames: int) -> list[LiveFrame] | Numbered | None:
        """Returns what is to be sent next: a reply, or consecutive frames; None for nothing."""
        frames: list[LiveFrame] = []
        for item in islice(self._items, self._sent, self._sent + most_frames):
            if not isinstance(item, LiveFrame):
                return frames or item
            frames.append(item)
        return frames or None

    def advance(self, count: int) -> None:
        """Counts items as sent, and forgets the oldest."""
        self._sent += count
        while self._sent > self._kept:
            self._items.popleft()
            self._places.popleft()
            self._sent -= 1

    def rewind(self, next_frame: int, next_message: int | None) -> None:
        """Goes back to where a client is.

        Args:
            next_frame: The first frame that it did not receive.
            next_message: How many numbered replies it received. Frames that are made anew have
                their numbers twice, so that without it the later ones are meant.

        Raises:
            Refusal: When that is no longer kept, or was never sent.
        """
        for sent in range(self._sent, -1, -1):
            place = self._places[sent]
            if place.frame == next_frame and next_message in (None, place.number):
                self._sent = sent
                return
        oldest, newest = self._places[0], self._places[self._sent]
        raise Refusal(
            Code.RESUME,
            f"the session cannot go on at frame {next_frame} and message {next_message}: what is "
            f"kept goes from {oldest.frame} and {oldest.number} to {newest.frame} and "
            f"{newest.number}; begin a new session",
        )

"""News from the engine's thread for many streams, at the price of one."""

import asyncio
import contextlib
from collections import deque


class Bell:
    """Sets events of an event loop from another thread, all that come together at once."""

    def __init__(self):
        """To be called in the event loop."""
        self._loop = asyncio.get_running_loop()
        self._news: deque[asyncio.Event] = deque()
        self._is_rung = False

    def ring(self, news: asyncio.Event) -> None:
        """Sets an event soon. Any thread may call."""
        self._news.append(news)
        if not self._is_rung:
            self._is_rung = True
            with contextlib.suppress(RuntimeError):  # of a loop that has ended
                self._loop.call_soon_threadsafe(self._answer)

    def _answer(self) -> None:
        self._is_rung = False  # before what came is looked at, so that nothing waits unseen
        while self._news:
            self._news.popleft().set()

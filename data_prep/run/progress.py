"""How far work on many clips is: a bar on a terminal, elsewhere a line now and then."""

import sys
import time

from tqdm import tqdm

_SECONDS_BETWEEN_LINES = 30.0


class Progress:
    """A bar with the remaining time on a terminal; elsewhere a line now and then."""

    def __init__(self, label: str, total: int) -> None:
        self._label, self._total, self._done = label, total, 0
        is_terminal = sys.stderr.isatty()
        self._bar = tqdm(total=total, desc=label, unit="clip") if is_terminal else None
        self._begin = self._spoken = time.monotonic()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def advance(self) -> None:
        """Counts one more item."""
        self._done += 1
        if self._bar is not None:
            self._bar.update()
            return
        now = time.monotonic()
        is_over = self._done == self._total
        if is_over or now - self._spoken > _SECONDS_BETWEEN_LINES:
            self._spoken = now
            left = (now - self._begin) / self._done * (self._total - self._done)
            rest = f"took {now - self._begin:.0f} s" if is_over else f"about {left:.0f} s left"
            print(f"{self._label}: {self._done}/{self._total}, {rest}", file=sys.stderr, flush=True)

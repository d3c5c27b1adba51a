"""When to stop: the first Ctrl-C or SIGTERM that any process of a training gets stops all.

The processes add up what they have seen with a tiny program on their devices at every step, and
read each answer `LAG` steps later, so that steps are still dispatched ahead. All read the same
answer at the same step, so all save the same state.
"""

import collections
import logging
import signal
import threading
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

LAG = 4
# Schedulers may send a signal to a launcher, which passes it on, and to the process itself.
_SAME_SECONDS = 1.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# What a process has to say for itself; `hosts_log` writes it down.
HOST_LOG = logging.getLogger("llavataros_jax.hosts")
HOST_LOG.addHandler(logging.NullHandler())
HOST_LOG.setLevel(logging.INFO)
HOST_LOG.propagate = False


# Set when a process is about to end by itself, and only waits for what is being saved.
FINISHING = threading.Event()


class Stopped(KeyboardInterrupt):
    """Says that all processes have stopped and saved.

    Attributes:
        by_scheduler: Whether a SIGTERM asked for it, and not Ctrl-C.
    """

    def __init__(self, *, by_scheduler: bool):
        super().__init__()
        self.by_scheduler = by_scheduler


class StopSignals:
    """Turns the first signal into a question that the loop asks once a step; a second one raises.

    A context manager, which gives the signals back at its end.

    Attributes:
        agreed: The signal that all processes stop by, once they have agreed; 0 before.
    """

    def __init__(self):
        self.agreed = 0
        self._seen, self._first_seconds = 0, 0.0
        self._agreement = _Agreement() if jax.process_count() > 1 else None

    def __enter__(self) -> "StopSignals":
        self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(self, *_: Any) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def __call__(self) -> bool:
        """Tells whether to stop now; the same answer on all hosts, which must all ask."""
        self.agreed = self._seen if self._agreement is None else self._agreement(self._seen)
        return self.agreed > 0

    def _note(self, number: int, _frame: Any) -> None:
        now = time.monotonic()
        if not self._seen:
            self._seen, self._first_seconds = number, now
            HOST_LOG.info("got %s", signal.Signals(number).name)
        elif now - self._first_seconds > _SAME_SECONDS:
            raise KeyboardInterrupt


class _Agreement:
    """The largest number that any process has given, known `LAG` questions later."""

    def __init__(self):
        devices = jax.devices()
        mesh = Mesh(np.array(devices), ("devices",))
        self._spread = NamedSharding(mesh, PartitionSpec("devices"))
        whole = NamedSharding(mesh, PartitionSpec())
        self._largest = jax.jit(jnp.max, out_shardings=whole)
        self._shape = (len(devices),)
        self._given = (-1, None)
        self._answers: collections.deque[jax.Array] = collections.deque()

    def __call__(self, number: int) -> int:
        if self._given[0] != number:
            own = np.full(1, number, np.int32)
            self._given = (
                number,
                jax.make_array_from_callback(self._shape, self._spread, lambda _: own),
            )
        self._answers.append(self._largest(self._given[1]))
        if len(self._answers) <= LAG:
            return 0
        return int(self._answers.popleft().addressable_data(0))

"""How the processes of one training end together when one of them ends before its time.

Whatever ends one process alone (a refusal, a full disk, Ctrl-C twice, a fault) is written to the
key-value store of JAX's coordination service. Each process looks there every second, and one that
does not end by itself within `GRACE_SECONDS`, because it waits for a process that no longer comes,
says the same sentence and leaves with the same code. A process that is lost without a word is
noticed by JAX, at once or after `LOST_SECONDS` (`hosts_abort`).

The only file beside `hosts_abort` that knows how JAX's client works; the store has no public name.
"""

import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import jax

from llavataros_jax.errors import UserError
from llavataros_jax.training.hosts import LOST_SECONDS
from llavataros_jax.training.hosts_abort import TRY_AGAIN, abort_says
from llavataros_jax.training.hosts_stop import FINISHING, HOST_LOG, Stopped

GRACE_SECONDS = 5
# How much longer it may take to end by itself, when it has failed alike and still saves.
SAVE_SECONDS = 120
_LOOK_SECONDS = 1
_KEY, _LEFT = "llavataros/end", "llavataros/left"
# Of what collectives raise when the process at the other end is gone.
_LOST = ("gloo", "closed by peer", "reset by peer", "unavailable", "nccl", "socket")


@dataclass(frozen=True)
class End:
    """Why a training ends: the process that said so, its exit code and its sentence."""

    host: int
    code: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.code} {self.host} {self.sentence}"

    @classmethod
    def parse(cls, text: str) -> "End":
        """Undoes `str`."""
        code, host, sentence = text.split(" ", 2)
        return cls(int(host), int(code), sentence)


@contextmanager
def ending_together() -> Iterator[None]:
    """Ends all processes when one of them leaves this block by an exception.

    Where there is one process, exceptions go on; `Stopped` always does, as all agreed on it.
    """
    from jax._src.distributed import global_state

    client, own = global_state.client, global_state.process_id
    if client is None or global_state.num_processes == 1:
        yield
        return
    ends = _Ends(client, own, global_state.num_processes)
    with abort_says(ends.last_words, code=lambda: ends.said.code if ends.said else TRY_AGAIN):
        ends.watch()
        try:
            yield
        except Stopped:
            raise
        except BaseException as problem:
            ends.alone(problem)
        finally:
            ends.rest()


class _Ends:
    """The one end of a training, as this process knows it."""

    def __init__(self, client: Any, own: int, count: int):
        self.client, self.own, self.count = client, own, count
        self.said: End | None = None
        self._resting = threading.Event()
        self._leaving = threading.Lock()
        self._thread = threading.Thread(target=self._look, name="hosts_end", daemon=True)

    def watch(self) -> None:
        self._thread.start()

    def rest(self) -> None:
        self._resting.set()
        self._thread.join()

    def last_words(self) -> str:
        """Returns what to say when JAX ends this process."""
        words = self.said.sentence if self.said else _lost("JAX says above which")
        HOST_LOG.error(words)
        return words

    def alone(self, problem: BaseException) -> None:
        """Tells all why this process ends, and leaves."""
        end = _end_of(problem, self.own)
        if end.code == TRY_AGAIN:
            # Collectives break because another ends, which may be about to say why.
            self._resting.wait(2 * _LOOK_SECONDS)
        with suppress(Exception):  # another was first, or there is nobody left to tell
            self.client.key_value_set(_KEY, str(end))
        first = self._published() or end
        if first == end and end.code == 1:
            traceback.print_exception(problem)
        self._leave(first)

    def _look(self) -> None:
        while not self._resting.wait(_LOOK_SECONDS):
            if (end := self._published()) is None:
                continue
            self._resting.wait(GRACE_SECONDS)
            if FINISHING.is_set():
                self._resting.wait(SAVE_SECONDS)
            if not self._resting.is_set():
                self._leave(end)

    def _published(self) -> End | None:
        if self.said is None:
            with suppress(Exception):  # nothing is there, or the service is gone
                self.said = End.parse(self.client.key_value_try_get(_KEY))
        return self.said

    def _leave(self, end: End) -> None:
        """Says why and leaves, without waiting for others as JAX does at the end of a process."""
        self._leaving.acquire()  # never given back: the first to come speaks
        words = (
            end.sentence if end.host == self.own else f"{end.sentence} (said by host {end.host})"
        )
        HOST_LOG.error(words)
        print(f"error: {words}", file=sys.stderr, flush=True)
        if self.own == 0:
            self._wait_for_others()
        else:
            with suppress(Exception):
                self.client.key_value_set(f"{_LEFT}/{self.own}", "")
        sys.stdout.flush()
        logging.shutdown()
        os._exit(end.code)

    def _wait_for_others(self) -> None:
        """Keeps the service, which lives in this process, until the others have left.

        Without it JAX would abort them in the middle of what they say or save.
        """
        left = 0
        until = time.monotonic() + (SAVE_SECONDS if FINISHING.is_set() else 2 * GRACE_SECONDS)
        while left < self.count - 1 and time.monotonic() < until:
            with suppress(Exception):
                left = len(self.client.key_value_dir_get(f"{_LEFT}/"))
            time.sleep(0.1)


def _end_of(problem: BaseException, host: int) -> End:
    text = " ".join(str(problem).split())
    if isinstance(problem, UserError):
        return End(host, 2, text)
    if isinstance(problem, OSError | MemoryError):
        reason = text[:400] or "no memory is left"
        return End(
            host, 2, f"process {host} could not go on: {reason}; the newest checkpoint is kept"
        )
    if isinstance(problem, KeyboardInterrupt):
        return End(host, 130, "training was interrupted before all processes had saved")
    if isinstance(problem, SystemExit):
        return End(host, problem.code if isinstance(problem.code, int) else 1, text)
    if isinstance(problem, jax.errors.JaxRuntimeError) and any(
        word in text.lower() for word in _LOST
    ):
        return End(host, TRY_AGAIN, _lost(text[:200]))
    return End(host, 1, f"process {host} failed: {type(problem).__name__}: {text[:400]}")


def _lost(reason: str) -> str:
    return (
        "another process of this training was lost, or cannot be reached any more "
        f"({reason}), which takes up to {LOST_SECONDS} s to notice; the same command, on all "
        "hosts, goes on from the newest checkpoint"
    )

"""One process at a time at a URL, as `lock.sole_use` keeps a folder for one.

Buckets have no locks that die with their process. The holder of a lease writes a file, which none
can write where there is one, and writes it anew every few seconds. Who finds one waits whether it
changes, so that no clocks are compared: what stands still is left from a process that was killed.
"""

import os
import platform
import secrets
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from llavataros_jax.errors import UserError
from llavataros_jax.storage.remote import read, remove, write

BEAT_SECONDS = 20.0
# Of a holder that is alive, but slow to write.
_MISSED_BEATS = 3


class Lease:
    """Holds a file at a URL as long as its block runs.

    Attributes:
        is_lost: Whether another process took it, which held this one for dead.
    """

    def __init__(self, url: str, *, option: str, place: str):
        """Takes nothing yet.

        Args:
            url: The file.
            option: The option that names what it stands for, such as `training.run`.
            place: What that is, for messages.
        """
        self._url, self._option, self._place = url, option, place
        self._token, self._beats = secrets.token_hex(8), 0
        self._since = time.strftime("%Y-%m-%d %H:%M:%S")
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)
        self.is_lost = False

    def __enter__(self) -> "Lease":
        """Takes the lease, after a wait when a process was killed that had it.

        Raises:
            UserError: When another process has it, saying which, or nothing can be written.
        """
        while not self._taken():
            with suppress(FileNotFoundError):  # it was given back
                self._wait_for_its_end()
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._ending.set()
        self._thread.join()
        with suppress(FileNotFoundError, UserError):
            if self._is_own(read(self._url)):
                remove(self._url)

    def _taken(self) -> bool:
        try:
            read(self._url)  # not every server heeds the condition of the write
        except FileNotFoundError:
            with suppress(FileExistsError):
                write(self._url, self._text(), is_new=True)
                return True
        return False

    def _wait_for_its_end(self) -> None:
        before, seconds = read(self._url), _MISSED_BEATS * BEAT_SECONDS
        holder = before.decode(errors="replace").partition("\n")[2].strip() or "another process"
        print(
            f"{self._place} was left by {holder}, or is in use: that shows within {seconds:g} s",
            file=sys.stderr,
            flush=True,
        )
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(BEAT_SECONDS / 4)
            if read(self._url) != before:
                raise UserError(
                    f"{self._option}={self._place} is in use by {holder}; wait until it has ended "
                    f"or choose another {self._option}"
                )
        remove(self._url)

    def _beat(self) -> None:
        while not self._ending.wait(BEAT_SECONDS):
            with suppress(UserError):  # the network may come back
                with suppress(FileNotFoundError):  # whoever removed it wants the folder empty
                    self.is_lost = not self._is_own(read(self._url))
                if self.is_lost:
                    return
                self._beats += 1
                write(self._url, self._text())

    def _text(self) -> bytes:
        who = f"process {os.getpid()} on {platform.node() or 'this machine'} since {self._since}"
        return f"{self._token} {self._beats}\n{who}\n".encode()

    def _is_own(self, text: bytes) -> bool:
        return text.startswith(self._token.encode())

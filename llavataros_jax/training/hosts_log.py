"""What a process other than the first writes of a training: RUN/logs/host_3.txt."""

import logging
import platform
import time
from pathlib import Path
from typing import Any

import jax

from llavataros_jax.errors import UserError
from llavataros_jax.training.hosts_stop import HOST_LOG
from llavataros_jax.training.tracking import Tracker

# A shared folder may show what the first process wrote a little later.
_SEEN_SECONDS = 30


class HostTracker(Tracker):
    """A tracker that writes lines to the log of this process instead of the terminal."""

    def __init__(self, run: Path, *, first_step: int, last_step: int, own_lanes: tuple[int, ...]):
        """Opens the log; lines are added to those of earlier starts."""
        super().__init__(run, first_step=first_step, last_step=last_step, quiet=True)
        folder, host = run / "logs", jax.process_index()
        folder.mkdir(parents=True, exist_ok=True)
        self._handler = logging.FileHandler(folder / f"host_{host}.txt", encoding="utf-8")
        self._handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        HOST_LOG.addHandler(self._handler)
        here = jax.local_devices()
        HOST_LOG.info(
            "process %d of %d on %s · %d of %d %s · lanes %s",
            *(host, jax.process_count(), platform.node() or "this machine"),
            *(len(here), jax.device_count(), here[0].device_kind, _ranges(own_lanes)),
        )

    def __exit__(self, *given: Any) -> None:
        super().__exit__(*given)
        if given[0] is None:  # else the end is still to be said
            HOST_LOG.info("ended")

    def say(self, step: int, text: str) -> None:
        """Writes a line with the step."""
        HOST_LOG.info("step %d/%d · %s", step, self.last_step, text)


def require_shared(run: Path) -> None:
    """Refuses a run directory that this process does not share with the first one.

    Raises:
        UserError: When what the first process has written there does not appear.
    """
    until = time.monotonic() + _SEEN_SECONDS
    while not (run / "config.yaml").is_file():
        if time.monotonic() > until:
            raise UserError(
                f"training.run={run} on host {jax.process_index()} ({platform.node()}) does not "
                "hold what host 0 has written there; it must be on storage that all hosts share"
            )
        time.sleep(0.5)


def _ranges(numbers: tuple[int, ...]) -> str:
    """Returns numbers in order with neighbours joined, such as `0-3, 8`."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    return ", ".join("-".join(map(str, part)) for part in parts)

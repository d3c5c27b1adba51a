"""`llavataros serve` with the model that comes along: voices in real time, through sockets.

Times are from the last sample that a frame depends on, as it is sent, to the frame in another
process; the server's own are by stage. Minutes in place of seconds let sessions come and go, with
broken connections, and watch memory.
"""

import argparse
import asyncio
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from llavataros.benchmark.serve_client import CHUNK_SECONDS, SoundNeeded, Spoken, speak, voices
from llavataros.benchmark.serve_soak import soak
from llavataros.benchmark.serve_stages import Stages
from llavataros_jax.config.shipped import shipped_folder
from llavataros_jax.errors import UserError
from llavataros_jax.training.run import read_config

_SESSIONS, _SECONDS_A_TURN = 8, 2.0
_GOALS = "first pose 250 ms, 99 % of frames 33 ms"
_PERCENTILES = (50, 95, 99, 100)


def run(turns: int, *, sessions: int = _SESSIONS, minutes: float = 0.0) -> None:
    """Lets sessions speak for two seconds a turn, or come and go for some minutes.

    Raises:
        UserError: When the server does not start or ends.
    """
    with served(sessions) as server:
        print(f"server of {sessions} sessions ready after {server.start_seconds:.1f} s")
        if minutes:
            asyncio.run(soak(server.url, sessions, minutes, lambda: server.memory_mib))
        else:
            _measure(server, sessions, _SECONDS_A_TURN * turns)


@dataclass(frozen=True)
class Served:
    """A server that runs in a process of its own.

    Attributes:
        process: The process.
        address: Host and port.
        start_seconds: Until sessions could begin.
    """

    process: subprocess.Popen
    address: str
    start_seconds: float

    @property
    def url(self) -> str:
        """Of the stream."""
        return f"ws://{self.address}/v1/stream"

    @property
    def memory_mib(self) -> float:
        """Memory that it holds, where the system tells."""
        status = Path(f"/proc/{self.process.pid}/status")
        found = re.search(r"VmRSS:\s*(\d+)", status.read_text()) if status.exists() else None
        return int(found[1]) / 1024 if found else float("nan")

    @property
    def cpu_seconds(self) -> float:
        """Time of processors that it has taken."""
        stat = Path(f"/proc/{self.process.pid}/stat")
        if not stat.exists():
            return float("nan")
        fields = stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def served(sessions: int) -> Iterator[Served]:
    """Starts a server, and ends it.

    Raises:
        UserError: When it does not start.
    """
    command = [sys.executable, "-m", "llavataros", "serve", "--port", "0"]
    command += ["--sessions", str(sessions)]
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        told = ""
        while "ready after" not in told:
            line = process.stdout.readline()
            if not line:
                raise UserError("the server did not start; what it says is above")
            told += line
        address = re.search(r"http://([^/]+)/", told)
        assert address
        try:
            yield Served(process, address[1], time.monotonic() - began)
        finally:
            process.terminate()
            process.wait()


def _measure(server: Served, sessions: int, seconds: float) -> None:
    config = read_config(shipped_folder("starter"))
    needed = SoundNeeded(config, config.motion.fps)
    said = voices()
    before = server.cpu_seconds, time.monotonic(), _own_cpu_seconds()

    async def all_at_once() -> list[Spoken]:
        async def one(number: int) -> Spoken:
            await asyncio.sleep(CHUNK_SECONDS * number / sessions)
            voice = said[number % len(said)]
            return await speak(server.url, voice, seconds, needed=needed, seed=number)

        return await asyncio.gather(*map(one, range(sessions)))

    results = asyncio.run(all_at_once())
    spent = time.monotonic() - before[1]
    cores = (server.cpu_seconds - before[0]) / spent
    own = (_own_cpu_seconds() - before[2]) / spent
    frames = np.concatenate([result.frame_seconds for result in results])
    first = np.array([result.first_seconds for result in results])
    begin = np.array([result.begin_seconds for result in results])
    print(
        f"{sessions} sessions for {seconds:g} s in real time, pieces of {1e3 * CHUNK_SECONDS:g} ms,"
        f" words {2:g} s ahead; goals: {_GOALS}\n"
        f"{sum(r.frames for r in results)} frames, {sum(r.lost for r in results)} lost; the server "
        f"took {cores:.2f} cores and {server.memory_mib:.0f} MiB, the clients {own:.2f} cores"
    )
    print("  " + " " * 34 + "".join(f"{_name(p):>10}" for p in _PERCENTILES))
    _row("connected to ready", begin)
    _row("first pose after its last sample", first)
    _row("frame after its last sample", frames)
    print("of these in the server, to a tenth of each")
    for name, at in Stages.read(f"http://{server.address}/metrics").items():
        _print(name, [at(p / 100) for p in _PERCENTILES])


def _row(name: str, seconds: np.ndarray) -> None:
    _print(name, [float(np.percentile(seconds, p)) for p in _PERCENTILES])


def _print(name: str, seconds: Sequence[float]) -> None:
    print(f"  {name:<34}" + "".join(f"{1e3 * s:7.1f} ms" for s in seconds))


def _name(percentile: int) -> str:
    return "most" if percentile == 100 else f"{percentile} %"


def _own_cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--sessions", type=int, default=_SESSIONS)
    parser.add_argument("--minutes", type=float, default=0.0)
    given = parser.parse_args()
    run(given.turns, sessions=given.sessions, minutes=given.minutes)


if __name__ == "__main__":
    _main()

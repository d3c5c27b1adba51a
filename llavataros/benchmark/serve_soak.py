"""Sessions that come and go for minutes, some with broken connections; memory and lost frames."""

import asyncio
import time
from collections.abc import Callable

import numpy as np

from llavataros.benchmark.serve_client import RATE, Voice, voices
from llavataros.client import connect

_SHORTEST_SECONDS, _LONGEST_SECONDS = 3.0, 20.0
_CHUNK_SECONDS = 0.05
_ROWS = 20


async def soak(url: str, sessions: int, minutes: float, memory_mib: Callable[[], float]) -> None:
    """Keeps all lanes busy with sessions of 3 to 20 s; a fifth loses its connection, once."""
    until, said = time.monotonic() + 60 * minutes, voices()
    counts = {"sessions": 0, "frames": 0, "lost": 0, "broken": 0}

    async def come_and_go(number: int) -> None:
        random = np.random.default_rng(number)
        while time.monotonic() < until:
            seconds = random.uniform(_SHORTEST_SECONDS, _LONGEST_SECONDS)
            is_broken = random.random() < 0.2
            voice = said[int(random.integers(len(said)))]
            frames, expected = await _speak(url, voice, seconds, is_broken=is_broken)
            counts["sessions"] += 1
            counts["frames"] += frames
            counts["lost"] += abs(expected - frames)
            counts["broken"] += is_broken

    coming = [asyncio.create_task(come_and_go(number)) for number in range(sessions)]
    print(f"  {'minute':>8} {'sessions':>9} {'frames':>9} {'lost':>6} {'resumed':>8} {'MiB':>8}")
    began, memory = time.monotonic(), []
    while any(not task.done() for task in coming):
        await asyncio.wait(coming, timeout=60 * minutes / _ROWS)
        memory.append(memory_mib())
        row = (counts[name] for name in ("sessions", "frames", "lost", "broken"))
        told = "{:>9} {:>9} {:>6} {:>8}".format(*row)
        print(f"  {(time.monotonic() - began) / 60:8.1f} {told} {memory[-1]:8.0f}", flush=True)
    await asyncio.gather(*coming)
    half = len(memory) // 2
    grown = np.mean(memory[half:]) - np.mean(memory[1:half] or memory)
    print(f"memory of the second half beside the first: {grown:+.1f} MiB")


async def _speak(url: str, voice: Voice, seconds: float, *, is_broken: bool) -> tuple[int, int]:
    """Speaks in real time; returns how many frames came and how many should have."""
    sound, words = voice.spoken(seconds)
    size = round(_CHUNK_SECONDS * RATE)
    async with connect(url, sample_rate=RATE, words="timed") as stream:

        async def send() -> None:
            start, broken = time.monotonic(), is_broken
            await stream.words(words, known_until=seconds)
            for number, at in enumerate(range(0, len(sound), size), 1):
                await asyncio.sleep(start + number * _CHUNK_SECONDS - time.monotonic())
                await stream.send_audio(sound[at : at + size])
                if broken and at > len(sound) / 2:
                    stream._connection.cut()
                    broken = False
            await stream.end()

        sending, frames = asyncio.create_task(send()), 0
        async for piece in stream:
            assert piece.joints is not None
            if piece.first != frames:
                return frames, -1
            frames += len(piece.joints)
        await sending
        return frames, round(seconds * stream.ready["fps"])

"""The command with the model that comes along: live frames are those of whole recordings."""

import asyncio
import io
import re
import signal
import subprocess
import sys

import httpx
import numpy as np
import pytest
import soundfile
import websockets.sync.client

from data_prep.words.timed_files import read_timed_words
from llavataros.client import connect
from llavataros_jax.config.shipped import shipped_folder
from tests.serve.proxy import Proxy
from tests.serve.serving import everything, say, start_fields

pytestmark = pytest.mark.slow
CLIPS = ("ada_4", "ben_4")
COMMAND = [sys.executable, "-m", "llavataros", "serve", "--port", "0", "--sessions", "2"]


@pytest.fixture(scope="module")
def server():
    """The process, and its address."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(COMMAND, **pipes) as running:
        told = ""
        while "ready after" not in told:
            line = running.stdout.readline()
            assert line, running.stderr.read()
            told += line
        assert "(0.53 s) after their sound" in told
        try:
            yield running, re.search(r"127\.0\.0\.1:\d+", told)[0]
        finally:
            running.kill()


def clip(name: str):
    path = shipped_folder("corpus") / f"{name}.flac"
    samples, rate = soundfile.read(path, dtype="int16")
    return path, samples, rate, read_timed_words(path.with_suffix(".json"), len(samples) / rate)


def animated(address: str, name: str, seed: int) -> np.ndarray:
    path = clip(name)[0]
    words = path.with_suffix(".json")
    answer = httpx.post(
        f"http://{address}/v1/animate",
        files={"audio": path.open("rb"), "words": words.open("rb")},
        data={"seed": str(seed), "speaker": name[:3]},
        timeout=120,
    )
    assert answer.status_code == 200, answer.text
    return np.load(io.BytesIO(answer.content))


async def streamed(address: str, name: str, seed: int, cuts: int = 0) -> np.ndarray:
    """Sends a clip in pieces of any size, its words a little ahead of them."""
    _, samples, rate, words = clip(name)
    random, at = np.random.default_rng(seed), 0
    frames = np.zeros((0, 9, 7), np.float32)
    options = {"sample_rate": rate, "words": "timed", "seed": seed, "speaker": name[:3]}
    async with (
        Proxy(int(address.rpartition(":")[2])) as proxy,
        connect(f"ws://127.0.0.1:{proxy.port}/v1/stream", **options) as stream,
    ):

        async def send():
            nonlocal at
            said = 0
            while at < len(samples):
                size = int(random.integers(1, rate))
                until = (at + size) / rate + 1.0
                some = [word for word in words[said:] if word.start_seconds < until]
                said += len(some)
                told = [(word.text, word.start_seconds, word.end_seconds) for word in some]
                await stream.words(told, known_until=until)
                await stream.send_audio(samples[at : at + size].tobytes())
                at += size
                if proxy.cuts < cuts and at > len(samples) * (proxy.cuts + 1) / (cuts + 1):
                    proxy.cut()
            await stream.end()

        sending = asyncio.create_task(send())
        async for piece in stream:
            frames = np.concatenate([frames[: piece.first], piece.joints])
        await sending
        assert stream.notices == []
        assert proxy.cuts == cuts
    return frames


def test_live_frames_are_those_of_the_file(server):
    _, address = server

    async def both():
        return await asyncio.gather(
            *(streamed(address, name, seed, cuts=2 * seed) for seed, name in enumerate(CLIPS))
        )

    for seed, (name, live) in enumerate(zip(CLIPS, asyncio.run(both()), strict=True)):
        whole = animated(address, name, seed)
        assert live.shape == whole.shape
        assert np.abs(live - whole).max() < 1e-5
        assert np.ptp(whole[:, 8, :3], axis=0).max() > 0.05  # hands moved


def test_a_signal_ends_it_well(server):
    running, address = server
    url = f"ws://{address}/v1/stream"
    with websockets.sync.client.connect(url, compression=None) as connection:
        say(connection, type="start", **start_fields())
        assert '"ready"' in connection.recv(timeout=10)
        running.send_signal(signal.SIGTERM)
        assert everything(connection)[-2]["code"] == "shutting_down"
    assert running.wait(20) == 0
    assert running.stderr.read() == ""

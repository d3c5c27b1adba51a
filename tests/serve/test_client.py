"""The client in Python, and what is lost when a connection is: nothing."""

import asyncio

import numpy as np
import pytest

from llavataros.client import Refused, connect
from llavataros.serve.access import Access
from llavataros.serve.limits import Limits
from tests.serve.fake_engine import DELAY, FPS
from tests.serve.proxy import Proxy
from tests.serve.serving import RATE, noise, serving
from tests.serve.test_stream import expected_means


@pytest.fixture(scope="module")
def server():
    with serving(limits=Limits(sessions=3)) as running:
        yield running


def test_frames_of_a_client(server):
    async def run():
        samples = noise(2.0)
        poses = ["joints", "humanoid"]
        async with connect(server.url, sample_rate=RATE, poses=poses, speaker="kim") as stream:
            assert stream.ready["delay_frames"] == DELAY
            start = await stream.utterance()
            for piece in np.array_split(samples, 7):
                await stream.send_audio(piece)
            await stream.say("end_utterance")
            await stream.end()
            came = [frames async for frames in stream]
        return samples, start, came, stream.notices

    samples, start, came, notices = asyncio.run(run())
    joints = np.concatenate([frames.joints for frames in came])
    hips = np.concatenate([frames.hips for frames in came])
    assert start == 0
    assert [frames.first for frames in came] == list(
        np.cumsum([0, *(len(frames.joints) for frames in came[:-1])])
    )
    assert np.allclose(joints[:, 0, 1], expected_means(samples), atol=1e-6)
    assert np.allclose(hips, joints[:, 0, :3])
    assert came[1].seconds == came[1].first / FPS
    assert notices == ["the utterance is over"]


@pytest.mark.parametrize("seed", range(3))
def test_a_lost_connection_leaves_no_seam(server, seed):
    random, samples = np.random.default_rng(seed), noise(6.0, seed=seed)

    async def run():
        frames = np.zeros((0, 9, 7))
        async with (
            Proxy(server.port) as proxy,
            connect(f"ws://127.0.0.1:{proxy.port}/v1/stream", sample_rate=RATE) as stream,
        ):

            async def send():
                for number, piece in enumerate(np.array_split(samples, 60)):
                    await stream.send_audio(piece)
                    if number == 30:
                        await stream.say("text", text="hello")
                        await stream.interrupt(at_seconds=1.0)
                    if random.random() < 0.15:
                        proxy.cut()
                    await asyncio.sleep(random.random() * 0.01)
                await stream.end()

            sending = asyncio.create_task(send())
            async for piece in stream:
                frames = np.concatenate([frames[: piece.first], piece.joints])
            await sending
            return frames, proxy.cuts, stream.ready["session"]

    frames, cuts, _ = asyncio.run(run())
    assert cuts > 2
    assert len(frames) == 180
    assert (frames[:, 0, 0] == np.arange(180)).all()
    assert np.allclose(frames[:, 0, 1], expected_means(samples), atol=1e-6)
    assert (frames[:30, 0, 2] == 0).all()
    assert (frames[30:, 0, 2] == 1).all()
    server.wait_until(lambda: not server.engine.open_by_id)


def test_a_client_says_what_a_server_refuses():
    async def run(url, **fields):
        async with connect(url, **fields):
            raise AssertionError("it was let in")

    with serving(access=Access(token="long enough")) as server:
        with pytest.raises(Refused, match="wants its token") as refused:
            asyncio.run(run(server.url))
        assert refused.value.code == "token"
        with pytest.raises(Refused, match="speaker 'nobody' is unknown"):
            asyncio.run(run(server.url, token="long enough", speaker="nobody"))
    with pytest.raises(Refused, match="cannot be reached"):
        asyncio.run(run(server.url))

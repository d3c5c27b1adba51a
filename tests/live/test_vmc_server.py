"""Speech that a server animates: `llavataros live --server`."""

import time

import numpy as np
import pytest

from data_prep.words.word import Word
from llavataros.live.server_listener import ServerListener
from llavataros.live.speech import Part
from llavataros.live.spoken import SpokenSource
from llavataros_jax.errors import UserError
from tests.serve.serving import RATE, noise, serving

TOKEN = "a-token-of-tests"


@pytest.fixture(scope="module")
def server():
    from llavataros.serve.access import Access

    with serving(access=Access(token=TOKEN)) as running:
        yield running


class Said:
    """Three seconds of noise with a word."""

    sample_rate, form = RATE, "timed"

    def parts(self):
        yield Part(noise(0.5).astype(np.float32), [Word("hello", 0.1, 0.4)], 3.0)
        for seed in range(1, 6):
            yield Part(noise(0.5, seed).astype(np.float32))


def everything(source: SpokenSource, until: int = 1000) -> list:
    found, end = [], time.monotonic() + 20
    while not source.is_over:
        assert time.monotonic() < end, "it did not end"
        found += source.take(until)
        time.sleep(0.01)
    return found


def test_speech_goes_to_the_server_and_poses_come_back(server):
    listener = ServerListener(
        f"ws://127.0.0.1:{server.port}", sample_rate=RATE, token=TOKEN, words="timed", seed=3
    )
    assert (listener.fps, listener.bones[0], len(listener.rest)) == (30.0, "hips", 9)
    (session,) = server.engine.open_by_id.values()
    source = SpokenSource(Said(), listener, is_live=False)
    frames = everything(source)
    source.close()
    assert [index for index, _ in frames] == list(range(90))
    # The engine of the tests puts the number of a frame and the mean of its sound into the hips.
    whole = np.concatenate([part.samples for part in Said().parts()])
    means = [np.mean(whole[round(k * RATE / 30) : round((k + 1) * RATE / 30)]) for k in range(90)]
    hips = np.stack([pose.hips for _, pose in frames])
    np.testing.assert_allclose(hips[:, 0], np.arange(90))
    np.testing.assert_allclose(hips[:, 1], means, atol=1e-4)
    assert session.options.seed == 3
    assert session.said == [((Word("hello", 0.1, 0.4),), 0, 3.0)]
    server.wait_until(lambda: not server.engine.open_by_id)


def test_a_recording_is_not_sent_far_ahead_of_its_playing(server):
    class Long(Said):
        def parts(self):
            for _ in range(200):
                yield Part(noise(0.1).astype(np.float32))

    listener = ServerListener(f"ws://127.0.0.1:{server.port}", sample_rate=RATE, token=TOKEN)
    (session,) = server.engine.open_by_id.values()
    source = SpokenSource(Long(), listener, is_live=False)
    server.wait_until(lambda: session.seconds_heard > 1.9)
    time.sleep(0.1)
    assert session.seconds_heard < 2.3
    source.take(60)  # two seconds are to be played
    server.wait_until(lambda: session.seconds_heard > 3.9)
    time.sleep(0.1)
    assert session.seconds_heard < 4.3
    source.close()
    server.wait_until(lambda: not server.engine.open_by_id)


def test_a_wrong_token_and_a_speaker_that_is_unknown_are_sentences(server):
    url = f"ws://127.0.0.1:{server.port}"
    with pytest.raises(UserError, match="refuses"):
        ServerListener(url, sample_rate=RATE, token="wrong-one")
    with pytest.raises(UserError, match="'nobody' is unknown"):
        ServerListener(url, sample_rate=RATE, token=TOKEN, speaker="nobody")


def test_a_server_that_fails_ends_the_playing_with_a_sentence(server):
    listener = ServerListener(f"ws://127.0.0.1:{server.port}", sample_rate=RATE, token=TOKEN)
    server.engine.fault = UserError("the sound is broken")
    source = SpokenSource(Said(), listener, is_live=True)
    with pytest.raises(UserError, match="the sound is broken"):
        everything(source)
    source.close()
    server.engine.fault = None

"""The examples: a voice agent of 40 lines, and the stand-ins of its services."""

import asyncio
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from data_prep.words.timed_files import read_timed_words
from llavataros_jax.config.shipped import shipped_folder
from llavataros_jax.sound.reader import read_mono

EXAMPLES = Path(__file__).parents[1] / "examples"


class Ahead(asyncio.SelectorEventLoop):
    """An event loop whose time goes on only while everybody sleeps."""

    def __init__(self):
        super().__init__()
        self.now = 100.0
        plain = self._selector.select

        def select(timeout=None):
            self.now += timeout or 0.0
            return plain(0)

        self._selector.select = select

    def time(self):
        return self.now


def run(work):
    with asyncio.Runner(loop_factory=Ahead) as runner:
        return runner.run(work)


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    for name in ("synthetic_voice", "voice_agent"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module


class Body:
    """Keeps what an agent does with its body, and when."""

    def __init__(self):
        self.calls, self.words, self.heard = [], [], []

    def _note(self, what):
        self.calls.append((round(asyncio.get_running_loop().time() - 100.0, 2), what))

    def begin_utterance(self):
        self._note("begin")

    def end_utterance(self):
        self._note("end")

    def interrupt(self):
        self._note("interrupt")

    def say(self, words):
        self.words += words

    def hear(self, sound, rate):
        assert rate == 24000
        self.heard.append((asyncio.get_running_loop().time() - 100.0, sound))


def test_the_agent_has_forty_lines():
    lines = (EXAMPLES / "voice_agent.py").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.strip()]) <= 40


def test_the_voice_is_the_corpus_faster_than_it_is_played(example):
    voice = example("synthetic_voice")

    async def speak():
        loop = asyncio.get_running_loop()
        model = voice.language_model("hello")
        pieces = [piece async for piece in voice.text_to_speech(model, "hello")]
        return pieces, loop.time() - 100.0

    pieces, seconds = run(speak())
    sound = np.concatenate([piece for piece, _ in pieces])
    words = [word for _, said in pieces for word in said]
    whole = read_mono(shipped_folder("corpus") / "ada_1.flac", voice.RATE)
    known = read_timed_words(shipped_folder("corpus") / "ada_1.json", len(whole) / voice.RATE)
    np.testing.assert_array_equal(sound, whole)
    assert [text for text, _, _ in words] == [word.text for word in known]
    times = [(word.start_seconds, word.end_seconds) for word in known]
    np.testing.assert_allclose([word[1:] for word in words], times, atol=1e-3)
    assert len([said for _, said in pieces if said]) >= 3, "several sentences"
    assert seconds < 0.5 * len(whole) / voice.RATE


def test_the_agent_speaks_is_interrupted_and_speaks_again(example):
    agent, body = example("voice_agent"), Body()
    run(agent.talk(body))
    kinds = [what for _, what in body.calls]
    assert kinds == ["begin", "end", "begin", "interrupt", "begin", "end"]
    times = [at for at, _ in body.calls]
    first = read_mono(shipped_folder("corpus") / "ada_1.flac", 24000)
    assert times[1] < len(first) / 24000, "all is given before it was played"
    assert times[2] == pytest.approx(len(first) / 24000, abs=1.0), "the next waits until it was"
    assert times[3] == pytest.approx(times[2] + 3.0, abs=0.05)
    assert times[4] == pytest.approx(times[3] + 1.5, abs=0.05)
    between = [at for at, _ in body.heard if times[3] < at < times[4]]
    assert not between, "who was interrupted is silent"
    starts = [start for _, start, _ in body.words]
    assert starts[0] < 1.0
    assert np.isfinite(starts).all()


@pytest.mark.long
def test_the_agent_moves_a_body(example, monkeypatch):
    """With the network, in real time: arms move while it speaks and rest after an interruption."""
    from llavataros.live.performing import perform_here

    agent = example("voice_agent")
    seen = []

    class Seen:
        def show(self, pose, seconds):
            seen.append((seconds, pose.rotations.copy()))

        def close(self):
            pass

    async def short(body):
        while len(seen) < 30:
            await asyncio.sleep(0.1)
        speaking = asyncio.create_task(agent.answer(body, "hello"))
        await asyncio.sleep(6.0)
        speaking.cancel()
        marks.append(seen[-1][0])
        body.interrupt()
        await asyncio.sleep(4.0)

    marks = []
    with perform_here(vmc=[], displays=[Seen()], rate_per_second=30.0) as body:
        asyncio.run(short(body))
    times = np.array([at for at, _ in seen])
    turned = np.stack([pose for _, pose in seen])
    steps = 2 * np.arccos(np.clip(np.abs((turned[1:] * turned[:-1]).sum(-1)), 0, 1)).max(axis=1)
    speed = steps / np.diff(times)
    spoken = (times[1:] > marks[0] - 4) & (times[1:] < marks[0])
    after = (times[1:] > marks[0] + 2) & (times[1:] < marks[0] + 4)
    assert np.median(speed[spoken]) > 3 * np.median(speed[after])
    assert steps.max() < 0.6, "nothing jumps"

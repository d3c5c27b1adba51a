"""Every command on the page of live characters is run; so is the code for agents."""

import asyncio
import json
import re
import runpy
import sys
import types
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import soundfile

from llavataros.live.performer import Performer
from llavataros.live.vmc_body import standing
from llavataros.program import COMMANDS, main
from llavataros.written_files import WRITTEN_BY
from llavataros_jax.motion.npy import write_npy
from llavataros_jax.motion.skeleton import AVATAROS_9
from llavataros_jax.rig.normalised import Humanoid
from tests.backend import ROOT
from tests.live.test_live_command import FakeSystem, Receiver, some_motion
from tests.live.test_vmc_performer import Listener
from tests.program.page import commands_of
from tests.rig.rigs import Rig
from tests.serve.serving import serving
from tests.test_examples import EXAMPLES, Body, run


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


class QuickListener:
    """An engine that answers at once that nobody moves."""

    def __init__(self, trained, options):
        humanoid = Humanoid(AVATAROS_9)
        self.bones, self.rest, self.fps, self.delay_seconds = (
            humanoid.bones,
            humanoid.rest,
            30.0,
            0.5,
        )
        self.options, self._heard, self._next, self._ended = options, 0.0, 0, False

    @property
    def is_over(self):
        return self._ended and self._next >= round(self._heard * self.fps)

    def hear(self, samples, sample_rate):
        self._heard += len(samples) / sample_rate

    def say(self, words, known_until_seconds):
        assert words

    def say_text(self, text):
        assert text

    def end(self):
        self._ended = True

    def take(self):
        first, self._next = self._next, round(self._heard * self.fps)
        return [(n, standing(self.bones, self.rest[0])) for n in range(first, self._next)]

    def take_notices(self):
        return []

    def begin_utterance(self):
        raise AssertionError("only agents have utterances")

    end_utterance = interrupt = turn = gesture = begin_utterance

    def close(self):
        pass


@pytest.mark.slow
def test_every_command_of_the_page_does_what_it_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    sound, rate = soundfile.read(ROOT / "corpus" / "ada_1.flac", frames=24000)
    soundfile.write("speech.wav", sound, rate)
    (tmp_path / "speech.txt").write_text("hello there")
    (tmp_path / "speech.TextGrid").write_text(
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\nxmax = 0.6\n'
        'tiers? <exists>\nsize = 1\nitem []:\n    item [1]:\n        class = "IntervalTier"\n'
        '        name = "words"\n        xmin = 0\n        xmax = 0.6\n'
        "        intervals: size = 1\n        intervals [1]:\n            xmin = 0.1\n"
        '            xmax = 0.5\n            text = "hello"\n'
    )
    (tmp_path / "outputs").mkdir()
    write_npy(tmp_path / "outputs" / "speech.npy", some_motion(frames=20))
    record = {"written_by": WRITTEN_BY, "files": {"speech.npy": "0" * 64}, "fps": 30.0}
    (tmp_path / "outputs" / "speech.json").write_text(json.dumps(record))
    Rig(vrm=1, lowered_degrees=30.0).write(tmp_path / "avatar.vrm")
    monkeypatch.setitem(sys.modules, "sounddevice", FakeSystem([np.zeros(441, np.float32)] * 40))
    # The network is in tests/live/test_live_command.py, and takes seconds to begin.
    monkeypatch.setattr("llavataros.live.listener.EngineListener", QuickListener)
    monkeypatch.setattr("llavataros.named_run.open_named", lambda run: run)
    monkeypatch.setattr("llavataros.live.__main__.Loudspeaker", SilentSpeaker)
    monkeypatch.setattr("llavataros.live.playing._BLEND_SECONDS", 0.1)
    done = set()
    with Receiver() as receiver, serving() as server:
        for words in commands_of("live.md"):
            program, *rest = words
            if program in ("make", "source"):
                target = "install:" if program == "make" else ".venv"
                assert target in (ROOT / "Makefile").read_text(encoding="utf-8")
            elif program == "python":
                run_example(rest, monkeypatch)
            elif rest[0] in ("serve", "animate"):  # other tests run them
                COMMANDS[rest[0]].build_parser(rest[0]).parse_args(rest[1:])
            else:
                assert program == "llavataros"
                line = [*rest]
                if rest[0] == "live" and "--list-devices" not in rest:
                    line = shortened(rest, receiver.address, server.port)
                assert main(line) == 0, words
                if rest[0] == "live" and "--list-devices" not in rest:
                    shown = [m for m in receiver.messages() if m.address == "/VMC/Ext/OK"]
                    assert shown, words
            done.add(program if program != "llavataros" else rest[0])
    assert done == {"make", "source", "live", "animate", "serve", "python"}
    assert "USB Mic" in capsys.readouterr().out


class SilentSpeaker:
    def __init__(self, sample_rate, samples):
        assert sample_rate > 0
        assert callable(samples)

    def start(self):
        pass

    close = start


def shortened(words: list[str], address: str, port: int) -> list[str]:
    """Lets a command end soon, and send to a receiver of the test's."""
    line = [*words, "--seconds", "0.2"]
    for option, value in (
        ("--vmc", address),
        ("--page", "0"),
        ("--server", f"ws://127.0.0.1:{port}"),
    ):
        if option in line:
            line[line.index(option) + 1] = value
    return line if "--vmc" in line else [*line, "--vmc", address]


def run_example(words: list[str], monkeypatch) -> None:
    body = Body()
    body.page_url = "http://127.0.0.1:8318/"
    asked: dict[str, Any] = {}

    class Performed:
        def __enter__(self):
            return body

        def __exit__(self, *_):
            return None

    def perform_here(**options):
        asked.update(options)
        return Performed()

    monkeypatch.setattr("llavataros.live.performing.perform_here", perform_here)
    monkeypatch.setattr(asyncio, "run", run)
    monkeypatch.setattr(sys, "argv", words)
    monkeypatch.syspath_prepend(str(EXAMPLES))
    runpy.run_path(str(ROOT / words[0]), run_name="__main__")
    assert asked == {"vmc": ["127.0.0.1:39539"], "page": 8318}
    assert "interrupt" in [what for _, what in body.calls]


def test_the_code_on_the_page_does_what_it_says(monkeypatch):
    listener = Listener()
    listener.heard = 2.0
    monkeypatch.setattr("llavataros.live.playing._BLEND_SECONDS", 0.05)
    monkeypatch.setattr(
        "llavataros.live.performing.perform_here",
        lambda **options: Performer(listener, [], rate_per_second=30.0),
    )
    (code,) = blocks("live.md", "python")
    exec(compile(code, "docs/live.md", "exec"), {"samples": np.zeros(2400, np.float32)})
    kinds = [call if isinstance(call, str) else type(call).__name__ for call in listener.calls]
    assert kinds[:2] == ["begin", "end"]
    assert ("big", None, 1.0) in listener.calls
    assert kinds[-1] == "close"
    assert [word.text for word in listener.said[0][0]] == ["hello", "there"]


@dataclass
class Frame:
    pts: int | None = None


class FakeProcessor:
    """What a FrameProcessor of Pipecat offers."""

    def __init__(self):
        self.pushed, self.now = [], 5_000_000_000

    async def process_frame(self, frame, direction):
        pass

    async def push_frame(self, frame, direction):
        self.pushed.append((frame, direction))

    def get_clock(self):
        return types.SimpleNamespace(get_time=lambda: self.now)


class Spoken:
    """A performer that keeps what it is told."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        return lambda *given: self.calls.append((name, *given))


def modules(monkeypatch, **found):
    for name, content in found.items():
        module = types.ModuleType(name.replace("__", "."))
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, module.__name__, module)


def kind_of_frame(name: str, *fields: str):
    return type(name, (Frame,), {"__init__": lambda self, *given: vars(self).update(
        {"pts": None}, **dict(zip(fields, given, strict=True)))})  # fmt: skip


def test_the_processor_for_pipecat_hands_everything_on(monkeypatch):
    kinds = {
        "Frame": Frame,
        "TTSAudioRawFrame": kind_of_frame("TTSAudioRawFrame", "audio", "sample_rate"),
        "TTSTextFrame": kind_of_frame("TTSTextFrame", "text", "pts"),
        **{name: kind_of_frame(name) for name in (
            "BotStartedSpeakingFrame", "InterruptionFrame", "TTSStoppedFrame")},
    }  # fmt: skip
    modules(
        monkeypatch,
        pipecat={}, pipecat__frames={}, pipecat__processors={},
        pipecat__frames__frames=kinds,
        pipecat__processors__frame_processor={
            "FrameProcessor": FakeProcessor, "FrameDirection": object,
        },
    )  # fmt: skip
    code = blocks("voice_agents.md", "python")[0]
    space: dict[str, Any] = {}
    exec(compile(code, "docs/voice_agents.md", "exec"), space)
    body = Spoken()
    processor = space["BodyProcessor"](body)
    audio, text = kinds["TTSAudioRawFrame"], kinds["TTSTextFrame"]
    frames = [
        text("Hello ", 5_250_000_000),
        audio(b"\0\0" * 240, 24000),
        kinds["BotStartedSpeakingFrame"](),
        text("there", 5_500_000_000),
        kinds["TTSStoppedFrame"](),
        audio(b"\1\0" * 240, 24000),
        kinds["InterruptionFrame"](),
        Frame(),
    ]

    async def flow():
        for frame in frames:
            await processor.process_frame(frame, "down")

    asyncio.run(flow())
    assert [frame for frame, _ in processor.pushed] == frames, "all goes on to the transport"
    assert body.calls == [
        ("begin_utterance",),
        ("say", [("Hello", 0.25, 0.55)], 0.25),
        ("hear", b"\0\0" * 240, 24000),
        ("playing",),
        ("say", [("there", 0.5, 0.8)], 0.5),
        ("end_utterance",),
        ("begin_utterance",),
        ("hear", b"\1\0" * 240, 24000),
        ("interrupt",),
    ]


NOT_GIVEN = object()


class TimedString(str):
    start_time: Any = NOT_GIVEN
    end_time: Any = NOT_GIVEN


class FakeOutput:
    """What an AudioOutput of LiveKit offers."""

    def __init__(self, *, label, capabilities=None, next_in_chain=None, sample_rate=None):
        self.next_in_chain, self.sample_rate, self.calls = next_in_chain, sample_rate, []

    async def capture_frame(self, frame):
        self.calls.append(frame)

    def flush(self):
        self.calls.append("flush")

    def clear_buffer(self):
        self.calls.append("clear")

    def on_playback_started(self, *, created_at):
        self.calls.append(created_at)


def test_the_output_for_livekit_hands_everything_on(monkeypatch):
    modules(
        monkeypatch,
        livekit={"rtc": types.SimpleNamespace(AudioFrame=object)},
        livekit__agents={"NOT_GIVEN": NOT_GIVEN}, livekit__agents__voice={},
        livekit__agents__types={
            "USERDATA_TIMED_TRANSCRIPT": "lk.timed_transcripts", "TimedString": TimedString,
        },
        livekit__agents__voice__io={
            "AudioOutput": FakeOutput, "AudioOutputCapabilities": lambda pause: None,
        },
    )  # fmt: skip
    code = blocks("voice_agents.md", "python")[2]
    space: dict[str, Any] = {}
    exec(compile(code, "docs/voice_agents.md", "exec"), space)
    body, room = Spoken(), FakeOutput(label="room", sample_rate=24000)
    output = space["BodyOutput"](body, room)
    first, second = TimedString("Hello "), TimedString("there")
    first.start_time, first.end_time, second.start_time = 0.25, 0.5, 0.5

    def frame(*words):
        return types.SimpleNamespace(
            data=memoryview(b"\0\0" * 240), sample_rate=24000,
            userdata={"lk.timed_transcripts": [*words, "untimed", TimedString("unknown")]},
        )  # fmt: skip

    frames = [frame(first, second), frame(), frame()]

    async def flow():
        await output.capture_frame(frames[0])
        output.on_playback_started(created_at=7.0)
        output.flush()
        await output.capture_frame(frames[1])
        output.clear_buffer()
        await output.capture_frame(frames[2])

    asyncio.run(flow())
    heard = ("hear", b"\0\0" * 240, 24000)
    assert body.calls == [
        ("begin_utterance",),
        ("say", [("Hello", 0.25, 0.5), ("there", 0.5, 0.8)], 0.5),
        heard,
        ("playing",),
        ("end_utterance",),
        *[("begin_utterance",), heard, ("interrupt",)],
        *[("begin_utterance",), heard],
    ]
    assert room.calls == [frames[0], "flush", frames[1], "clear", frames[2]]


@pytest.mark.parametrize("number", [1, 3])
def test_the_wiring_of_agents_is_python(number):
    code = blocks("voice_agents.md", "python")[number]
    compile(f"async def wire():\n    {code.replace(chr(10), chr(10) + '    ')}\n", "docs", "exec")

"""The command `llavataros live`: its refusals, and what receivers get of its sources."""

import importlib.machinery
import json
import re
import socket
import threading
import types
from itertools import pairwise

import numpy as np
import pytest

from llavataros.live.__main__ import main
from llavataros.live.microphone import Microphone, device_lines
from llavataros.live.playing import Player
from llavataros.live.source import MotionSource, read_played
from llavataros.live.speech import RecordedSpeech
from llavataros.live.vmc import VmcMessages
from llavataros.live.vmc_body import BodyPose, SentBody
from llavataros.written_files import WRITTEN_BY
from llavataros_jax.config.shipped import shipped_folder
from llavataros_jax.errors import UserError
from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.motion.npy import write_npy
from llavataros_jax.motion.skeleton import AVATAROS_9
from llavataros_jax.sound.reader import read_mono
from tests.live import osc, unity
from tests.live.test_vmc_pace import Clock

CORPUS = shipped_folder("corpus")
BONES = ("Hips", "Spine", "Chest")
BONES += tuple(f"{s}{b}" for s in ("Right", "Left") for b in ("UpperArm", "LowerArm", "Hand"))


def some_motion(frames: int = 20, fps: float = 30.0) -> Motion:
    """Returns waving arms on a body that walks aside; nothing of it is symmetric."""
    from scipy.spatial.transform import Rotation

    time = np.arange(frames) / fps
    turns = np.tile([0.0, 0, 0, 1], (frames, 9, 1))
    rest = AVATAROS_9.rest_rotations
    for joint in range(9):
        angles = 0.3 * np.sin(time[:, None] * (joint + 1) + [0.1, 0.7, 1.1] + joint)
        local = Rotation.from_euler("xyz", angles)
        above = (
            Rotation.from_quat(rest[AVATAROS_9.parents[joint]]) if joint else Rotation.identity()
        )
        turns[:, joint] = (above.inv() * local * Rotation.from_quat(rest[joint])).as_quat()
    root = np.stack((0.1 * time, 0.886 + 0.02 * np.sin(time), -0.05 * time), axis=-1)
    return motion_from_local(turns, AVATAROS_9.offsets, root, fps=fps, skeleton=AVATAROS_9)


class Kept:
    """Keeps what would be sent of a source that is played to its end."""

    def __init__(self, source: MotionSource, rate: float, clock: Clock) -> None:
        self.frames: list[tuple[float, list[osc.Message]]] = []
        self._messages, self._clock = VmcMessages(SentBody(source.bones, source.rest)), clock
        self.player = Player(source, [self], rate_per_second=rate, clock=clock, sleep=clock.sleep)

    def show(self, pose: BodyPose, seconds: float) -> None:
        packets = self._messages.frame(pose, seconds)
        found = [message for packet in packets for message in osc.messages(packet)]
        self.frames.append((self._clock.now - 1e6, found))

    def close(self) -> None:
        raise AssertionError("whoever made it closes it")


@pytest.mark.parametrize("rate", [30.0, 60.0])
def test_a_motion_is_sent_at_its_rate_and_every_bone_is_where_our_kinematics_have_it(rate):
    motion = some_motion(frames=90)
    clock, source = Clock(oversleeps=0.001), MotionSource(motion, place="it")
    kept = Kept(source, rate, clock)
    kept.player.play()
    times = np.array([time for time, _ in kept.frames])
    assert len(times) == pytest.approx(3 * rate, abs=2)
    assert (len(times) - 1) / (times[-1] - times[0]) == pytest.approx(rate, rel=0.02)
    assert all(frame[-3].address == "/VMC/Ext/Blend/Apply" for _, frame in kept.frames)
    places = motion.positions * [-1, 1, 1]
    for number in (60, 75, 88):  # after the half second in which the body rises
        shown = unity.world(kept.frames[round(number * rate / 30)][1])
        for joint, bone in enumerate(BONES):
            np.testing.assert_allclose(shown[bone][0], places[number, joint], atol=1e-5)
    sent = [frame[-1].values[0] for _, frame in kept.frames]
    np.testing.assert_allclose(np.diff(sent), 1 / rate, atol=1e-6)


def test_the_body_rises_from_standing_and_sinks_back_to_it():
    kept = Kept(MotionSource(some_motion(frames=60), place="it"), 30.0, Clock())
    kept.player.play()
    kept.player.rest()
    height = [unity.world(frame)["LeftHand"][0][1] for _, frame in kept.frames]
    assert height[0] < 0.95
    assert height[-1] < 0.95
    assert max(height) > 1.1
    assert np.abs(np.diff(height)).max() < 0.12, "nothing jumps"


def test_a_motion_that_loops_goes_on_and_has_no_jump_at_its_seam():
    source = MotionSource(some_motion(frames=40), place="it", loop=True)
    frames = source.take(99)
    assert [index for index, _ in frames] == list(range(100))
    assert not source.is_over
    turned = np.stack([pose.rotations for _, pose in frames])
    steps = 2 * np.arccos(np.clip(np.abs((turned[1:] * turned[:-1]).sum(-1)), 0, 1))
    plain = steps[:38].max()
    assert steps.max() < 4 * plain
    np.testing.assert_allclose(turned[70], turned[30], atol=1e-12)


def test_a_recording_comes_with_its_words_in_the_time_of_the_stream():
    speech = RecordedSpeech(CORPUS / "ada_1.flac", loop=True)
    assert speech.form == "timed"
    assert any("ada_1.json" in note for note in speech.notes)
    whole = read_mono(CORPUS / "ada_1.flac", speech.sample_rate)
    heard, said = [], []
    for part in speech.parts():
        said += [(round(sum(map(len, heard)) / speech.sample_rate, 6), part)] if part.words else []
        heard.append(part.samples)
        if len(said) == 2:
            break
    np.testing.assert_array_equal(np.concatenate(heard[:-1]), whole)
    (first_at, first), (second_at, second) = said
    assert (first_at, second_at) == (0.0, round(len(whole) / speech.sample_rate, 6))
    assert second.words[3].text == first.words[3].text
    assert second.words[3].start_seconds == pytest.approx(first.words[3].start_seconds + second_at)
    assert max(len(samples) for samples in heard) <= speech.sample_rate // 10


class FakeSystem(types.ModuleType):
    """A sound system with a loudspeaker and, if it is there, a microphone."""

    class PortAudioError(Exception):
        pass

    def __init__(self, blocks: list[np.ndarray] | None) -> None:
        super().__init__("sounddevice")
        self.__spec__ = importlib.machinery.ModuleSpec("sounddevice", None)
        self._blocks = blocks
        out = {"name": "Speakers", "max_input_channels": 0, "default_samplerate": 48000.0}
        mic = {"name": "USB Mic", "max_input_channels": 1, "default_samplerate": 44100.0}
        self.devices = [out] if blocks is None else [out, mic]

    def query_devices(self, device=None, kind=None):
        if kind is None:
            return self.devices
        found = [
            d for n, d in enumerate(self.devices) if device in (None, n) or str(device) in d["name"]
        ]
        found = [d for d in found if d["max_input_channels"]]
        if not found:
            raise ValueError(f"No input device matching {device!r}")
        return found[0]

    def InputStream(self, *, callback, samplerate, **options):
        assert samplerate == 44100
        assert options["channels"] == 1
        system = self

        class Stream:
            def __enter__(self):
                def play():
                    for block in system._blocks:
                        callback(block[:, None], len(block), None, None)

                threading.Thread(target=play).start()

            def __exit__(self, *_):
                system.is_closed = True

        return Stream()


@pytest.fixture
def fake_system(monkeypatch):
    def put(blocks):
        system = FakeSystem(blocks)
        monkeypatch.setitem(__import__("sys").modules, "sounddevice", system)
        return system

    return put


def test_what_a_driver_leaves_in_its_buffer_is_silence_and_ends_nothing(fake_system):
    fake_system([np.array([np.nan, 0.5, -np.inf, np.inf], np.float32)])
    microphone = Microphone()
    for part in microphone.parts():
        np.testing.assert_array_equal(part.samples, [0.0, 0.5, 0.0, 0.0])
        microphone.stop()


def test_a_microphone_is_heard_and_let_go(fake_system):
    blocks = [np.full(441, 0.1 * n, np.float32) for n in range(1, 4)]
    system = fake_system(blocks)
    assert device_lines() == ["1  USB Mic  (44100 Hz)"]
    microphone = Microphone("USB")
    assert (microphone.name, microphone.sample_rate, microphone.form) == ("USB Mic", 44100, "none")
    heard = []
    for part in microphone.parts():
        heard.append(part.samples)
        if len(heard) == 3:
            microphone.stop()
    np.testing.assert_array_equal(np.concatenate(heard), np.concatenate(blocks))
    assert system.is_closed


def test_no_microphone_and_a_wrong_one_are_sentences(fake_system):
    fake_system([])
    with pytest.raises(UserError, match=r"--microphone 7 cannot be used .* there are 1  USB Mic"):
        Microphone("7")
    fake_system(None)
    with pytest.raises(UserError, match="no microphone was found; connect one"):
        Microphone(None)


def refused(arguments: list[str], capsys) -> str:
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert re.fullmatch(r"error: [^\n]+\n", told), told
    return told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing is named to move to; give one of a recording"),
        (["a.wav", "--microphone"], "a recording and --microphone is named"),
        (["missing.wav"], "missing.wav"),
        (["--motion", "missing.npy"], "--motion missing.npy does not exist"),
        (["--motion", "m.npy", "--words", "w.json"], "--words belongs to a recording"),
        (["--motion", "m.npy", "--play-sound"], "--play-sound belongs to a recording"),
        (["--microphone", "--fps", "30"], "--fps belongs to --motion"),
        (["--microphone", "--loop"], "--loop needs an end"),
        (["a.wav", "--rate", "0"], "--rate 0 is not from 1 to 240"),
        (["a.wav", "--rate", "nan"], "--rate nan is not from 1 to 240"),
        (["a.wav", "--idle", "7"], "--idle 7 is not a number from 0 to 1"),
        (["a.wav", "--size", "nan"], "--size nan is not a number from 0 to 3"),
        (["a.wav", "--avatar", "missing.vrm"], "--avatar missing.vrm does not exist"),
        (["a.wav", "--page", "80000"], "--page 80000 is no port"),
        (["a.wav", "--seconds", "-1"], "--seconds -1 is no time"),
        (["a.wav", "--vmc", "127.0.0.1:0"], "--vmc 127.0.0.1:0 is no address"),
        (["a.wav", "--vmc", "nowhere.invalid:39539"], "host 'nowhere.invalid' is not known"),
        (["a.wav", "--token", "t"], "--token is a server's"),
        (["--motion", "m.npy", "--server", "ws://x"], "--server has nothing to do"),
        ([str(CORPUS / "ada_1.flac"), "--server", "http://x"], "--server http://x is no address"),
        ([str(CORPUS / "ada_1.flac"), "--server", "ws://127.0.0.1:9"], "cannot be reached"),
        ([str(CORPUS)], "is a folder; name one recording"),
    ],
)
def test_what_cannot_be_is_one_sentence(arguments, said, capsys):
    assert said in refused(arguments, capsys)


class Receiver:
    """Collects what comes to a UDP port of this machine."""

    def __init__(self) -> None:
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> "Receiver":
        return self

    def __exit__(self, *_) -> None:
        self._socket.close()

    def messages(self) -> list[osc.Message]:
        self._socket.settimeout(0.2)
        found: list[osc.Message] = []
        try:
            while True:
                found += osc.messages(self._socket.recv(65536))
        except TimeoutError:
            return found


def test_the_rate_of_a_motion_is_told_or_in_its_record(tmp_path, capsys):
    write_npy(tmp_path / "wave.npy", some_motion(frames=4))
    path = str(tmp_path / "wave.npy")
    assert "does not say its rate; give --fps" in refused(["--motion", path], capsys)
    assert "--fps 0 is no rate" in refused(["--motion", path, "--fps", "0"], capsys)
    record = {"written_by": WRITTEN_BY, "files": {"wave.npy": "0" * 64}, "fps": 25.0}
    (tmp_path / "wave.json").write_text(json.dumps(record))
    assert read_played(tmp_path / "wave.npy", None)[0].fps == 25
    assert read_played(tmp_path / "wave.npy", 50.0)[0].fps == 50


@pytest.mark.parametrize("bundle", [[], ["--bundle"]])
def test_a_motion_file_reaches_its_receivers(tmp_path, capsys, bundle):
    write_npy(tmp_path / "wave.npy", some_motion(frames=12))
    with Receiver() as first, Receiver() as second:
        arguments = [
            "--motion",
            str(tmp_path / "wave.npy"),
            "--fps",
            "30",
            "--rate",
            "120",
            *bundle,
        ]
        assert main([*arguments, "--vmc", first.address, "--vmc", second.address]) == 0
        one, other = first.messages(), second.messages()
    assert one == other
    count = [m.address for m in one].count("/VMC/Ext/T")
    assert [m.address for m in one].count("/VMC/Ext/Blend/Apply") == count > 20
    assert [m.address for m in one].count("/VMC/Ext/Bone/Pos") == 20 * count
    assert re.search(rf"sent {count} frames, \d", capsys.readouterr().out)


def test_ctrl_c_lets_the_arms_sink_and_ends_cleanly(tmp_path, capsys, monkeypatch):
    write_npy(tmp_path / "wave.npy", some_motion(frames=600))
    plain, asked = Player._take, []

    def take(self):
        asked.append(self.next_frame / 30)
        if asked[-1] > 0.1:
            raise KeyboardInterrupt
        plain(self)

    monkeypatch.setattr(Player, "_take", take)
    with Receiver() as receiver:
        arguments = ["--motion", str(tmp_path / "wave.npy"), "--fps", "30"]
        assert main([*arguments, "--vmc", receiver.address]) == 0
        found = receiver.messages()
    assert asked[-1] < 0.5
    ends = [n for n, message in enumerate(found) if message.address == "/VMC/Ext/T"]
    last = unity.world(found[ends[-2] + 1 :])
    assert last["LeftHand"][0][1] < last["LeftUpperArm"][0][1] - 0.4
    assert "sent" in capsys.readouterr().out


@pytest.mark.slow
def test_a_recording_is_animated_while_it_is_played(capsys):
    with Receiver() as receiver:
        arguments = [str(CORPUS / "ada_1.flac"), "--rate", "60", "--seconds", "1"]
        assert main([*arguments, "--vmc", receiver.address]) == 0
        found = receiver.messages()
    told = capsys.readouterr().out
    assert "words are from ada_1.json" in told
    ends = [n for n, message in enumerate(found) if message.address == "/VMC/Ext/T"]
    hands = [
        unity.world(found[begin + 1 : end + 1])["RightHand"][0] for begin, end in pairwise(ends)
    ]
    assert np.ptp(hands, axis=0).max() > 0.05


def test_a_source_that_ends_before_its_first_frame_leaves_the_body_standing():
    source, clock = MotionSource(some_motion(frames=1), place="it"), Clock()
    source.take(5)
    kept = Kept(source, 30.0, clock)
    kept.player.play()
    ((_, frame),) = kept.frames
    hand, arm = (unity.world(frame)[f"Left{bone}"][0] for bone in ("Hand", "UpperArm"))
    assert hand[1] < arm[1] - 0.4

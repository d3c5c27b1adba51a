"""What `TrainedRun.animate` makes of a network's poses, with a network that is none."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from llavataros.animate import read_command_line
from llavataros.no_effect import options_without_effect
from llavataros_jax.config import AudioConfig, Config, FilmConfig, FlowConfig
from llavataros_jax.data.segments import ClipSpeech
from llavataros_jax.errors import UserError
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.enlargement import enlarge_recording
from llavataros_jax.motion.expressiveness import Expressiveness
from llavataros_jax.motion.idle import quieten_recording
from llavataros_jax.motion.npy import read_npy
from llavataros_jax.motion.smoothing import smooth_recording
from llavataros_jax.trained import TrainedRun

CORPUS = Path(__file__).parents[1] / "corpus"
SPEECH = ClipSpeech(
    audio=np.zeros((300, 132), np.float16),
    words=np.zeros((1, 8), np.float16),
    word_index=np.repeat(np.array([0, -1], np.int32), 150),
    speaker=0,
)


def run_of(film: FilmConfig, audio: AudioConfig | None = None) -> tuple[TrainedRun, Any]:
    """Returns a run whose network answers with recorded poses, and these."""
    motion = read_npy(CORPUS / "ada_1.npz").cut(0, 300)
    codec = PoseCodec.measure([(motion, 0)], 1)
    poses = codec.encode(motion)
    codec = codec.fit([poses])

    class Animator:
        def __init__(self) -> None:
            self.codec = codec
            self.asked: list[tuple[int, Any]] = []

        def __call__(self, main: Any, interlocutor: Any, *, seed: int, dials: Any) -> np.ndarray:
            self.asked.append((seed, dials))
            return np.array(poses)

    manifest: Any = SimpleNamespace(fps=30, speakers=("ada",))
    config = dataclasses.replace(Config(), film=film)
    config = dataclasses.replace(config, audio=audio or config.audio)
    network: Any = Animator()
    return TrainedRun(config, manifest, network, "best/1"), poses


@pytest.mark.usefixtures("unchecked")
def test_dials_come_after_smoothing_and_size_in_their_order() -> None:
    run, poses = run_of(FilmConfig(size=1.2, expressiveness=1.5, idle=0.8))
    codec = run.animator.codec
    larger = enlarge_recording(smooth_recording(poses, 30, 9), 1.2, fps=30)
    wider = np.asarray(Expressiveness(codec)(larger, 1.5))
    spoken = (SPEECH.word_index >= 0).astype(np.float64)
    stiller = quieten_recording(wider, spoken, 0.8, fps=30)
    wanted = codec.decode(stiller, 30, 0)
    np.testing.assert_array_equal(run.animate(SPEECH).frames, wanted.frames)


@pytest.mark.usefixtures("unchecked")
def test_dials_that_nobody_turned_leave_every_bit() -> None:
    run, poses = run_of(FilmConfig())
    wanted = run.animator.codec.decode(smooth_recording(poses, 30, 9), 30, 0)
    np.testing.assert_array_equal(run.animate(SPEECH).frames, wanted.frames)


@pytest.mark.usefixtures("unchecked")
def test_a_sampled_head_is_asked_by_seed_and_dials_of_the_config() -> None:
    run, _ = run_of(FilmConfig())
    flow = FlowConfig(temperature=0.5, guidance=2.0, steps=5)
    run = dataclasses.replace(run, config=dataclasses.replace(run.config, flow=flow))
    run.animate(SPEECH, seed=7)
    run.animate(SPEECH)
    network: Any = run.animator
    (seed, dials), (first, _) = network.asked
    assert (seed, first) == (7, 0)
    found = [np.asarray(dial).tolist() for dial in (dials.temperature, dials.guidance, dials.steps)]
    assert found == [[0.5], [2.0], 5]


@pytest.mark.usefixtures("unchecked")
def test_idling_without_words_or_loudness_has_no_effect_and_says_so() -> None:
    pase = AudioConfig(kind="pase", pase="FE_e199.ckpt")
    given = read_command_line(["a.wav", "--idle", "0.5"])
    assert given.overrides == ["film.idle=0.5"]
    run, _ = run_of(FilmConfig(idle=0.5), pase)
    plain, _ = run_of(FilmConfig(), pase)
    wordless = dataclasses.replace(SPEECH, word_index=np.full(300, -1, np.int32))
    np.testing.assert_array_equal(run.animate(wordless).frames, plain.animate(wordless).frames)
    assert "film.idle=0.5 has no effect" in options_without_effect(given, run, has_words=False)[0]
    assert options_without_effect(given, run, has_words=True) == []
    assert options_without_effect(given, run_of(FilmConfig(idle=0.5))[0], has_words=False) == []


@pytest.mark.usefixtures("unchecked")
def test_live_dials_are_those_of_the_options_and_of_whether_words_are_known() -> None:
    run, _ = run_of(FilmConfig(size=1.2, wordless_size=1.5, expressiveness=1.3, idle=0.4))
    flow = FlowConfig(temperature=0.5, guidance=2.0, steps=5)
    run = dataclasses.replace(run, config=dataclasses.replace(run.config, flow=flow))
    dials = run.live_dials(2, has_words=[False, True])
    found = {name: getattr(dials, name).tolist() for name in ("size", "expressiveness", "idle")}
    assert found == {
        "size": pytest.approx([1.8, 1.2]),
        "expressiveness": pytest.approx([1.3] * 2),
        "idle": pytest.approx([0.4] * 2),
    }
    head = (dials.temperature.tolist(), dials.guidance.tolist(), dials.steps)
    assert head == ([0.5] * 2, [2.0] * 2, 5)
    large, _ = run_of(FilmConfig(size=2.0, wordless_size=2.5))
    assert large.live_dials(has_words=False).size == 3


@pytest.mark.parametrize(
    ("film", "expected"),
    [
        ({"expressiveness": 3.1}, "film.expressiveness must be from 0 to 3"),
        ({"idle": -0.1}, "film.idle must be from 0 to 1"),
    ],
)
def test_config_refuses_dials_out_of_range(film, expected) -> None:
    with pytest.raises(UserError, match=expected):
        FilmConfig(**film)

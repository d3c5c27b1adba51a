"""The self-check: it tells of everything and stops at nothing."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import welch

from data_prep import __main__ as door
from data_prep.doctor import stage_trials
from data_prep.doctor.inventory import PACKAGES, what_installs
from data_prep.doctor.stage_trials import try_stages
from data_prep.doctor.synthetic_voice import synthetic_voice
from llavataros_jax.config import AudioConfig, Config, TextConfig
from llavataros_jax.sound.reader import SPEECH_RATE
from tests.pase.seeded import seeded_tensors

ROOT = Path(__file__).parents[3]
NEEDED = {"sound file", "log-mel, prosody", "words of wordllama", "motion, records"}


@pytest.mark.slow
def test_the_door_tells_of_all_and_ends_well(capsys):
    assert door.main(["doctor"]) == 0
    said = capsys.readouterr().out
    for part in ("machine", "installed", "weights", "stages on one second", "JAX: "):
        assert part in said
    assert "132 numbers a frame" in said
    assert "30 frames, 2 words" in said
    lines = {line[2:24].strip(): line for line in said.splitlines()}
    # For what is missing a command.
    assert "audio.pase=FE_e199.ckpt" in lines["PASE+ features"]
    for word in ("git clone", "words.whisper=base.en", "en-us.lm.bin", "hf download"):
        assert word in said
    for line in said.split("installed\n")[1].split("weights")[0].splitlines():
        is_told = any(word in line for word in ("install", "make EXTRAS=", "conda"))
        assert "missing" not in line or is_told


def test_the_config_says_what_is_looked_for(tmp_path, capsys):
    arguments = ["doctor", "--config", str(ROOT / "configs/tiny.yaml"), "audio.kind=pase"]
    checkpoint = tmp_path / "none.ckpt"
    assert door.main([*arguments, f"audio.pase={checkpoint}", "words.whisper=/nowhere.pt"]) == 0
    said = capsys.readouterr().out
    assert f"audio.pase={checkpoint} does not exist; to get it: git clone" in said
    assert "words.whisper=/nowhere.pt does not exist; give a size" in said
    assert "to get it: hf download Systran/faster-whisper" in said
    assert door.main(["doctor", "--config", str(tmp_path / "none.yaml")]) == 2
    assert door.main(["doctor", "audio.mels=20"]) == 2


def test_what_is_missing_comes_with_a_command_that_leaves_the_project_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for package in PACKAGES:
        assert "llavataros-jax" not in package.command
        assert package.name in package.command, "its extra does not have it"
    assert "openai-whisper" in what_installs("whisper")
    assert "no_such_module; install with: " in what_installs("no_such_module")


def test_every_stage_that_is_needed_runs():
    trials = {trial.stage: trial for trial in try_stages(Config())}
    assert {name for name, trial in trials.items() if trial.is_needed} == NEEDED
    for name in NEEDED:
        assert not trials[name].problem, name
        assert trials[name].again_seconds > 0


@pytest.mark.slow
def test_weights_that_are_there_are_tried(tmp_path):
    path = tmp_path / "seeded.npz"
    np.savez(path, **seeded_tensors())
    config = dataclasses.replace(Config(), audio=AudioConfig(kind="pase", pase=str(path)))
    trials = {trial.stage: trial for trial in try_stages(config)}
    assert trials["PASE+ features"].told == "768 numbers a frame"


def test_nothing_that_is_wrong_stops_it(monkeypatch, capsys):
    def break_down(*_, **__):
        raise RuntimeError("a broken installation\nwith much to say")

    text = TextConfig(kind="language_model", model="/nowhere", size=8)
    monkeypatch.setattr(stage_trials, "align", break_down)
    trials = {t.stage: t for t in try_stages(dataclasses.replace(Config(), text=text))}
    assert trials["align by pocketsphinx"].problem == "RuntimeError: a broken installation"
    assert trials["language model"].problem
    assert not trials["motion, records"].problem
    monkeypatch.setattr(stage_trials, "audio_features", break_down)
    assert door.main(["doctor"]) == 1
    assert "broken, though every config needs it: log-mel" in capsys.readouterr().out


@pytest.mark.parametrize(("start", "low", "high"), [(0.16, 600, 1200), (0.3, 200, 500)])
def test_the_voice_has_the_vowels_resonances(start, low, high):
    voice = synthetic_voice()
    assert np.abs(voice).max() == pytest.approx(0.3, abs=0.01)
    vowel = voice[round(start * SPEECH_RATE) : round((start + 0.09) * SPEECH_RATE)]
    hertz, power = welch(vowel, SPEECH_RATE, nperseg=1024)
    assert low < hertz[np.argmax(power)] < high
    assert np.abs(voice[: round(0.1 * SPEECH_RATE)]).max() < 1e-3

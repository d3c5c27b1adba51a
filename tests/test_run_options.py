"""What may be changed on a trained run, and what has no effect."""

import argparse
import dataclasses
from types import SimpleNamespace
from typing import Any, cast

import pytest

from llavataros.animate import main, read_command_line
from llavataros.no_effect import options_without_effect
from llavataros_jax.config import Config, ModelConfig
from llavataros_jax.errors import UserError
from llavataros_jax.run_options import with_run_options
from llavataros_jax.trained import TrainedRun

# The runs here have no network, and of a manifest the speakers alone.
pytestmark = pytest.mark.usefixtures("unchecked")

BASE = ["--checkpoint", "run", "--audio", "a.wav", "--out", "out"]


def run_of(speakers: tuple[str, ...] = ("ada", "ben"), **model: Any) -> TrainedRun:
    """Returns a run without a network: only its config and speakers are asked for."""
    manifest = cast(Any, SimpleNamespace(speakers=speakers))
    config = Config(model=ModelConfig(**model))
    return TrainedRun(config, manifest, cast(Any, None), "best/1")


def given(*more: str) -> argparse.Namespace:
    return read_command_line([*BASE, *more])


def test_tools_and_films_of_this_machine_may_be_named() -> None:
    run = with_run_options(run_of(), ["words.whisper=base", "film.width=320", "data.folder=x"])
    assert (run.config.words.whisper, run.config.film.width) == ("base", 320)
    assert run.config.model == run_of().config.model
    same = run_of()
    assert with_run_options(same, []) is same


@pytest.mark.parametrize(
    "override",
    [
        "model.norm=pre",
        "audio.mels=20",
        "text.size=64",
        "motion.fps=60",
        "words.frame_rule=pointer",
    ],
)
def test_what_the_run_computes_may_not(override: str) -> None:
    with pytest.raises(UserError, match="is part of what the run computes") as refusal:
        with_run_options(run_of(), [override])
    assert str(refusal.value).startswith(override.split("=")[0])


def test_a_value_that_it_has_already_is_no_change() -> None:
    run = run_of()
    assert with_run_options(run, [f"audio.mels={run.config.audio.mels}"]).config == run.config


@pytest.mark.parametrize(
    ("model", "arguments", "expected"),
    [
        ({"cross_blocks": 0}, ["--interlocutor-audio", "b.wav"], "model.cross_blocks=0"),
        ({"variant": "audio"}, ["--words", "w.json"], "w.json only captions the film"),
        ({"variant": "text"}, [], "the sound of the recording has no effect"),
        ({}, ["--words", "w.json", "words.whisper=base"], "words.whisper has no effect"),
        ({}, ["--no-film", "film.width=320"], "film.width has no effect with --no-film"),
    ],
)
def test_what_has_no_effect_is_said(model, arguments, expected: str) -> None:
    told = options_without_effect(given(*arguments), run_of(**model))
    assert len(told) == 1
    assert expected in told[0]


def test_what_has_an_effect_is_not_told_of() -> None:
    run = run_of(cross_blocks=2)
    arguments = ["--interlocutor-audio", "b.wav", "--speaker", "ben", "film.width=320"]
    assert options_without_effect(given(*arguments, "--transcript", "t.txt"), run) == []


def test_the_only_speaker_and_smoothing_that_is_off() -> None:
    run = run_of(speakers=("ada",))
    film = dataclasses.replace(run.config.film, smooth=False)
    run = dataclasses.replace(run, config=dataclasses.replace(run.config, film=film))
    told = options_without_effect(given("--speaker", "ada", "--no-smoothing"), run)
    assert [sentence.split(" has")[0] for sentence in told] == ["--speaker ada", "--no-smoothing"]


@pytest.mark.parametrize("option", ["words", "transcript", "speaker"])
def test_options_of_somebody_who_is_not_there_are_refused(option: str, capsys) -> None:
    assert main([*BASE, f"--interlocutor-{option}", "x"]) == 2
    said = capsys.readouterr().err
    assert f"--interlocutor-{option} needs --interlocutor-audio" in said
    assert said.count("\n") == 1


def test_overrides_may_stand_anywhere() -> None:
    found = read_command_line(["film.width=1", *BASE, "words.whisper=base"])
    assert found.overrides == ["film.width=1", "words.whisper=base"]
    assert found.audio == ["a.wav"]

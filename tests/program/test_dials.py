"""The dials and samples of `animate`: what is refused before any work, and what is said."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from llavataros.animate import main, read_command_line
from llavataros.dials import DIALS, seeds_of
from llavataros.no_effect import options_without_effect
from llavataros_jax.config import Config, FlowConfig, ModelConfig
from llavataros_jax.config.file import with_overrides
from llavataros_jax.errors import UserError
from llavataros_jax.run_options import with_run_options
from llavataros_jax.trained import TrainedRun

# The runs here have no network, and of a manifest the speakers alone.
pytestmark = pytest.mark.usefixtures("unchecked")


def run_of(head: Any, **flow: Any) -> TrainedRun:
    config = Config(model=ModelConfig(head=head), flow=FlowConfig(**flow))
    manifest = cast(Any, SimpleNamespace(speakers=("ada", "ben")))
    return TrainedRun(config, manifest, cast(Any, None), "best/1")


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["nowhere.wav", "--no-film", *arguments]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1, said
    return said[0]


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("--steps=0", "--steps 0 is not a whole number from 1 to 100"),
        ("--steps=101", "--steps 101 is not a whole number from 1 to 100"),
        ("--temperature=-0.5", "--temperature -0.5 is not a number from 0 to 3"),
        ("--temperature=nan", "--temperature nan is not a number from 0 to 3"),
        ("--guidance=inf", "--guidance inf is not a number from 0 to 10"),
        ("--samples=0", "--samples 0 is not a whole number from 1 to 100"),
        ("--samples=1000000", "--samples 1000000 is not a whole number from 1 to 100"),
        ("--seed=-1", "--seed -1 is not a whole number from 0 to 4294967295"),
        ("--seed=4294967296", "--seed 4294967296 is not a whole number from 0 to 4294967295"),
    ],
)
def test_numbers_out_of_range_are_refused_before_any_work(
    capsys: pytest.CaptureFixture[str], option: str, expected: str
) -> None:
    assert expected in refused(capsys, option, "--checkpoint", "no run")


def test_seeds_follow_each_other_and_all_are_seeds() -> None:
    def seeds(*options: str) -> range:
        return seeds_of(read_command_line(["a.wav", *options]))

    assert seeds() == range(1)
    assert seeds("--seed", "7", "--samples", "5") == range(7, 12)
    assert seeds("--seed", "4294967294", "--samples", "2")[-1] == 2**32 - 1
    with pytest.raises(UserError, match="--seed 4294967294 is not a whole number from 0 to 429496"):
        seeds("--seed", "4294967294", "--samples", "3")


@pytest.mark.parametrize("name", DIALS)
def test_ranges_are_those_of_the_config(name: str) -> None:
    dial = DIALS[name]
    key = f"{dial.section}.{name}"
    for value in (dial.least, dial.most):
        (override,) = read_command_line(["a.wav", f"--{name}={value}"]).overrides
        assert getattr(getattr(with_overrides(Config(), [override]), dial.section), name) == value
    for value in (dial.least - 1, dial.most + 1):
        with pytest.raises(UserError, match=key):
            with_overrides(Config(), [f"{key}={value}"])


@pytest.mark.parametrize(
    "options",
    [
        ("--temperature", "1"),
        ("--guidance", "2"),
        ("--steps", "5"),
        ("--seed", "0"),
        ("--samples", "2"),
        ("--temperature", "0", "--seed", "3"),
        ("flow.guidance=1.0",),
    ],
)
def test_a_run_that_answers_with_one_motion_has_nothing_to_draw(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    monkeypatch.setattr("llavataros.named_run.open_trained", lambda _: run_of("regression"))
    said = refused(capsys, *options, "--checkpoint", "runs/demo")
    named = [word.partition("=")[0] for word in options[::2]]
    name = "run runs/demo" if options[0].startswith("--") else "this run"
    have = "has nothing to act on; train with model.head=flow or leave it out"
    have = have if len(named) == 1 else have.replace("has", "have").replace(" it ", " them ")
    assert said == (
        f"error: {name} answers with one motion (model.head=regression), so {', '.join(named)} "
        f"{have}"
    )


def test_the_model_that_comes_along_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("llavataros.named_run.open_trained", lambda _: run_of("regression"))
    assert "the model that comes along answers with one motion" in refused(capsys, "--seed", "1")


def test_a_flow_run_takes_them_and_one_sample_suits_every_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_of("flow")
    dials = ["--temperature", "0.5", "--guidance", "2", "--steps", "4"]
    overrides = read_command_line(["a.wav", *dials]).overrides
    flow = with_run_options(run, overrides).config.flow
    assert (flow.temperature, flow.guidance, flow.steps) == (0.5, 2, 4)
    with pytest.raises(UserError, match=r"flow\.blocks is part of what the run computes"):
        with_run_options(run, ["flow.blocks=1"])
    monkeypatch.setattr("llavataros.named_run.open_trained", lambda _: run_of("regression"))
    missing = str(tmp_path / "none.wav")
    assert main([missing, "--samples", "1", "--checkpoint", "r", "--no-film"]) == 2
    assert "none.wav" in capsys.readouterr().err, "nothing but the recording is amiss"


@pytest.mark.parametrize(
    ("head", "flow", "options", "expected"),
    [
        ("flow", {"drop_speech": 0.0}, ["--guidance=2"], "flow.guidance=2 leads away from nothing"),
        ("flow", {"drop_speech": 0.0}, [], None),
        ("flow", {}, ["--guidance=2", "--seed=3"], None),
        ("flow", {}, ["--temperature=0", "--seed=3"], "--seed has no effect, because all samples"),
        ("flow", {}, ["--temperature=0", "--samples=3"], "--samples has no effect"),
        ("flow", {}, ["--temperature=0"], None),
        ("regression", {"drop_speech": 0.0, "guidance": 2.0}, [], None),
    ],
)
def test_what_has_no_effect_is_said(
    head: str, flow: dict[str, Any], options: list[str], expected: str | None
) -> None:
    given = read_command_line(["a.wav", *options])
    run = run_of(head, **flow)
    run = dataclasses.replace(run, config=with_overrides(run.config, given.overrides))
    told = options_without_effect(given, run)
    assert len(told) == (expected is not None), told
    assert not expected or expected in told[0]

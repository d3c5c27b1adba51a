"""Work that is done in another folder, as on another machine, by a stand-in for Apache Beam."""

import dataclasses
import functools
import os
import pickle
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from data_prep.clips.clip import Clip
from data_prep.run import beam as beam_room
from data_prep.run.beam import beam_runner
from data_prep.run.pipeline import prepare
from data_prep.run.shipping import absolute
from llavataros_jax.config.file import config_from_dict
from llavataros_jax.errors import UserError
from tests.data_prep.recordings import small_config, write_clip
from tests.data_prep.run.test_pipeline import silent

ROOT = Path(__file__).parents[3]
WORKER = """
import pickle, sys
function, elements = pickle.load(open(sys.argv[1], "rb"))
for element in elements:
    function(element)
"""


class StandIn:
    """A pipeline whose worker is a process in another folder; it does each element once."""

    def __init__(self, elsewhere: Path) -> None:
        self.elsewhere = elsewhere
        self.elements: list[Any] = []

    def __or__(self, step: tuple[str, Any]) -> "StandIn":
        kind, value = step
        if kind == "create":
            self.elements = value
        if kind == "map":
            (self.elsewhere / "sent.pickle").write_bytes(pickle.dumps((value, self.elements)))
        return self

    def run(self) -> "StandIn":
        return self

    def wait_until_finish(self) -> None:
        worker = subprocess.run(
            [sys.executable, "-c", WORKER, str(self.elsewhere / "sent.pickle")],
            cwd=self.elsewhere,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        if worker.returncode:
            raise RuntimeError(worker.stderr)


class Step(tuple):
    def __rrshift__(self, label: str) -> "Step":
        return self


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Puts the stand-in in Beam's place, and this process into `tmp_path/home`."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    fake, options = types.ModuleType("apache_beam"), types.ModuleType("options")
    fake.Pipeline = lambda options: StandIn(folder)  # type: ignore[attr-defined]
    fake.Create = lambda elements: Step(("create", elements))  # type: ignore[attr-defined]
    fake.Map = lambda function: Step(("map", function))  # type: ignore[attr-defined]
    options.PipelineOptions = list  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "apache_beam", fake)
    monkeypatch.setitem(sys.modules, "apache_beam.options", types.ModuleType("o"))
    monkeypatch.setitem(sys.modules, "apache_beam.options.pipeline_options", options)
    monkeypatch.setattr(beam_room, "require_packages", lambda *_, **__: None, raising=False)
    return folder


@pytest.mark.slow
def test_relative_paths_mean_the_same_in_another_folder(elsewhere: Path) -> None:
    for seed, name in enumerate(("a", "b")):
        write_clip(Path("in"), name, seed=seed)
    alone = prepare(small_config(Path(), records="alone"), say=silent)
    config = small_config(Path(), records="together")
    run = beam_runner((), Path("together/.cache"))
    together = prepare(config, say=silent, run=run)
    assert not together.failures
    assert together.manifest == alone.manifest
    assert together.made == alone.made
    assert not prepare(config, say=silent, run=run).made, "kept under the same keys"
    assert {path.name for path in elsewhere.iterdir()} == {"sent.pickle"}, "nothing is made there"


@pytest.mark.slow
def test_a_worker_that_does_not_see_recordings_says_so(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clip(Path("in"), "a")
    real = subprocess.run

    def without(*arguments: Any, **options: Any) -> Any:
        """Hides them while the worker is at work."""
        Path("in").rename("hidden")
        worker = real(*arguments, **options)
        Path("hidden").rename("in")
        return worker

    monkeypatch.setattr(subprocess, "run", without)
    run = beam_runner((), Path("out/.cache"))
    with pytest.raises(UserError, match=r"does not see /.*home/in/a\.wav"):
        prepare(small_config(Path()), say=silent, run=run)


def nothing(clip: Clip, **keywords: object) -> None: ...


def test_paths_become_absolute_and_names_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "w.pt").touch()
    (tmp_path / "link.wav").symlink_to("w.pt")
    clip = Clip("a", "a", "anna", Path("link.wav"), Path("m/../m/a.npy"), None, Path("/b.txt"))
    config = config_from_dict(
        {
            "text": {"kind": "language_model", "model": "model", "size": 8},
            "words": {"whisper": "w.pt", "mfa": "env/bin/mfa", "mfa_acoustic": "english_mfa"},
        }
    )
    work = functools.partial(
        nothing, clip, config=config, cache_folder=Path("c"), names={None, "a"}
    )
    found = absolute(work)
    (sent,), keywords = found.args, found.keywords
    assert found.func is nothing
    assert (sent.audio, sent.motion) == (tmp_path / "link.wav", tmp_path / "m/a.npy")
    assert dataclasses.replace(sent, audio=clip.audio, motion=clip.motion) == clip
    assert keywords["cache_folder"] == tmp_path / "c"
    assert keywords["names"] == {None, "a"}
    words = keywords["config"].words
    assert keywords["config"].text.model == str(tmp_path / "model")
    assert words.whisper == str(tmp_path / "w.pt")
    assert words.mfa == str(tmp_path / "env/bin/mfa")
    assert words.mfa_acoustic == "english_mfa"
    assert keywords["config"].data.folder == "recordings", "there is none"
    plain = absolute(
        config_from_dict({"words": {"whisper": "base"}, "text": {"kind": "hashed", "size": 8}})
    )
    assert (plain.words.mfa, plain.words.whisper) == ("mfa", "base")

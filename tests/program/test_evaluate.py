"""The door of evaluation: what it lacks is said before any work."""

import json
from pathlib import Path

import pytest

from llavataros.evaluate import main
from llavataros_jax import packages


@pytest.mark.parametrize("module", ["librosa", "soundfile"])
def test_a_missing_library_is_told_with_what_installs_it(
    module: str, monkeypatch, tmp_path: Path, capsys
) -> None:
    find = packages.importlib.util.find_spec
    monkeypatch.setattr(
        packages.importlib.util, "find_spec", lambda name: None if name == module else find(name)
    )
    out = tmp_path / "out"
    assert main(["--checkpoint", str(tmp_path), "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"needs {module}; install with: " in said
    assert not out.exists()


def test_a_folder_that_is_no_run_is_named(tmp_path: Path, capsys) -> None:
    assert main(["--checkpoint", str(tmp_path / "no"), "--out", str(tmp_path / "out")]) == 2
    assert "is no run directory" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_without_words_the_same_sound_gives_another_motion(way: Path, tmp_path: Path) -> None:
    arguments = ["--checkpoint", str(way / "run"), "--records", str(way / "records")]
    measured = {}
    for name, more in {"with": [], "without": ["--without-words"]}.items():
        assert main([*arguments, "--out", str(tmp_path / name), *more]) == 0
        measured[name] = json.loads((tmp_path / name / "metrics.json").read_text())
    assert measured["without"].pop("without_words") is True
    assert "without_words" not in measured["with"]
    errors = [found["mean"]["position_error_metres/predicted"] for found in measured.values()]
    assert errors[0] != errors[1]

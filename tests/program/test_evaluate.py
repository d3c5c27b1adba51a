"""The door of evaluation: what it lacks is said before any work."""

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

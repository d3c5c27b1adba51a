"""What is missing is named with a command that installs it and leaves this project alone."""

import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from llavataros_jax import packages
from llavataros_jax.errors import UserError


def test_every_extra_is_spelt_out_in_libraries() -> None:
    assert {Requirement(line).name for line in packages.extra_requirements("whisper")} >= {
        "openai-whisper",
        "silero-vad",
        "soundfile",  # of the extra prep, which it includes
    }
    for extra in ("prep", "whisper", "text", "viz", "beam", "tfds", "dev"):
        names = [Requirement(line).name for line in packages.extra_requirements(extra)]
        assert names
        assert packages.PROJECT not in names


def test_the_command_is_of_this_environment(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    command = packages.install_command("beam")
    assert command.startswith(sys.executable + " -m pip install")
    assert "apache-beam" in command
    assert packages.PROJECT not in command
    monkeypatch.setattr(packages.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(packages.shutil, "which", lambda name: f"/bin/{name}")
    assert packages.install_command("beam").startswith("uv pip install --python")


def test_in_a_checkout_make_knows_it(monkeypatch) -> None:
    root = Path(packages.__file__).parents[1]
    monkeypatch.chdir(root)
    monkeypatch.setattr(packages.sys, "prefix", str(root / ".venv"))
    assert packages.install_command("whisper") == "make EXTRAS=whisper"


def test_only_what_is_missing_is_refused() -> None:
    packages.require_packages("this", "json", "pathlib", extra="prep")
    with pytest.raises(UserError, match="hearing needs no_such_module; install with: "):
        packages.require_packages("hearing", "json", "no_such_module", extra="prep")


def test_only_what_is_lacking_is_installed(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    def version(name: str) -> str:
        if name == "silero-vad":
            raise packages.PackageNotFoundError(name)
        return "0.1" if name == "librosa" else "99999999"

    monkeypatch.setattr(packages, "version", version)
    *_, first, second = packages.install_command("whisper").split()
    assert {first.split(">")[0].strip("'"), second.split(">")[0].strip("'")} == {
        "librosa",  # too old
        "silero-vad",
    }

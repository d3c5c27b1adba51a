"""The program: every command is there, helps, completes, and a wrong word is told."""

import argparse
import runpy
import subprocess
import sys

import pytest

from llavataros import program
from llavataros.program import COMMANDS, main, whole_parser
from tests.backend import ROOT


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_help_names_every_command(arguments, capsys) -> None:
    assert main(arguments) == 0
    told = capsys.readouterr().out
    assert all(f"  {name} " in told for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_helps_under_its_own_name(name: str, capsys) -> None:
    with pytest.raises(SystemExit) as left:
        main([name, "--help"])
    assert left.value.code == 0
    told = capsys.readouterr().out
    assert told.startswith(f"usage: llavataros {name} ")
    assert len(told.splitlines()) > 6


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["anmate"], "did you mean animate?"),
        (["zzz"], "there are demo, prepare"),
        (["--print-completion", "fsh"], "name one of bash"),
        (["--print-completion"], "without a shell"),
        (["train", "--config", "none.yaml"], "none.yaml does not exist"),
        (["prepare", "--config", "tiny", "data.foldr=x"], "did you mean data.folder?"),
    ],
)
def test_a_wrong_word_is_told_in_a_sentence(arguments, expected: str, capsys) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert expected in said


def test_all_options_complete_in_every_shell() -> None:
    import shtab

    parser = whole_parser()
    for shell in shtab.SUPPORTED_SHELLS:
        script = shtab.complete(parser, shell=shell)
        assert all(name in script for name in COMMANDS)
        assert "--interlocutor-audio"[2:] in script
    (commands,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    audio = next(a for a in commands.choices["animate"]._actions if a.dest == "audio")
    assert getattr(audio, "complete") == shtab.FILE  # noqa: B009


def test_help_comes_at_once() -> None:
    """No command's libraries are loaded for it: JAX alone takes a second."""
    code = (
        "import sys; from llavataros.program import main; main(['--help']); "
        "sys.exit(', '.join({'jax', 'numpy', 'flax'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "path", sorted((ROOT / "scripts").glob("*.py")), ids=lambda path: path.stem
)
def test_a_command_by_its_old_name(path, monkeypatch, capsys) -> None:
    name = {"generate": "animate", "import_uea": "import-uea"}.get(path.stem, path.stem)
    monkeypatch.setattr(sys, "argv", [str(path), "--help"])
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(path), run_name="__main__")
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: llavataros {name} ")


def test_every_command_has_a_door() -> None:
    for command in program.COMMANDS.values():
        module = __import__(command.module, fromlist=["main"])
        assert callable(module.main)
        assert callable(module.build_parser)

"""A run trained for a few steps on the bundled corpus, and the program in this process."""

from collections.abc import Callable
from pathlib import Path

import pytest

from llavataros.program import main
from tests.backend import ROOT
from tests.program.way import CHILD, QUICK, options, run


@pytest.fixture(scope="session")
def way(built_once: Callable[..., Path]) -> Path:
    """Returns a folder with `records` and `run`, which all workers share."""

    def go(folder: Path) -> None:
        run("-m", "data_prep", *options(folder))
        run("-m", "llavataros_jax.train", *options(folder))

    return built_once("way", go)


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Returns `command(name, …, code=0)`, which runs a command here and returns what was printed.

    It spares the start of a process that starts others, which are as `way.start` starts them.
    """
    monkeypatch.chdir(ROOT)
    for name, value in (CHILD | QUICK).items():
        monkeypatch.setenv(name, value)

    def go(*arguments: str, code: int = 0) -> str:
        capfd.readouterr()
        try:
            left = main(arguments)
        except SystemExit as end:
            left = end.code
        told = "".join(capfd.readouterr())
        assert left == code, told
        return told

    return go

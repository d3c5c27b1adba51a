"""Processes take turns at librosa's first use, which compiles into a cache that they share."""

import subprocess
import sys
import time

import pytest
from filelock import FileLock

from llavataros_jax import packages
from llavataros_jax.errors import UserError
from llavataros_jax.sound.first_import import load_librosa, lock_path


@pytest.mark.slow
def test_a_process_waits_for_the_one_that_compiles() -> None:
    program = (
        "import sys; from llavataros_jax.sound.first_import import load_librosa; "
        "print('begins', flush=True); load_librosa(); print('has it', flush=True)"
    )
    with FileLock(lock_path()):
        process = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "begins\n"
        time.sleep(1)
        assert process.poll() is None
    assert process.communicate(timeout=120)[0] == "has it\n"


def test_librosa_itself_comes_back_and_only_once() -> None:
    assert load_librosa().__name__ == "librosa"
    assert load_librosa() is load_librosa()


def test_it_is_asked_for_when_it_is_missing(monkeypatch) -> None:
    find = packages.importlib.util.find_spec
    monkeypatch.setattr(
        packages.importlib.util, "find_spec", lambda name: None if name == "librosa" else find(name)
    )
    with pytest.raises(UserError, match="hearing speech needs librosa; install with: "):
        load_librosa.__wrapped__()

"""A folder belongs to one process at a time, and to nobody after a kill."""

import os
import signal
import subprocess
import sys

import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.lock import sole_use

HOLD = """
import sys, time
from llavataros_jax.lock import sole_use
with sole_use(sys.argv[1], option="training.run"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_who_holds_a_folder_is_said_and_a_killed_process_holds_nothing(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with (
            pytest.raises(UserError, match=f"in use by process {process.pid} on .* since 20"),
            sole_use(tmp_path, option="training.run"),
        ):
            pytest.fail("two processes are in one folder")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        if process.stdout:
            process.stdout.close()
    with sole_use(tmp_path, option="training.run"):
        assert str(os.getpid()) in (tmp_path / ".lock.holder").read_text()


def test_leaving_frees_the_folder_also_after_a_failure(tmp_path):
    with pytest.raises(ZeroDivisionError), sole_use(tmp_path / "new", option="data.records"):
        raise ZeroDivisionError
    with sole_use(tmp_path / "new", option="data.records"):
        pass
    assert not (tmp_path / "new" / ".lock.holder").exists()


def test_a_folder_made_for_nothing_does_not_stay(tmp_path):
    with sole_use(tmp_path / "new", option="data.records"):
        pass
    (tmp_path / "old").mkdir()
    with sole_use(tmp_path / "old", option="data.records"):
        pass
    with sole_use(tmp_path / "used", option="data.records"):
        (tmp_path / "used/result").touch()
    assert {path.name for path in tmp_path.iterdir()} == {"old", "used"}

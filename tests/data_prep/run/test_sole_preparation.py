"""One preparation at a time in a folder of records."""

import os
import subprocess
import sys

import pytest

from data_prep.run.pipeline import prepare, sole_preparation
from data_prep.run.prune import prune
from llavataros_jax.errors import UserError
from tests.data_prep.recordings import small_config, write_clip

HOLD = """
import sys, time
from pathlib import Path
from data_prep.run.pipeline import sole_preparation
with sole_preparation(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def silent(_):
    """Swallows what the pipeline says."""


@pytest.fixture
def holder(tmp_path):
    """Another program at work in `out`, whose number it returns."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "out")], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_one_is_refused_and_touches_nothing(tmp_path, holder):
    write_clip(tmp_path / "in", "a")
    said = rf"data\.records=.* is in use by process {holder.pid} on \S.* since 20\d\d-"
    with pytest.raises(UserError, match=said):
        prepare(small_config(tmp_path), say=silent)
    assert not (tmp_path / "out/.cache").exists()
    (tmp_path / "out/.cache").mkdir()
    with pytest.raises(UserError, match=said):
        prune(small_config(tmp_path))
    holder.kill()
    holder.wait()
    assert prepare(small_config(tmp_path), say=silent).is_new


def test_a_cache_that_two_folders_share_is_locked_too(tmp_path):
    write_clip(tmp_path / "in", "a")
    (tmp_path / "shared").mkdir()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        os.symlink(tmp_path / "shared", tmp_path / name / ".cache")
    with (
        sole_preparation(tmp_path / "one"),
        pytest.raises(UserError, match=r"shared is in use by process"),
    ):
        prepare(small_config(tmp_path, records=str(tmp_path / "two")), say=silent)
    result = prepare(small_config(tmp_path, records=str(tmp_path / "two")), say=silent)
    assert result.is_new


def test_a_failure_frees_the_folder(tmp_path):
    write_clip(tmp_path / "in", "a")
    (tmp_path / "in/a.json").write_text("{}")
    for _ in range(2):
        with pytest.raises(UserError, match="none of the clips"):
            prepare(small_config(tmp_path), say=silent)

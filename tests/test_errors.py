"""What the doors make of refusals: one sentence, a telling exit code, no traceback."""

import errno
import os
import subprocess
import sys

import numpy as np
import pytest

from llavataros_jax.atomic import atomic_path
from llavataros_jax.errors import ExhaustedError, UserError, door, exhaustion


@pytest.mark.parametrize(
    ("failure", "code", "expected"),
    [
        (UserError("x.wav is empty; record again"), 2, "error: x.wav is empty; record again\n"),
        (OSError(errno.ENOSPC, "No space left on device", "out.npy"), 2, "out.npy: No space left"),
        (FileExistsError(errno.EEXIST, "File exists", "out"), 2, "out: File exists"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (
            MemoryError("Unable to allocate 3 GiB"),
            2,
            "no memory is left (Unable to allocate 3 GiB)",
        ),
    ],
)
def test_refusals_are_one_line(failure, code, expected, capsys):
    @door
    def main() -> int:
        raise failure

    assert main() == code
    said = capsys.readouterr().err
    assert expected in said
    assert said.count("\n") == 1


def test_what_is_no_refusal_is_not_hidden():
    @door
    def main() -> int:
        raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        main()


def test_a_reader_that_leaves_early_is_no_error():
    program = (
        "import sys; from llavataros_jax.errors import door\n"
        "@door\n"
        "def main():\n"
        "    for _ in range(100_000): print('line after line')\n"
        "sys.exit(main())"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 141


def test_a_full_disk_leaves_nothing_half_written(tmp_path):
    """A limit on the file size stands for the disk: the write fails in the middle."""
    program = (
        "import resource, signal, sys, numpy as np\n"
        "from pathlib import Path\n"
        "from llavataros_jax.errors import door\n"
        "from llavataros_jax.atomic import atomic_path\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "@door\n"
        "def main():\n"
        "    with atomic_path(Path(sys.argv[1])) as path:\n"
        "        path.write_bytes(bytes(100_000))\n"
        "sys.exit(main())"
    )
    path = tmp_path / "motion.npy"
    path.write_text("old")
    result = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True
    )
    assert result.returncode == 2, result.stderr
    assert "File too large" in result.stderr
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


class OutOfMemoryError(RuntimeError):
    """Named as PyTorch's."""


def caused(problem, cause):
    problem.__cause__ = cause
    return problem


def test_what_is_at_an_end_is_told_from_what_is_wrong():
    at_an_end = [
        MemoryError(),
        OSError(errno.EMFILE, "Too many open files", "a.wav"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 64 bytes"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
        caused(UserError("x.pt cannot be loaded"), OutOfMemoryError("CUDA out of memory")),
        ExhaustedError("text.model=x does not fit"),
    ]
    assert all(exhaustion(problem) for problem in at_an_end)
    wrong = [
        UserError("out of memory.wav is damaged"),
        OSError(errno.ENOENT, "No such file or directory", "a.wav"),
        ValueError("bad shape"),
        caused(UserError("x.pt cannot be loaded"), RuntimeError("not a checkpoint")),
    ]
    assert [exhaustion(problem) for problem in wrong] == [None] * len(wrong)


def test_a_file_that_announces_more_than_the_machine_has_is_wrong_itself():
    with pytest.raises(MemoryError) as refusal:
        np.empty(1 << 58)
    assert exhaustion(refusal.value) is None
    assert exhaustion(caused(UserError("a.npz cannot be read"), refusal.value)) is None


def test_two_writers_of_one_number_do_not_share_a_temporary_file(tmp_path, monkeypatch):
    """As in two containers, where every program is process 1."""
    monkeypatch.setattr(os, "getpid", lambda: 1)
    path = tmp_path / "result.npz"
    with atomic_path(path) as first:
        first.write_text("first")
        with atomic_path(path) as second:
            second.write_text("second")
        assert path.read_text() == "second"
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_long_name_is_written_under_a_shorter_one(tmp_path):
    path = tmp_path / ("ü" * 120 + ".json")
    with atomic_path(path) as temporary:
        assert (temporary.suffix, temporary.name[0]) == (".json", ".")
        assert temporary.stem.endswith(".partial")
        temporary.write_text("{}")
    assert list(tmp_path.iterdir()) == [path]

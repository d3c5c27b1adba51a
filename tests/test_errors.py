"""What the doors make of refusals: one sentence, a telling exit code, no traceback."""

import errno
import subprocess
import sys

import pytest

from llavataros_jax.errors import UserError, door


@pytest.mark.parametrize(
    ("failure", "code", "expected"),
    [
        (UserError("x.wav is empty; record again"), 2, "error: x.wav is empty; record again\n"),
        (OSError(errno.ENOSPC, "No space left on device", "out.npy"), 2, "out.npy: No space left"),
        (FileExistsError(errno.EEXIST, "File exists", "out"), 2, "out: File exists"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
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

"""The folders that MFA works in: empty again when it is done, however it ends.

What a killed run left is removed at the next start. Only the log of a run that failed stays, where
the message about it says.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from llavataros_jax.errors import UserError

LOG_NAME = "mfa.log"
CORPUS, OUT, TEMPORARY = "corpus", "out", "temporary"

_PREFIX, _LOCK = "llavataros-mfa-", ".lock"


def clear(folder: Path) -> None:
    """Removes everything from a folder of MFA but its log."""
    for part in (CORPUS, OUT, TEMPORARY):
        shutil.rmtree(folder / part, ignore_errors=True)


@contextmanager
def folder_for_one_run() -> Iterator[Path]:
    """Yields a new folder in the system's place for temporary files."""
    _remove_what_killed_runs_left()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    lock = FileLock(folder / _LOCK)  # dies with this process
    log = folder / LOG_NAME
    is_told = False
    try:
        with lock:
            yield folder
    except UserError as refusal:
        is_told = log.is_file() and str(log) in str(refusal)
        raise
    finally:
        clear(folder)
        if is_told:
            (folder / _LOCK).unlink(missing_ok=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_what_killed_runs_left() -> None:
    """Removes the folders whose lock nobody holds; a run that ended by itself left no lock."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        with suppress(Timeout, OSError), FileLock(path, timeout=0):
            shutil.rmtree(path.parent, ignore_errors=True)

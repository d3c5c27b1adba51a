"""One process at a time in a folder; a lock dies with its process, so none stays behind."""

import contextlib
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from llavataros_jax.atomic import write_text
from llavataros_jax.errors import UserError

LOCK, HOLDER = ".lock", ".lock.holder"


@contextmanager
def sole_use(folder: Path | str, *, option: str) -> Iterator[None]:
    """Keeps other processes out of a folder, which is made when it is not there.

    A folder that was made for it and in which nothing came to lie is removed at the end.

    Args:
        folder: What must belong to one process.
        option: The option that names the folder, such as `training.run`.

    Raises:
        UserError: When another process is in it, saying which.
    """
    folder = Path(folder)
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    lock, holder = FileLock(folder / LOCK), folder / HOLDER
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(
            f"{option}={folder} is in use by {_read(holder)}; wait until it has ended or choose "
            f"another {option}"
        ) from None
    try:
        write_text(
            holder,
            f"process {os.getpid()} on {platform.node() or 'this machine'} since "
            f"{time.strftime('%Y-%m-%d %H:%M:%S')}",
        )
        yield
    finally:
        holder.unlink(missing_ok=True)
        if is_new and all(path.name == LOCK for path in folder.iterdir()):
            (folder / LOCK).unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # somebody else may have begun to write
                folder.rmdir()
        lock.release()


def _read(holder: Path) -> str:
    try:
        return holder.read_text(encoding="utf-8").strip() or "another process"
    except (OSError, UnicodeDecodeError):
        return "another process"

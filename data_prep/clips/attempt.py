"""Work on one clip among many: what is wrong with it is said, and the others go on."""

import errno
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from data_prep.clips.cache import NotKeptError
from llavataros_jax.errors import ExhaustedError, UserError, exhaustion

Result = TypeVar("Result")


def attempt(
    work: Callable[[], Result], *, cache_folder: Path | None = None
) -> tuple[Result | None, str | None]:
    """Returns what `work` returns, or the sentence that says why it does not.

    Raises:
        ExhaustedError: When it is not the clip that is at fault, but memory or open files are at
            an end, whatever the library made of it.
        NotKeptError: As `work` raises it.
        OSError: When results cannot be kept in `cache_folder`, or a disk is full.
    """
    try:
        return work(), None
    except (ExhaustedError, NotKeptError):
        raise
    except Exception as problem:  # one odd recording must not stop a thousand others
        if spent := exhaustion(problem):
            raise ExhaustedError(
                f"this machine is at its end ({spent}), so preparation stops; run the same command "
                "again with fewer data.workers: what was finished is kept"
            ) from problem
        if isinstance(problem, UserError):
            return None, str(problem)
        if isinstance(problem, OSError):
            place = Path(os.fsdecode(problem.filename)) if problem.filename else None
            is_ours = place is not None and cache_folder and place.is_relative_to(cache_folder)
            if place is None or is_ours or problem.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            return None, f"{place} cannot be read ({problem.strerror}); check the file"
        place = traceback.extract_tb(problem.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        return None, f"unexpected {type(problem).__name__} in {where} ({problem}); please report it"

"""The one way this project refuses: a sentence that names the file or option, the cause, the cure.

Library code raises `UserError`; every front door is wrapped in `door`, which prints the sentence
and leaves with exit code 2, so that bad input never shows a traceback.
"""

import errno
import functools
import os
import sys
from collections.abc import Callable

# No space, no permission, a file where a folder must be, or too large a file.
_UNWRITABLE = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS),
    *(errno.EEXIST, errno.ENOTDIR, errno.EFBIG),
)
_EXHAUSTED = (errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EAGAIN)
# What frameworks say when memory is at an end, on a device or beside it. They are told by their
# words, because no framework need be installed here, and old versions raise plain RuntimeErrors.
_OUT_OF_MEMORY = (
    *("RESOURCE_EXHAUSTED", "out of memory", "can't allocate memory", "Cannot allocate memory"),
    *("_STATUS_ALLOC_FAILED", "Unable to allocate", "failed to allocate"),
)


class UserError(Exception):
    """Says in one sentence what the user gave, what was wrong with it and what to do."""


class ExhaustedError(UserError):
    """Says that the machine, not what the user gave, is at its end: memory or open files.

    Whoever goes on after a `UserError`, as after one bad recording of many, stops at this one:
    the same work succeeds where there is more.
    """


def exhaustion(problem: BaseException) -> str | None:
    """Says what is at an end if that is why `problem` or one of its causes was raised.

    An array that is larger than all of the machine's memory is none: a damaged file announces it.
    """
    link: BaseException | None = problem
    while link is not None:
        if isinstance(link, ExhaustedError):
            return str(link)
        if isinstance(link, OSError) and link.errno in _EXHAUSTED:
            return link.strerror
        if isinstance(link, MemoryError) and _asks_for_more_than_there_is(link):
            return None
        is_memory = isinstance(link, MemoryError) or type(link).__name__ == "OutOfMemoryError"
        # Not a UserError's own words: they quote names of files.
        told = "" if isinstance(link, UserError) else str(link)
        if is_memory or any(words in told for words in _OUT_OF_MEMORY):
            return (told.strip().splitlines() or ["out of memory"])[0][:200]
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return None


def _asks_for_more_than_there_is(problem: MemoryError) -> bool:
    """Tells NumPy's refusals of arrays that could never fit here from those that might."""
    wanted = getattr(problem, "_total_size", 0)
    return wanted > os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def door(main: Callable[..., int | None]) -> Callable[..., int]:
    """Wraps the `main` of a command line so that refusals become one sentence and exit code 2.

    A full disk is reported like any other refusal; Ctrl-C gives the shell's usual 130.
    """

    @functools.wraps(main)
    def guarded(*args, **kwargs) -> int:
        try:
            return main(*args, **kwargs) or 0
        except UserError as refusal:
            print(f"error: {refusal}", file=sys.stderr)
            return 2
        except MemoryError as problem:
            print(
                f"error: no memory is left ({exhaustion(problem)}); nothing half-written was kept, "
                "so close other programs or ask for less and run the same command again",
                file=sys.stderr,
            )
            return 2
        except BrokenPipeError:
            # Whoever read the output, such as `head`, has left; Python would complain at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
        except OSError as failure:
            if failure.errno not in _UNWRITABLE:
                raise
            where = f" at {failure.filename}" if failure.filename else ""
            print(
                f"error: could not write{where}: {failure.strerror}; nothing half-written was "
                "kept, so free some space or choose another folder and run the same command again",
                file=sys.stderr,
            )
            return 2
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return 130

    return guarded

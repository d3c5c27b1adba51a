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


class UserError(Exception):
    """Says in one sentence what the user gave, what was wrong with it and what to do."""


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

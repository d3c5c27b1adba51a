"""What is said when JAX aborts the process, as it does when another process is lost.

JAX's client of the coordination service calls abort() from a thread of its own, where no Python
runs, whether the lost process was the first (at once) or another (when its heartbeats fail). A
handler of the signal in C is called before the process ends; it says the sentence and leaves with
a code by which schedulers try again.
"""

import ctypes
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# EX_TEMPFAIL of sysexits.h: it failed for now, and the same command goes on.
TRY_AGAIN = 75

_Handler = ctypes.CFUNCTYPE(None, ctypes.c_int)


@contextmanager
def abort_says(
    sentence: Callable[[], str], stderr: int = 2, code: Callable[[], int] = lambda: TRY_AGAIN
) -> Iterator[None]:
    """Turns an abort of this process into a sentence on `stderr` and an exit code."""

    def handle(_number: int) -> None:
        os.write(stderr, f"error: {sentence()}\n".encode())
        os._exit(code())

    handler = _Handler(handle)
    set_handler = ctypes.CDLL(None).signal
    set_handler.restype, set_handler.argtypes = ctypes.c_void_p, [ctypes.c_int, ctypes.c_void_p]
    before = set_handler(int(signal.SIGABRT), ctypes.cast(handler, ctypes.c_void_p))
    try:
        yield
    finally:
        set_handler(int(signal.SIGABRT), before)

"""Work done in processes of its own: espeak-ng must be fresh for every take.

They are forked from a process that has imported everything, which takes hundredths of a second.
"""

import importlib
import multiprocessing
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext

from llavataros_jax.errors import UserError

_MAKING = "data_prep.corpus.hours.making"
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def available_cores() -> int:
    """Returns how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worker_context() -> ForkServerContext:
    """Returns the context of the processes, each of which computes in one thread."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_MAKING])
    return context


@contextmanager
def _one_thread() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def run_alone(context: ForkServerContext, what: str, function: str, arguments: tuple) -> None:
    """Calls a function of `making` in a process of its own and waits for its end.

    Raises:
        UserError: When it refused, or its process was ended from outside.
    """
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(theirs, function, arguments), daemon=True)
    with _one_thread():
        process.start()
    theirs.close()
    try:
        told = ours.recv()
    except EOFError:
        told = None
    finally:
        ours.close()
        process.join()
    if told is None:
        raise UserError(
            f"the process that made {what} ended with code {process.exitcode}, perhaps for want "
            "of memory; run the same command again, with fewer --workers, and it goes on"
        )
    kind, message = told
    if kind == "refused":
        raise UserError(message)
    if kind == "unwritable":
        raise message
    if kind == "failed":
        raise RuntimeError(f"while making {what}:\n{message}")


def _run(answer: Connection, function: str, arguments: tuple) -> None:
    try:
        getattr(importlib.import_module(_MAKING), function)(*arguments)
        answer.send(("done", ""))
    except UserError as refusal:
        answer.send(("refused", str(refusal)))
    except OSError as failure:
        # The door says it as it says all of its kind.
        answer.send(("unwritable", failure))
    except Exception:
        answer.send(("failed", traceback.format_exc()))

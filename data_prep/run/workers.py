"""Many pieces of work in several processes, with progress, and an end at once on Ctrl-C."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from data_prep.machine.gpus import claim_gpu, visible_gpus
from data_prep.run.progress import Progress
from llavataros_jax.errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")

# Applies work to items and yields indices and results as they come: `run_all`, or `beam.run_all`.
Runner = Callable[..., Generator[tuple[int, Any]]]

# As many processes as cores, each with a thread for each core, would only get in each other's way.
_THREAD_COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run_all(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int,
    label: str,
) -> Generator[tuple[int, Result]]:
    """Yields the index and the result of each item as they come, and shows how far it is.

    Args:
        work: Must be picklable, as must items and results; what it raises ends everything.
        items: What to work on.
        workers: Processes; 0 means one for each core, 1 none but this one.
        label: What the progress bar says.

    Raises:
        UserError: When a process died.
    """
    if not items:
        return
    count = min(workers or os.cpu_count() or 1, len(items))
    with Progress(label, len(items)) as progress:
        if count <= 1:
            for index, item in enumerate(items):
                result = work(item)
                progress.advance()
                yield index, result
            return
        others = set(multiprocessing.active_children())
        context = multiprocessing.get_context("spawn")
        executor = ProcessPoolExecutor(
            count,
            context,
            initializer=_begin,
            initargs=(visible_gpus(), context.Value("i", 0)),
        )
        try:
            with _calm_start():
                futures = {executor.submit(work, item): i for i, item in enumerate(items)}
            for future in as_completed(futures):
                result = future.result()
                progress.advance()
                yield futures[future], result
            executor.shutdown()
        except BrokenProcessPool as problem:
            raise UserError(
                f"a process ended in the middle of {label}, perhaps because memory ran out; run "
                "the same command with fewer data.workers: what was finished is kept"
            ) from problem
        finally:
            # After an error or Ctrl-C nothing is waited for; finished results are on disk.
            executor.shutdown(wait=False, cancel_futures=True)
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()


def _begin(gpus: tuple[str, ...], taken: Any) -> None:
    """Takes a GPU, leaves Ctrl-C to the parent and ends with it, however it ends."""
    claim_gpu(gpus, taken)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


@contextlib.contextmanager
def _calm_start() -> Iterator[None]:
    """Lets processes begin with one thread and deaf to Ctrl-C, which would interrupt imports."""
    before = {name: os.environ.get(name) for name in _THREAD_COUNTS}
    is_main = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if is_main else None
    os.environ.update((name, "1") for name in _THREAD_COUNTS)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        if is_main:
            signal.signal(signal.SIGINT, handler)

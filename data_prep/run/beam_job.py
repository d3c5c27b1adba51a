"""One job on Apache Beam, in a thread, so that its outcomes are read while it runs."""

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import Any

_DASK = "apache_beam.runners.dask.dask_runner.DaskRunner"  # Beam knows it by this name only
# As many tasks as keep hundreds of workers busy. Dask's scheduler and client hold each of them, and
# Beam's own choice, 128 clips in one, leaves most workers idle.
_DASK_TASKS = 1000


class BeamJob:
    """A pipeline that calls a function with each element.

    Args:
        call: What is called, on whatever machine; must be picklable.
        elements: What it is called with.
        flags: Beam's own.

    Attributes:
        failure: What the runner raised, if it did.
    """

    def __init__(
        self, call: Callable[[Any], None], elements: Sequence[Any], flags: Sequence[str]
    ) -> None:
        self.failure: BaseException | None = None
        self._call, self._elements, self._flags = call, elements, completed(flags)
        self._result: Any = None
        # Runners that are not asked to end would keep this process from ending.
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "BeamJob":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the job, whatever it is doing."""
        if self._thread.is_alive() and self._result is not None:
            with contextlib.suppress(Exception):  # of a runner that cannot
                self._result.cancel()
        client: Any = getattr(self._result, "client", None)
        if hasattr(client, "close"):
            client.close()  # Dask's, which Beam leaves open

    def is_over(self, seconds: float) -> bool:
        """Waits, no longer than `seconds`, and returns whether the job has ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        import apache_beam as beam  # pyright: ignore[reportMissingImports]
        from apache_beam.options.pipeline_options import (  # pyright: ignore[reportMissingImports]
            PipelineOptions,
        )

        try:
            pipeline = beam.Pipeline(options=PipelineOptions(list(self._flags)))
            # Create spreads its elements over the workers.
            _ = pipeline | "clips" >> beam.Create(self._elements) | "stages" >> beam.Map(self._call)
            self._result = pipeline.run()
            self._result.wait_until_finish()
        except (Exception, SystemExit) as problem:  # every runner has exceptions of its own
            self.failure = problem


def completed(flags: Sequence[str]) -> tuple[str, ...]:
    """Returns flags with what Beam's runner for Dask wants besides."""
    if not any(flag in ("--runner=DaskRunner", f"--runner={_DASK}") for flag in flags):
        return tuple(flags)
    is_divided = any(
        flag.startswith(("--dask_npartitions", "--dask_partition_size")) for flag in flags
    )
    flags = [f"--runner={_DASK}" if flag == "--runner=DaskRunner" else flag for flag in flags]
    return (*flags, *(() if is_divided else (f"--dask_npartitions={_DASK_TASKS}",)))

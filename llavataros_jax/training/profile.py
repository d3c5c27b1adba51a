"""A trace of a few steps of training: what host and devices did, microsecond by microsecond."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

from llavataros_jax.errors import UserError

# The first steps compile and fill caches.
_FIRST_STEPS = 5


class Profile:
    """Traces some steps once the first few are done; use it as a context manager.

    The trace is in `profile` of the run: `*.trace.json.gz` opens in ui.perfetto.dev, all of it in
    TensorBoard with its profile plug-in.
    """

    def __init__(self, run: Path, steps: int, *, say: Callable[[str], None] = print):
        """Traces nothing yet, and nothing at all when `steps` is 0.

        `say` is called with a sentence once the trace is written, or when there is none.

        Raises:
            UserError: When `steps` is negative.
        """
        if steps < 0:
            raise UserError(f"--profile is {steps}, but must be a number of steps, or 0 for none")
        self.folder, self.steps, self._say = run / "profile", steps, say
        self._done, self._is_tracing, self._last = 0, False, None

    def __enter__(self) -> "Profile":
        return self

    def __exit__(self, *_: Any) -> None:
        if self._is_tracing:
            self._stop()
        elif self.steps and self._done <= _FIRST_STEPS:
            self._say(
                f"no profile was written: training ended after {self._done} steps, and the first "
                f"{_FIRST_STEPS} are left out"
            )

    def around(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """Returns a step `(state, batch) -> (state, metrics)` that is counted and traced."""
        if not self.steps:
            return step

        def counted(*arguments: Any) -> Any:
            if self._done == _FIRST_STEPS:
                jax.block_until_ready(self._last)  # what is under way belongs to the steps before
                jax.profiler.start_trace(self.folder)
                self._is_tracing = True
            with jax.profiler.StepTraceAnnotation("train", step_num=self._done):
                result = step(*arguments)
            # The state is given up by the next step, what is measured is not.
            self._done, self._last = self._done + 1, result[-1]
            if self._is_tracing and self._done == _FIRST_STEPS + self.steps:
                self._stop()
            return result

        return counted

    def _stop(self) -> None:
        jax.block_until_ready(self._last)
        jax.profiler.stop_trace()
        self._is_tracing = False
        self._say(
            f"a trace of {self._done - _FIRST_STEPS} steps is in {self.folder}: open its "
            "*.trace.json.gz in ui.perfetto.dev, or the folder in TensorBoard's profile plug-in"
        )

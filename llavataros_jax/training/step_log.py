"""The numbers of steps that are done, kept on the device until a line of the log is due."""

from collections.abc import Callable, Mapping, Sequence

import jax
import numpy as np
import optax
from jaxtyping import Array, Num

from llavataros_jax.errors import UserError
from llavataros_jax.training.divergence import divergence
from llavataros_jax.training.pace import Pace
from llavataros_jax.training.tracking import Tracker

Numbers = Mapping[str, Num[Array, "..."]]


class StepLog:
    """Collects metrics of calls, and writes their means."""

    def __init__(
        self,
        tracker: Tracker,
        pace: Pace,
        *,
        schedule: optax.Schedule,
        learning_rate: float,
        segments: Callable[[int], Sequence[str]],
        flop_per_frame: float = 0.0,
        peak_flop_per_second: float | None = None,
    ):
        """Holds nothing yet.

        Args:
            tracker: Where numbers go.
            pace: Seconds of the steps that are timed.
            schedule: Gives the learning rate of the step after so many.
            learning_rate: `optimizer.learning_rate`, its peak.
            segments: Gives what the lanes read in the step after so many (`segments_read`).
            flop_per_frame: FLOP of training for each frame; 0 where they are not counted.
            peak_flop_per_second: What the devices reach at most, if that is known.
        """
        self._tracker, self._pace = tracker, pace
        self._schedule, self._learning_rate, self._segments = schedule, learning_rate, segments
        self._flop_per_frame, self._peak = flop_per_frame, peak_flop_per_second
        self._pending: list[tuple[Numbers, int, bool]] = []

    def add(self, metrics: Numbers, *, steps: int, is_timed: bool) -> None:
        """Keeps the metrics of a call of `steps` steps; above 1 they have an axis of steps."""
        self._pending.append((metrics, steps, is_timed))

    def write(self, step: int, *, last_good: int | None) -> None:
        """Waits for all that was added and writes its means under `step`, the steps done.

        To be called while the pace is paused.

        Raises:
            UserError: When a number is not finite: the step and its clips, and the checkpoint
                `last_good` to go back to.
        """
        if not self._pending:
            return
        values, timed_frames = [], 0.0
        for metrics, steps, is_timed in jax.device_get(self._pending):
            rows = {name: np.reshape(value, (steps,)).tolist() for name, value in metrics.items()}
            values += [{name: row[k] for name, row in rows.items()} for k in range(steps)]
            timed_frames += is_timed * sum(rows["frames"])
        self._pending = []
        if said := divergence(
            values,
            steps_before=step - len(values),
            segments=self._segments,
            last_good=last_good,
            learning_rate=self._learning_rate,
        ):
            raise UserError(said)
        mean = {name: float(np.mean([v[name] for v in values])) for name in values[0]}
        frames = mean.pop("frames")
        scalars = {f"train/{name}": value for name, value in mean.items()}
        scalars["train/frames_per_step"] = frames
        scalars["optim/learning_rate"] = float(np.asarray(self._schedule(step - 1)))
        text = f"loss {mean['loss']:.4f}"
        if (per_second := self._pace.per_second(timed_frames)) is not None:
            scalars["perf/frames_per_second"] = per_second
            text += f" · {per_second:,.0f} frames/s"
            if flop := per_second * self._flop_per_frame:
                scalars["perf/tera_flop_per_second"] = flop / 1e12
                if self._peak:
                    scalars["perf/utilisation"] = flop / self._peak
                    text += f" · {flop / self._peak:.0%} of the devices' peak"
        self._tracker.log(step, scalars)
        self._tracker.show(text)
        if not self._tracker.on_terminal:
            self._tracker.say(step, text)

"""The training loop: data in, state forward, numbers and checkpoints out.

The order is fixed: a step is dispatched before the numbers of earlier ones are read, so the device
never waits for the log, and a checkpoint holds the state after exactly `state.step` batches.
"""

import functools
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np

from llavataros_jax.config import Config
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.loader import LaneSource, batches
from llavataros_jax.data.manifest import Manifest
from llavataros_jax.errors import UserError
from llavataros_jax.model import GestureModel, Params
from llavataros_jax.network import build_model
from llavataros_jax.training.checkpoint import Checkpoints
from llavataros_jax.training.optimizer import build_optimizer, learning_rate_schedule
from llavataros_jax.training.parallel import Launcher, build_launcher
from llavataros_jax.training.run import open_run
from llavataros_jax.training.state import TrainState, init_state
from llavataros_jax.training.step import Metrics, train_step
from llavataros_jax.training.tracking import Tracker
from llavataros_jax.training.validation import Validation, still_pose

Sampler = Callable[[Params, int], None]


def fit(config: Config, manifest: Manifest, *, sampler: Sampler | None = None) -> Path:
    """Trains until `training.steps`, going on from the run's latest checkpoint if there is one.

    Args:
        config: All options.
        manifest: Manifest of `data.records`.
        sampler: Called with parameters and step every `training.sample_every` steps.

    Returns:
        The run directory.

    Raises:
        UserError: When the run belongs to another config or the loss stops being finite.
        KeyboardInterrupt: After Ctrl-C or SIGTERM, when everything has been saved.
    """
    launcher = build_launcher(config.parallel, config.training.lanes)
    model = build_model(config, manifest)
    train_clips = ClipReader(config.data.records, "train")
    source = LaneSource(
        train_clips,
        lanes=config.training.lanes,
        segment_frames=config.model.segment_frames,
        seed=config.training.seed,
        random_phase=config.training.random_phase,
        piece_segments=config.training.piece_segments,
        process_index=jax.process_index(),
        process_count=jax.process_count(),
    )
    is_leader = jax.process_index() == 0
    run = open_run(config, manifest) if is_leader else Path(config.training.run)
    with Checkpoints(run) as checkpoints, _stop_signals() as stopped:
        trainer = _Trainer(config, manifest, model, launcher, checkpoints, train_clips)
        state = trainer.start()
        first = int(state.step)
        with Tracker(
            run, first_step=first, last_step=config.training.steps, quiet=not is_leader
        ) as tracker:
            tracker.say(first, f"{_describe(config, model, launcher, source)} · writing to {run}")
            for note in checkpoints.notes:
                tracker.say(first, note)
            trainer.run(state, source, tracker, stopped, sampler)
    return run


class _Trainer:
    """The parts of a run that the loop turns."""

    def __init__(
        self,
        config: Config,
        manifest: Manifest,
        model: GestureModel,
        launcher: Launcher,
        checkpoints: Checkpoints,
        train_clips: ClipReader,
    ):
        self.config, self.launcher, self.checkpoints = config, launcher, checkpoints
        self.train_clips = train_clips
        codec = manifest.pose_codec()
        training = config.training
        optimizer = build_optimizer(config.optimizer, config.schedule_steps)
        self.learning_rate = learning_rate_schedule(config.optimizer, config.schedule_steps)
        self.make_state = functools.partial(
            init_state,
            model,
            optimizer,
            lanes=training.lanes,
            seed=training.seed,
            dropout_bits=training.dropout_bits,
        )
        self.step = launcher.train(
            functools.partial(
                train_step, model=model, codec=codec, optimizer=optimizer, loss=config.loss
            )
        )
        held_out = ClipReader(config.data.records, "validation")
        self.validation = None
        if len(held_out) and training.validate_every:
            self.validation = Validation(
                held_out, model, codec, config.loss, launcher, max_lanes=training.lanes
            )

    def start(self) -> TrainState:
        """Returns the restored state, or a fresh one."""
        state = self.launcher.init(self.make_state)
        if self.checkpoints.latest_step is None:
            return state
        restored = self.checkpoints.restore(self.launcher.abstract(state))
        return self.launcher.from_checkpoint(restored)

    def run(
        self,
        state: TrainState,
        source: LaneSource,
        tracker: Tracker,
        stopped: Callable[[], bool],
        sampler: Sampler | None,
    ) -> None:
        training = self.config.training
        step, pending, since = int(state.step), [], time.monotonic()
        if step == 0 and self.validation is not None:
            still = still_pose(self.train_clips, self.validation.codec)
            baselines = {
                "validation/baseline/mean_pose": self.validation.baseline(np.zeros_like(still)),
                "validation/baseline/still_pose": self.validation.baseline(still),
            }
            tracker.log(0, baselines)
            tracker.say(0, ", ".join(f"{k} {v:.4f}" for k, v in baselines.items()))
            since = time.monotonic()
        for batch in batches(source, step, training.steps):
            state, metrics = self.step(state, self.launcher.place(batch))
            step += 1
            tracker.advance()
            pending.append(metrics)
            # Asked once a step: a signal between two questions would leave without saving.
            last, stopping = step == training.steps, stopped()
            saving = last or stopping or step % training.checkpoint_every == 0
            if saving or step % training.log_every == 0:
                since = self._log(step, pending, tracker, since)
                pending = []
            if training.validate_every and (step % training.validate_every == 0 or last):
                self._validate(state, step, tracker)
                since = time.monotonic()
            if saving:
                self.checkpoints.save(self.launcher.to_checkpoint(state))
            if sampler and training.sample_every and step % training.sample_every == 0:
                sampler(state.params, step)
                since = time.monotonic()
            if stopping and not last:
                self.checkpoints.wait()
                tracker.say(step, "stopped and saved; the same command goes on from here")
                raise KeyboardInterrupt
        self.checkpoints.wait()

    def _log(self, step: int, pending: list[Metrics], tracker: Tracker, since: float) -> float:
        values = jax.device_get(pending)
        now = time.monotonic()
        mean = {name: float(np.mean([v[name] for v in values])) for name in values[0]}
        if not np.isfinite(mean["loss"] + mean["gradient_norm"]):
            raise UserError(
                f"training loss or gradient stopped being finite between steps "
                f"{step - len(values)} and {step}; the checkpoint at step "
                f"{self.checkpoints.latest_step} is good: lower optimizer.learning_rate (now "
                f"{self.config.optimizer.learning_rate}) or set optimizer.clip_norm"
            )
        frames_per_second = sum(float(v["frames"]) for v in values) / max(now - since, 1e-9)
        frames = mean.pop("frames")
        scalars = {f"train/{name}": value for name, value in mean.items()}
        scalars["train/frames_per_step"] = frames
        scalars["perf/frames_per_second"] = frames_per_second
        scalars["optim/learning_rate"] = float(np.asarray(self.learning_rate(step - 1)))
        tracker.log(step, scalars)
        text = f"loss {mean['loss']:.4f} · {frames_per_second:,.0f} frames/s"
        tracker.show(text)
        if not tracker.on_terminal:
            tracker.say(step, text)
        return now

    def _validate(self, state: TrainState, step: int, tracker: Tracker) -> None:
        if self.validation is None:
            return
        measured = self.validation(state.params)
        tracker.log(step, {f"validation/{name}": value for name, value in measured.items()})
        best = self.checkpoints.best_loss
        is_best = measured["loss"] < best
        tracker.say(step, f"validation loss {measured['loss']:.4f}{' (best)' if is_best else ''}")
        if is_best:
            self.checkpoints.save_best(step, state.params, measured["loss"])


def _describe(config: Config, model: GestureModel, launcher: Launcher, source: LaneSource) -> str:
    devices = launcher.devices
    epoch = source.plan.epoch_steps(0)
    return (
        f"{model.parameter_count():,} parameters on {len(devices)} {devices[0].device_kind} by "
        f"{config.parallel.mode} · {len(source.reader)} clips, {epoch} steps an epoch"
    )


@contextmanager
def _stop_signals() -> Iterator[Callable[[], bool]]:
    """Turns the first Ctrl-C or SIGTERM into a question that the loop asks; a second one raises."""
    seen: list[Any] = []

    def note(number: int, frame: Any) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(seen)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""What a run turns step by step: data in, state forward, numbers and checkpoints out.

Steps are dispatched without waiting for their numbers. Those are read when a log line, validation,
sample or checkpoint is due, and only then does the device wait for the host. A checkpoint holds the
state after exactly `state.step` batches.
"""

import contextlib
import functools
import itertools
from collections.abc import Callable

import jax
import numpy as np

from llavataros_jax.config import Config
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.loader import LaneSource
from llavataros_jax.data.manifest import Manifest
from llavataros_jax.model import GestureModel, Params
from llavataros_jax.training.calls import calls
from llavataros_jax.training.checkpoint import Checkpoints
from llavataros_jax.training.devices import peak_flop_per_second
from llavataros_jax.training.divergence import segments_read
from llavataros_jax.training.flops import flop_per_frame
from llavataros_jax.training.liveliness import Liveliness
from llavataros_jax.training.optimizer import build_optimizer, learning_rate_schedule
from llavataros_jax.training.pace import Pace
from llavataros_jax.training.parallel import Launcher
from llavataros_jax.training.patience import no_better
from llavataros_jax.training.profile import Profile
from llavataros_jax.training.resident import open_feed
from llavataros_jax.training.state import TrainState, init_state
from llavataros_jax.training.step import train_step
from llavataros_jax.training.step_log import StepLog
from llavataros_jax.training.tracking import Tracker
from llavataros_jax.training.validation import Validation

Sampler = Callable[[Params, int], None]


class Trainer:
    """The parts of a run that the loop turns."""

    def __init__(
        self,
        config: Config,
        manifest: Manifest,
        model: GestureModel,
        launcher: Launcher,
        checkpoints: Checkpoints,
        train_clips: ClipReader,
        liveliness: Liveliness | None = None,
    ):
        self.config, self.launcher, self.checkpoints = config, launcher, checkpoints
        self.train_clips, self.model = train_clips, model
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
            averaged=config.optimizer.ema_decay > 0,
        )
        step = functools.partial(
            train_step,
            model=model,
            codec=codec,
            optimizer=optimizer,
            loss=config.loss,
            liveliness=liveliness,
            ema_decay=config.optimizer.ema_decay,
            accumulate=training.accumulate_segments,
        )
        self.step_of = functools.cache(
            functools.partial(launcher.train, step, accumulate=training.accumulate_segments)
        )
        held_out = ClipReader(config.data.records, "validation")
        self.validation = None
        if len(held_out) and training.validate_every:
            self.validation = Validation(
                held_out,
                model,
                codec,
                config.loss,
                launcher,
                max_lanes=training.lanes,
                liveliness=liveliness,
            )

    def start(self) -> TrainState:
        """Returns the restored state, or a fresh one."""
        if self.checkpoints.latest_step is None:
            return self.launcher.init(self.make_state)
        # From shapes alone: a fresh state beside it would take the memory of two.
        abstract = self.launcher.abstract(jax.eval_shape(self.make_state))
        return self.launcher.from_checkpoint(self.checkpoints.restore(abstract))

    def run(
        self,
        state: TrainState,
        source: LaneSource,
        tracker: Tracker,
        stopped: Callable[[], bool],
        sampler: Sampler | None,
        pace: Pace,
        profile: Profile,
    ) -> None:
        """Turns the loop until `training.steps`, or until it shall stop.

        Raises:
            UserError: When the loss stops being finite, or the plan is not the checkpoint's.
            KeyboardInterrupt: When `stopped` says so, after everything was saved.
        """
        training = self.config.training
        step = int(state.step)
        plan = source.plan.fingerprint()
        self.checkpoints.require_plan(step, plan)
        if step < training.steps and (reason := self._patience_ended(step)):
            tracker.say(step, f"training is finished: {reason}; raise training.patience to go on")
            return
        if step == 0 and self.validation is not None:
            baselines = self.validation.baselines(self.train_clips)
            tracker.log(0, baselines)
            tracker.say(0, ", ".join(f"{k} {v:.4f}" for k, v in baselines.items()))
        log = self._step_log(source, tracker, pace)
        periods = (training.checkpoint_every, training.log_every)
        periods += (training.validate_every, training.sample_every)
        compiled: set[int] = set()
        each = training.accumulate_segments
        counts = calls(step, training.steps, at_once=training.steps_per_call, periods=periods)
        with open_feed(
            *(self.config.data.resident, source, self.launcher),
            start=each * step,
            stop=each * training.steps,
        ) as feed:
            for count, following in itertools.pairwise(itertools.chain(counts, (0,))):
                is_timed = count in compiled
                if not is_timed:
                    jax.block_until_ready(state)  # steps under way are time of training
                with contextlib.nullcontext() if is_timed else pace.paused():
                    program = profile.around(self.step_of(segments=count))
                    state, metrics = program(state, feed(each * count))
                    if following:
                        feed.ahead(each * following, after=metrics)
                    if not is_timed:
                        jax.block_until_ready(metrics)
                compiled.add(count)
                step += count
                for _ in range(count):
                    tracker.advance()
                log.add(metrics, steps=count, is_timed=is_timed)
                # Asked at each call: a signal between two questions would leave without saving.
                last, stopping = step == training.steps, stopped()
                saving = last or stopping or step % training.checkpoint_every == 0
                logging = saving or step % training.log_every == 0
                validating = training.validate_every and (
                    step % training.validate_every == 0 or last
                )
                sampling = training.sample_every and step % training.sample_every == 0
                if logging or validating or sampling:
                    jax.block_until_ready(metrics)
                with pace.paused():
                    if logging:
                        log.write(step, last_good=self.checkpoints.latest_step)
                    if validating:
                        self._validate(state, step, tracker)
                        if not last and (reason := self._patience_ended(step)):
                            last = saving = True
                            log.write(step, last_good=self.checkpoints.latest_step)
                            tracker.say(step, f"{reason}, so training ends")
                    if saving:
                        self.checkpoints.save(self.launcher.to_checkpoint(state), plan=plan)
                    if sampler and sampling:
                        sampler(state.shown, step)
                if stopping and not last:
                    self.checkpoints.wait()
                    tracker.say(step, "stopped and saved; the same command goes on from here")
                    raise KeyboardInterrupt
                if last:
                    break
                pace.start()
        self.checkpoints.wait()

    def _step_log(self, source: LaneSource, tracker: Tracker, pace: Pace) -> StepLog:
        each = self.config.training.accumulate_segments

        def segments(steps: int) -> list[str]:
            return segments_read(
                np.concatenate([source.plan.row(each * steps + k) for k in range(each)]),
                source.reader.clips,
                segment_frames=source.segment_frames,
                fps=source.reader.manifest.fps,
            )

        return StepLog(
            tracker,
            pace,
            schedule=self.learning_rate,
            learning_rate=self.config.optimizer.learning_rate,
            segments=segments,
            flop_per_frame=flop_per_frame(
                self.model, lanes=self.config.training.lanes, segment_words=source.max_words
            ),
            peak_flop_per_second=peak_flop_per_second(
                [device.device_kind for device in self.launcher.devices],
                self.config.model.compute_dtype,
            ),
        )

    def _patience_ended(self, step: int) -> str | None:
        """Says for how long no validation was better, if that is longer than training waits."""
        training, best = self.config.training, self.checkpoints.best_step
        count = no_better(best, step, validate_every=training.validate_every)
        if self.validation is None or not 0 < training.patience <= count:
            return None
        return (
            f"no better held-out loss for {count} validation{'s' * (count != 1)}; the best is step "
            f"{best}"
        )

    def _validate(self, state: TrainState, step: int, tracker: Tracker) -> None:
        if self.validation is None:
            return
        measured = self.validation(state.shown)
        tracker.log(step, {f"validation/{name}": value for name, value in measured.items()})
        best = self.checkpoints.best_loss
        is_best = measured["loss"] < best
        parts = ""
        if "loss/regression" in measured:
            regression = measured["loss/regression"]
            parts = f" (regression {regression:.4f}, flow {measured['loss'] - regression:.4f})"
        said = f"validation loss {measured['loss']:.4f}{parts}"
        tracker.say(step, f"{said}{' (best)' if is_best else ''}")
        if is_best:
            self.checkpoints.save_best(step, state.shown, measured["loss"])

"""A whole training: what it needs is opened, checked and closed again."""

import contextlib
import signal
import time
from pathlib import Path

import jax

from llavataros_jax.config import Config
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.loader import LaneSource
from llavataros_jax.data.manifest import Manifest
from llavataros_jax.errors import UserError
from llavataros_jax.lock import sole_use
from llavataros_jax.model import GestureModel
from llavataros_jax.network import build_model, with_pose_basis
from llavataros_jax.storage.cache import run_folder
from llavataros_jax.storage.place import is_remote
from llavataros_jax.training.checkpoint import Checkpoints
from llavataros_jax.training.hosts_log import HostTracker, require_shared
from llavataros_jax.training.hosts_same import leaders_config
from llavataros_jax.training.hosts_stop import FINISHING, Stopped, StopSignals
from llavataros_jax.training.liveliness import open_liveliness
from llavataros_jax.training.pace import Clock, Pace
from llavataros_jax.training.parallel import Launcher, build_launcher
from llavataros_jax.training.profile import Profile
from llavataros_jax.training.resident import is_resident
from llavataros_jax.training.run import open_run, record_start, require_run_folder
from llavataros_jax.training.start import open_start
from llavataros_jax.training.tracking import Tracker
from llavataros_jax.training.trainer import Sampler, Trainer
from llavataros_jax.training.transfer import Network


def fit(
    config: Config,
    manifest: Manifest,
    *,
    sampler: Sampler | None = None,
    clock: Clock = time.monotonic,
    profile_steps: int = 0,
) -> Path:
    """Trains until `training.steps`, going on from the run's latest checkpoint if there is one.

    Args:
        config: All options; what `choices.choose` chooses must be chosen.
        manifest: Manifest of `data.records`.
        sampler: Called with parameters and step every `training.sample_every` steps.
        clock: Gives the seconds by which speed is measured.
        profile_steps: Calls of the step to trace, once the first few are done.

    Returns:
        The run directory.

    Raises:
        UserError: When the run belongs to another config or is trained by another process, or the
            loss stops being finite.
        Stopped: After Ctrl-C or SIGTERM, when everything has been saved; a KeyboardInterrupt.
    """
    assert config.training.steps > 0, "steps are chosen before (choices.choose)"
    launcher = build_launcher(config.parallel, config.training.lanes)
    manifest = with_pose_basis(config, manifest)
    model = build_model(config, manifest)
    # What cannot be is refused before there is a run.
    liveliness = open_liveliness(config, manifest)
    train_clips = ClipReader(config.data.records, "train")
    is_resident(config.data.resident, train_clips, launcher)
    run, is_leader = run_folder(config.training.run), jax.process_index() == 0
    with contextlib.ExitStack() as held:
        notes: list[str] = []
        if is_leader:
            require_run_folder(run)
        # Before the folder is written, which then belongs to what it starts from.
        start = open_start(config)
        if is_leader:
            held.enter_context(sole_use(run, option="training.run"))
            config, notes = open_run(config, manifest)
        config = leaders_config(config)
        source = LaneSource(
            train_clips,
            lanes=config.training.lanes,
            segment_frames=config.model.segment_frames,
            seed=config.training.seed,
            random_phase=config.training.random_phase,
            piece_segments=config.training.piece_segments,
            dealing=config.training.dealing,
            lookahead_frames=config.model.lookahead_frames,
            own_lanes=launcher.own_lanes(config.training.lanes),
        )
        is_shared = not is_remote(config.training.run)
        if is_shared and not is_leader:
            require_shared(run)
        checkpoints = held.enter_context(Checkpoints(run, is_shared=is_shared))
        stopped = held.enter_context(StopSignals())
        trainer = Trainer(config, manifest, model, launcher, checkpoints, train_clips, liveliness)
        state = trainer.start()
        first, last = int(state.step), config.training.steps
        if start is not None and checkpoints.latest_step is None:
            state, said = start.applied(state, Network(config.model, manifest))
            notes += said
        if is_leader:
            record_start(run, first, start and start.record())
            tracker = Tracker(run, first_step=first, last_step=last)
        else:
            own = launcher.own_lanes(config.training.lanes)
            tracker = HostTracker(run, first_step=first, last_step=last, own_lanes=own)
        held.enter_context(tracker)
        tracker.say(first, f"{_describe(config, model, launcher, source)} · writing to {run}")
        for note in (*notes, *checkpoints.notes):
            tracker.say(first, note)
        if first > last:
            tracker.say(
                first, f"the run has {first} steps already, more than training.steps={last}"
            )
        profile = held.enter_context(
            Profile(
                run, profile_steps if is_leader else 0, say=lambda text: tracker.say(last, text)
            )
        )
        try:
            trainer.run(state, source, tracker, stopped, sampler, Pace(clock), profile)
        except KeyboardInterrupt:
            if stopped.agreed:
                raise Stopped(by_scheduler=stopped.agreed == signal.SIGTERM) from None
            raise
        except UserError:
            FINISHING.set()  # leaving waits for the checkpoint that is being written
            raise
    return run


def _describe(config: Config, model: GestureModel, launcher: Launcher, source: LaneSource) -> str:
    fsdp = config.parallel.fsdp
    shared = f", cut among {fsdp}" if fsdp > 1 else ""
    segments, each = source.plan.epoch_steps(0), config.training.accumulate_segments
    epoch = f"{segments} steps" if each == 1 else f"{segments / each:.1f} steps of {each} segments"
    return (
        f"{model.parameter_count():,} parameters on {_counted(launcher)} by "
        f"{config.parallel.mode}{shared} · {len(source.reader)} clips, {epoch} an epoch"
    )


def _counted(launcher: Launcher) -> str:
    """Returns the devices in words, and how many have nothing to do."""
    used, here = len(launcher.devices), jax.device_count()
    idle = f" ({here - used} of {here} are idle)" if used < here else ""
    hosts = f" of {jax.process_count()} hosts" if jax.process_count() > 1 else ""
    return f"{used} {launcher.devices[0].device_kind}{hosts}{idle}"

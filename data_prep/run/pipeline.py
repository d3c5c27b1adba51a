"""From a folder of recordings to a folder of records."""

import contextlib
import dataclasses
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from data_prep.clips.prepared_clip import PreparedClip
from data_prep.records.dataset import finished_dataset, write_dataset
from data_prep.records.plan import DatasetPlan, find_usable, plan_dataset
from data_prep.records.splits import Performance, check_holdout_takes, choose_holdout
from data_prep.run.clip_stages import run_stages
from data_prep.run.copying import add_copies, check_augmentation
from data_prep.run.workers import Runner, run_all
from data_prep.sound.features import check_audio
from data_prep.sources.choice import find_recordings, source_of
from data_prep.sources.recordings import Recordings
from data_prep.vectors.choice import check_text
from llavataros_jax.config import Config
from llavataros_jax.data.manifest import Manifest
from llavataros_jax.errors import UserError
from llavataros_jax.lock import sole_use
from llavataros_jax.packages import require_packages

CACHE_FOLDER = ".cache"


@dataclass(frozen=True)
class Preparation:
    """What a run of the pipeline found and wrote.

    Attributes:
        manifest: Manifest of the folder of records.
        folder: The folder of records.
        clips: The recorded clips that became records.
        failures: Clips that could not be prepared, each with the reason.
        skipped: Files that are no clip, each with the reason.
        made: How many times each stage was computed in this run.
        is_new: Whether records were written.
    """

    manifest: Manifest
    folder: Path
    clips: tuple[PreparedClip, ...]
    failures: dict[str, str]
    skipped: dict[str, str]
    made: dict[str, int]
    is_new: bool


def prepare(
    config: Config, *, say: Callable[[str], None] = print, run: Runner = run_all
) -> Preparation:
    """Turns `config.data.folder` into records in `config.data.records`.

    Every stage of every clip is kept in the folder of records, in `.cache`, so an interrupted run
    goes on where it was and a second one does nothing again. A clip that fails is told of and left
    out; with `data.strict` it ends the run.

    Args:
        config: Options.
        say: Tells the user what happens.
        run: Spreads the work on clips: over processes, or `beam.beam_runner`.

    Raises:
        UserError: When folders or tools are missing, another process is at work in the folder of
            records, no clip can be prepared, or one fails in a strict run.
        ExhaustedError: When memory or open files are at an end.
        OSError: When records cannot be written.
    """
    require_packages("preparation", "soundfile", "soxr", "librosa", extra="prep")
    folder = Path(config.data.records)
    _check_writable(folder)
    check_audio(config.audio)
    check_text(config.text)
    check_augmentation(config.augmentation, say)
    found = find_recordings(config.data)
    source = source_of(config.data)
    if source not in (config.data.source, "folder"):
        say(f"reading data.folder={config.data.folder} as data.source={source}")
    for note in found.notes:
        say(f"note: {note}")
    config = holding_out(found, config, say)
    if not any(clip.motion for clip in found.clips):
        reasons = [*found.problems.values(), *found.skipped.values()]
        raise UserError(
            f"data.folder={config.data.folder} has no audio (wav, flac, ogg, mp3) with motion "
            "(npy, npz, bvh) " + _how_paired(source) + (f"; {reasons[0]}" if reasons else "")
        )
    check_holdout_takes({clip.take for clip in found.clips if clip.motion}, config.data)
    for name, reason in found.skipped.items():
        say(f"skipped {name}: {reason}")
    failures: dict[str, str] = {}
    for name, reason in found.problems.items():
        _fail(name, reason, failures, config, say)
    with sole_preparation(folder):
        return _prepare_found(found, failures, config, say, run=run)


@contextlib.contextmanager
def sole_preparation(folder: Path) -> Iterator[None]:
    """Keeps other preparations out of a folder of records, and of a cache that several share.

    Raises:
        UserError: When another process is at work there, saying which.
    """
    cache = (folder / CACHE_FOLDER).resolve()
    with sole_use(folder, option="data.records"), contextlib.ExitStack() as locks:
        if not cache.is_relative_to(folder.resolve()):
            locks.enter_context(sole_use(cache, option=f"{CACHE_FOLDER} of data.records"))
        yield


def _prepare_found(
    found: Recordings,
    failures: dict[str, str],
    config: Config,
    say: Callable[[str], None],
    *,
    run: Runner,
) -> Preparation:
    """Prepares the clips that were found and writes their records."""
    folder = Path(config.data.records)
    prepared = run_stages(
        found.clips,
        config,
        folder / CACHE_FOLDER,
        fail=lambda name, reason: _fail(name, reason, failures, config, say),
        say=say,
        run=run,
    )
    usable, misfits = find_usable(prepared, config)
    for name, reason in misfits.items():
        _fail(name, reason, failures, config, say)
    if not usable:
        first = next(iter(failures.values()))
        raise UserError(
            f"none of the clips of data.folder={config.data.folder} can be prepared, so nothing "
            f"was written; the first: {first}"
        )
    plan = plan_dataset(usable, prepared, config, failures=failures, skipped=found.skipped)
    recorded = plan.records
    plan, made_of_copies = add_copies(
        plan,
        config,
        folder / CACHE_FOLDER,
        fail=lambda name, reason: _fail(name, reason, failures, config, say),
        say=say,
        run=run,
    )
    manifest = finished_dataset(folder, plan)
    is_new = manifest is None
    if manifest is None:
        manifest = _write(folder, plan)
    used = {record.cut.clip for record in recorded}
    made = Counter(stage for clip in prepared.values() for stage in clip.made)
    return Preparation(
        manifest=manifest,
        folder=folder,
        clips=tuple(clip for name, clip in sorted(prepared.items()) if name in used),
        failures=failures,
        skipped=found.skipped,
        made=dict(made + Counter(made_of_copies)),
        is_new=is_new,
    )


def holding_out(found: Recordings, config: Config, say: Callable[[str], None]) -> Config:
    """Holds out what the data set itself sets aside, unless the user has said what."""
    data = config.data
    if data.holdout != "tail" and not data.holdout_takes and data.holdout_fraction:
        data = dataclasses.replace(data, holdout_takes=found.held_out)
    takes = {clip.name: clip.take for clip in found.clips}
    performances = [
        Performance(clip.name, clip.take, 0, takes.get(clip.interlocutor or ""))
        for clip in found.clips
        if clip.motion
    ]
    data, choice = choose_holdout(performances, data)
    if choice:
        say(choice)
    return dataclasses.replace(config, data=data)


def _how_paired(source: str) -> str:
    beside = "of the same name beside it"
    return beside if source == "folder" else f"that data.source={source} puts together"


def _write(folder: Path, plan: DatasetPlan) -> Manifest:
    is_terminal = sys.stderr.isatty()
    with tqdm(
        total=len(plan.records), desc="writing records", unit="clip", disable=not is_terminal
    ) as bar:

        def advance() -> None:
            bar.update()

        return write_dataset(folder, plan, folder / CACHE_FOLDER, advance=advance)


def _fail(
    name: str,
    reason: str,
    failures: dict[str, str],
    config: Config,
    say: Callable[[str], None],
) -> None:
    """Keeps the reason and tells it; ends a strict run."""
    if config.data.strict:
        raise UserError(f"clip {name}: {reason} (data.strict=true stops here)")
    failures[name] = reason
    say(f"failed {name}: {reason}")


def _check_writable(folder: Path) -> None:
    """Refuses a folder of records that cannot be written before any work is done."""
    place = folder.resolve()
    while not place.exists():
        place = place.parent
    if not place.is_dir():
        raise UserError(f"data.records={folder} cannot be a folder: {place} is a file")
    if not os.access(place, os.W_OK | os.X_OK):
        raise UserError(f"data.records={folder} cannot be written: {place} is write-protected")

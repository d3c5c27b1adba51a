"""Copies and mirror images of the training clips, made once it is known which those are."""

import contextlib
import dataclasses
import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from data_prep.clips.cache import NotKeptError
from data_prep.records.copies import (
    PreparedCopy,
    copies_of,
    prepare_copy,
    with_copies,
    with_recorded_mirror,
)
from data_prep.records.plan import DatasetPlan
from data_prep.run.workers import Runner
from data_prep.sound.changed_sound import check_sound_tools
from llavataros_jax.config import AugmentationConfig, Config
from llavataros_jax.listing import listed

Fail = Callable[[str, str], None]
_LISTED = 4
_OF_COPIES = ("time_warp", "amplitude", "gain_decibels", "filter_decibels", "noise_decibels")
_OF_COPIES += ("pitch_semitones", "seed")


def check_augmentation(config: AugmentationConfig, say: Callable[[str], None]) -> None:
    """Refuses what cannot be done here, and tells what has no effect, before any work is done.

    Raises:
        UserError: When ffmpeg cannot change sound.
    """
    if config.copies:
        check_sound_tools()
        return
    given = dataclasses.asdict(config)
    usual = dataclasses.asdict(AugmentationConfig())
    changed = [f"augmentation.{name}" for name in _OF_COPIES if given[name] != usual[name]]
    if changed:
        verb = "have" if len(changed) > 1 else "has"
        say(f"{', '.join(changed)} {verb} no effect, because augmentation.copies=0")


def add_copies(
    plan: DatasetPlan,
    config: Config,
    cache_folder: Path,
    *,
    fail: Fail,
    say: Callable[[str], None],
    run: Runner,
) -> tuple[DatasetPlan, dict[str, int]]:
    """Adds copies and mirror images of the training records to a plan, as the config wants them.

    Args:
        plan: What was recorded.
        config: Options.
        cache_folder: Where results are kept.
        fail: Is told the name of a copy that cannot be made, and why.
        say: Tells the user what happens.
        run: Spreads the work.

    Returns:
        The plan with them, and how many times each stage was computed for them.

    Raises:
        UserError: When a recording has the name of a copy.
    """
    copies = copies_of(plan, config.augmentation)
    if config.augmentation.mirror and (already := with_recorded_mirror(plan)):
        say(
            f"augmentation.mirror adds none for {len(already)} training clips, of which a mirror "
            f"image was recorded or which are one: {listed(already, _LISTED)}"
        )
    if not copies:
        return plan, {}
    changed = sum(bool(copy.copy_of) for copy in copies)
    say(
        f"augmentation: {changed} changed copies and {len(copies) - changed} mirror images of "
        f"{len({copy.source.cut.name for copy in copies})} training clips"
    )
    work = functools.partial(prepare_copy, config=config, cache_folder=cache_folder)
    done: dict[str, PreparedCopy] = {}
    made: dict[str, int] = {}

    def take(result: PreparedCopy) -> None:
        done[result.copy.name] = result
        for stage in result.made:
            made[stage] = made.get(stage, 0) + 1
        if result.problem:
            fail(result.copy.name, result.problem)

    with ThreadPoolExecutor(config.data.workers or os.cpu_count()) as threads:
        for result in threads.map(functools.partial(_kept, work), copies):
            if result is not None:
                take(result)
    rest = [copy for copy in copies if copy.name not in done]
    results = run(work, rest, workers=config.data.workers, label="preparing copies")
    with contextlib.closing(results):
        for _, result in results:
            take(result)
    return with_copies(plan, [done[copy.name] for copy in copies]), made


def _kept(work: Callable[..., PreparedCopy], copy: object) -> PreparedCopy | None:
    """Returns a copy of which every stage is kept, else None."""
    try:
        return work(copy, only_kept=True)
    except NotKeptError:
        return None

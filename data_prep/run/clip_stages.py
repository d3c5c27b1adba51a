"""The stages of all clips, spread over processes or machines."""

import contextlib
import dataclasses
import functools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from data_prep.clips.batch_alignment import align_together
from data_prep.clips.cache import NotKeptError
from data_prep.clips.clip import Clip
from data_prep.clips.prepared_clip import PreparedClip, prepare_clip
from data_prep.machine.fingerprint import content_hash
from data_prep.run.processes import processes_for
from data_prep.run.workers import Runner
from llavataros_jax.config import Config
from llavataros_jax.motion.skeleton import Skeleton


def run_stages(
    clips: Sequence[Clip],
    config: Config,
    cache_folder: Path,
    *,
    fail: Callable[[str, str], None],
    say: Callable[[str], None],
    run: Runner,
) -> dict[str, PreparedClip]:
    """Prepares all clips and returns them by name.

    Args:
        clips: The clips.
        config: Options.
        cache_folder: Where results are kept.
        fail: Is told the name of a clip that cannot be prepared, and why, as it comes.
        say: Tells the user what happens.
        run: Spreads the work.
    """
    interlocutors = {clip.interlocutor for clip in clips}
    work = functools.partial(
        _prepare_one, config=config, cache_folder=cache_folder, interlocutors=interlocutors
    )
    prepared: dict[str, PreparedClip] = {}
    skeletons: dict[str, Skeleton] = {}

    def take(result: PreparedClip) -> None:
        if result.skeleton:  # from another process each comes as one more; most are the same
            key = content_hash(result.skeleton.to_dict())
            skeleton = skeletons.setdefault(key, result.skeleton)
            result = dataclasses.replace(result, skeleton=skeleton)
        prepared[result.clip.name] = result
        if result.problem:
            fail(result.clip.name, result.problem)

    # Processes take seconds to start, so whatever is kept already is collected without them.
    with ThreadPoolExecutor(config.data.workers or os.cpu_count()) as threads:
        for result in threads.map(functools.partial(_prepare_kept, work), clips):
            if result is not None:
                take(result)
    rest = [clip for clip in clips if clip.name not in prepared]
    aligned = align_together(rest, config.words, cache_folder)
    for clip in (clip for clip in rest if clip.name in aligned.problems):
        take(PreparedClip(clip, speech_problem=aligned.problems[clip.name]))
    rest = [clip for clip in rest if clip.name not in prepared]
    count = processes_for(rest, config, say)
    results = run(work, rest, workers=count, label="preparing clips")
    with contextlib.closing(results):
        for index, result in results:
            result = dataclasses.replace(result, clip=rest[index])
            if result.clip.name in aligned.made:
                result = dataclasses.replace(result, made=("words", *result.made))
            take(result)
    return prepared


def _prepare_one(
    clip: Clip,
    *,
    config: Config,
    cache_folder: Path,
    interlocutors: set[str | None],
    only_kept: bool = False,
) -> PreparedClip:
    return prepare_clip(
        clip,
        config,
        cache_folder=cache_folder,
        is_interlocutor=clip.name in interlocutors,
        only_kept=only_kept,
    )


def _prepare_kept(work: Callable[..., PreparedClip], clip: Clip) -> PreparedClip | None:
    """Returns a clip of which every stage is kept, else None."""
    try:
        return work(clip, only_kept=True)
    except NotKeptError:
        return None

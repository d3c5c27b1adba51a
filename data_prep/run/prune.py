"""Removes kept results that no clip needs any more: those of old options, files and versions."""

import contextlib
import functools
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from data_prep.align.choice import choose_aligner
from data_prep.clips.cache import NotKeptError, Pruned, remove_unused
from data_prep.clips.clip import Clip
from data_prep.clips.prepared_clip import PreparedClip, prepare_clip, used_results
from data_prep.listen.choice import choose_transcriber
from data_prep.records.copies import copies_of, results_of
from data_prep.records.plan import find_usable, plan_dataset
from data_prep.run.pipeline import CACHE_FOLDER, holding_out, sole_preparation
from data_prep.sound.features import check_audio
from data_prep.sources.choice import find_recordings
from data_prep.sources.recordings import Recordings
from data_prep.vectors.choice import check_text
from llavataros_jax.config import Config
from llavataros_jax.errors import UserError
from llavataros_jax.packages import require_packages


def prune(config: Config) -> Pruned:
    """Removes from the cache of `config.data.records` what no clip of the config uses.

    Results stay for recordings that are there, with this config and with the tools and weights
    that it names, so these must be there too: without them there is no telling what is used.

    Raises:
        UserError: When there are no records, recordings or tools, or another process is at work in
            the folder of records.
    """
    folder = Path(config.data.records)
    cache = folder / CACHE_FOLDER
    if not cache.is_dir():
        raise UserError(
            f"data.records={folder} has no {CACHE_FOLDER}, so there is nothing to prune"
        )
    require_packages("pruning", "soundfile", "soxr", extra="prep")
    check_audio(config.audio)
    check_text(config.text)
    with sole_preparation(folder):
        found = find_recordings(config.data)
        clips = found.clips
        if not clips:
            raise UserError(
                f"data.folder={config.data.folder} has no clip, so all that is kept would go; "
                f"correct data.folder, or remove {cache} yourself"
            )
        _require_tools(clips, config)
        work = functools.partial(used_results, config=config, cache_folder=cache)
        with ThreadPoolExecutor(config.data.workers or os.cpu_count()) as threads:
            used = set().union(*threads.map(work, clips))
        used |= _used_by_copies(found, config, cache)
        return remove_unused(cache, used)


def _used_by_copies(found: Recordings, config: Config, cache: Path) -> set[tuple[str, str]]:
    """Returns stage and key of the results of copies of those clips whose own are all kept."""
    if not (config.augmentation.copies or config.augmentation.mirror):
        return set()
    config = holding_out(found, config, lambda _: None)
    interlocutors = {clip.interlocutor for clip in found.clips}
    prepared: dict[str, PreparedClip] = {}
    for clip in found.clips:
        with contextlib.suppress(NotKeptError):
            prepared[clip.name] = prepare_clip(
                clip,
                config,
                cache_folder=cache,
                is_interlocutor=clip.name in interlocutors,
                only_kept=True,
            )
    usable, _ = find_usable(prepared, config)
    if not usable:
        return set()
    plan = plan_dataset(usable, prepared, config, failures={}, skipped={})
    return set().union(*map(results_of, copies_of(plan, config.augmentation)))


def report(pruned: Pruned, folder: Path) -> str:
    """Says how many results went and how many stayed."""
    stages = ", ".join(f"{stage} {count}" for stage, count in sorted(pruned.removed.items()))
    count = sum(pruned.removed.values())
    told = f"removed {count} results ({stages})" if count else "removed no result"
    return (
        f"{told}, {pruned.megabytes:.1f} MB; {pruned.kept} are in use and stay in "
        f"{folder / CACHE_FOLDER}"
    )


def _require_tools(clips: tuple[Clip, ...], config: Config) -> None:
    """Refuses to guess what a tool that is not here has made."""
    if any(clip.transcript and not clip.words for clip in clips):
        choose_aligner(config.words)
    if any(not clip.transcript and not clip.words for clip in clips):
        choose_transcriber(config.words)

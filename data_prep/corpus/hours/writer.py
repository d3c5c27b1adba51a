"""Writes the corpus of hours: many processes, each take once, and a killed run goes on."""

import json
import math
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, as_completed, wait
from pathlib import Path

from data_prep.corpus.clip_files import SUFFIXES, table
from data_prep.corpus.hours.lexicon import MEANINGS
from data_prep.corpus.hours.neural_voice import find_voice
from data_prep.corpus.hours.take import Take, plan_takes
from data_prep.corpus.hours.workers import available_cores, run_alone, worker_context
from llavataros_jax.atomic import write_json, write_text
from llavataros_jax.errors import UserError
from llavataros_jax.lock import sole_use

RECIPE = "recipe.json"
# Raise it when the same options give another corpus.
_VERSION = 1
_MEGABYTES_PER_HOUR = 70
_MOST_HOURS = 1000
_PROGRESS_SECONDS = 10.0


def write_hours(
    folder: Path,
    *,
    hours: float,
    seed: int,
    without_held_out: bool = False,
    workers: int | None = None,
    piper: Path | None = None,
) -> None:
    """Makes the takes that are not in the folder yet, and the table of all.

    Args:
        folder: Where to; one that holds fewer hours of the same corpus is added to.
        hours: How much motion there shall be at least, all clips together.
        seed: Which corpus.
        without_held_out: Whether the held-out synonyms are left out.
        workers: How many takes are made at a time; all cores if not said.
        piper: A neural voice for half of the clips.

    Raises:
        UserError: When numbers are out of range, the folder holds something else, or the disk is
            too small.
    """
    if not 0 < hours <= _MOST_HOURS:
        raise UserError(f"--hours {hours:g} is not above 0 and at most {_MOST_HOURS}; give hours")
    if seed < 0:
        raise UserError(f"--seed {seed} is below 0; give 0 or more")
    if workers is not None and workers < 1:
        raise UserError(f"--workers {workers} is below 1; give how many clips to make at a time")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"--out {folder} is a file; give a folder")
    piper = find_voice(piper) if piper else None
    recipe = {
        "version": _VERSION,
        "seed": seed,
        "without_held_out": without_held_out,
        "piper": piper.name if piper else None,
        "hours": hours,
    }
    takes = plan_takes(seed, hours)
    with sole_use(folder, option="--out"):
        _agree(folder, recipe)
        missing = [take for take in takes if not _is_there(folder, take)]
        _ask_for_space(folder, missing)
        write_json(folder / RECIPE, recipe)
        jobs = [(folder, take, seed, without_held_out, piper) for take in missing]
        _make_all(jobs, workers or available_cores(), len(takes) - len(missing))
        write_text(folder / "clips.tsv", table(row for take in takes for row in take.clips))
        print(_summary(folder, takes))


def _is_there(folder: Path, take: Take) -> bool:
    return all(
        (folder / f"{clip[0]}{suffix}").exists() for clip in take.clips for suffix in SUFFIXES
    )


def _agree(folder: Path, recipe: dict) -> None:
    """Refuses a folder that holds another corpus."""
    path = folder / RECIPE
    if not path.exists():
        if (folder / "clips.tsv").exists():
            raise UserError(
                f"--out {folder} holds another data set (it has clips.tsv and no {RECIPE}); "
                "choose another folder"
            )
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        hours = float(before["hours"])
    except (ValueError, KeyError, TypeError) as problem:
        raise UserError(f"{path} cannot be read ({problem}); choose another folder") from problem
    for name in ("version", "seed", "without_held_out", "piper"):
        if before.get(name) != recipe[name]:
            raise UserError(
                f"--out {folder} holds a corpus of {name}={before.get(name)}, and {name}="
                f"{recipe[name]} is asked for; choose another folder or ask for the same"
            )
    if hours > recipe["hours"]:
        raise UserError(
            f"--out {folder} holds {hours:g} hours and --hours {recipe['hours']:g} are fewer; "
            "choose another folder or ask for as many"
        )


def _ask_for_space(folder: Path, missing: Sequence[Take]) -> None:
    hours = sum(take.seconds * len(take.speakers) for take in missing) / 3600
    needed, free = hours * _MEGABYTES_PER_HOUR, shutil.disk_usage(folder).free / 1e6
    if needed > free:
        raise UserError(
            f"--out {folder} has {free:.0f} MB free and {hours:.1f} hours take about "
            f"{needed:.0f} MB; free some space, choose another folder or ask for fewer --hours"
        )


def _make_all(jobs: Sequence[tuple], workers: int, done: int) -> None:
    if not jobs:
        print("nothing to make: all clips are there")
        return
    total = sum(job[1].seconds * len(job[1].speakers) for job in jobs)
    print(f"{len(jobs)} takes to make, {total / 3600:.2f} h, {done} are there; {workers} at a time")
    began = told = time.monotonic()
    made = 0.0
    context = worker_context()
    with ThreadPoolExecutor(min(workers, len(jobs))) as pool:
        futures = {
            pool.submit(run_alone, context, job[1].name, "write_take", job): job for job in jobs
        }
        try:
            for future in as_completed(futures):
                future.result()
                take = futures[future][1]
                made += take.seconds * len(take.speakers)
                now = time.monotonic()
                if now - told >= _PROGRESS_SECONDS:
                    told = now
                    left = (now - began) * (total - made) / made
                    print(
                        f"{made / 3600:.2f} of {total / 3600:.2f} h, {made / (now - began):.0f} x "
                        f"real time, {math.ceil(left / 60)} min left",
                        flush=True,
                    )
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            wait(futures, return_when=FIRST_EXCEPTION)
            raise


def _summary(folder: Path, takes: Sequence[Take]) -> str:
    words: Counter[str] = Counter()
    meanings: Counter[str] = Counter()
    strokes: Counter[str] = Counter()
    clips = [clip[0] for take in takes for clip in take.clips]
    for name in clips:
        rows = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["words"]
        words.update(row["word"] for row in rows)
        meanings.update(row["meaning"] for row in rows if "meaning" in row)
        strokes.update(row["gesture"] for row in rows if "gesture" in row)
    hours = sum(take.seconds * len(take.speakers) for take in takes) / 3600
    people = {speaker for take in takes for speaker in take.speakers}
    beats = strokes["beat"]
    return (
        f"{hours:.2f} h in {len(clips)} clips of {len(people)} speakers: {words.total()} words, "
        f"{len(words)} different, {meanings.total()} with one of {len(meanings)} meanings "
        f"(of {len(MEANINGS)}), {strokes.total()} strokes, {beats} of them beats"
    )

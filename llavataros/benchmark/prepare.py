"""Preparation, part by part and as a whole, beside the usual script on the same recordings.

The usual way is that of `process_data.py` of the GENEA 2023 baseline
(https://github.com/genea-workshop/2023_ivi_baseline), from which most entries began: one process,
whole files by `librosa.load`, mel bands and prosody of a whole recording, every word looked up
anew, and a row of float32 numbers for each frame, words repeated on all frames on which they are
said. It is written here with librosa, SciPy and NumPy (pitch is librosa's YIN, where the baseline
has Praat's), so that it gives our numbers, which is checked first. PASE+ is the ancestor's way,
a window for each frame, in PyTorch where that is installed. The script keeps nothing for the next
time, shares nothing among clips, and checks nothing. Where Beam is installed, its runner on this
machine is another way for the whole: the same stages, handed out by another engine.
"""

import contextlib
import dataclasses
import io
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from data_prep.run.beam import beam_runner
from data_prep.run.pipeline import CACHE_FOLDER, prepare
from data_prep.run.workers import run_all
from llavataros.benchmark import prepare_parts, prepare_report, train_report
from llavataros.benchmark.prepare_corpus import Corpus, open_corpus
from llavataros.benchmark.prepare_usual import write_as_usual
from llavataros_jax.config import Config
from llavataros_jax.config.file import load_config
from llavataros_jax.packages import missing_packages

OUT = Path("outputs/benchmark_prepare")
_MOST_TURNS = 3  # each prepares the whole corpus in all ways


def run(turns: int, *, config: str = "demo", out: Path = OUT) -> dict[str, Any]:
    """Checks that both ways agree, times them by turns, and writes `prepare.json` and `.md`.

    Args:
        turns: Of each way; at most three.
        config: What is prepared, and how; by default the bundled corpus.
        out: Folder of the results.

    Raises:
        UserError: When the config's recordings cannot be prepared.
    """
    turns, machine = min(turns, _MOST_TURNS), prepare_report.machine()
    corpus = open_corpus(load_config(config))
    parity = prepare_parts.parity(corpus)
    for name, said in parity.items():
        print(f"{name}: {said}")
    rows, notes = [], []
    for part in prepare_parts.parts(corpus):
        rows += _timed(part.name, part.ways, part.seconds, corpus.fps, turns)
    with tempfile.TemporaryDirectory() as place:
        ways, sizes, note = _whole_ways(corpus, Path(place))
        notes += note
        rows += _timed("all", ways, corpus.seconds, corpus.fps, turns)
        found_bytes = sizes()
    prepare_report.add_ratios(rows)
    found = {
        "turns": turns,
        "corpus": corpus.described(config),
        "machine": machine,
        "load_after": train_report.load(),
        "parity": parity,
        "notes": notes,
        "bytes": found_bytes,
        "rows": rows,
    }
    prepare_report.write(found, out)
    print(prepare_report.table(found))
    print(f"written to {out}")
    return found


def _timed(
    part: str, ways: dict[str, Callable[[], object]], seconds: float, fps: float, turns: int
) -> list[dict[str, Any]]:
    """Times the ways of a part by turns; the names of ours begin with `ours`."""
    seconds_of: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(turns + 1):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            if turn:  # the first one loads and compiles
                seconds_of[name].append(time.perf_counter() - began)
    rows = []
    for way, spent in seconds_of.items():
        summary = train_report.summary(spent, round(seconds * fps))
        rate = seconds / summary["median_seconds"]
        row = {"part": part, "way": way, "is_ours": way.startswith("ours")}
        rows.append(row | summary | {"times_real": rate, "seconds_per_minute": 60 / rate})
    return rows


def _whole_ways(
    corpus: Corpus, place: Path
) -> tuple[dict[str, Callable[[], object]], Callable[[], dict[str, int]], list[str]]:
    """Returns ways of preparing everything, what sizes their results have, and what is left out."""
    kept, usual = place / "kept", place / "usual"
    folders = iter(range(1 << 30))

    def ours(workers: int, run: Any = run_all, folder: Path | None = None) -> object:
        records = folder or place / str(next(folders))
        config = _into(corpus.config, records, workers)
        if run is None:
            run = beam_runner([], records / CACHE_FOLDER)
        with _quiet():
            return prepare(config, say=lambda message: None, run=run)

    ours(1, folder=kept)
    ways: dict[str, Callable[[], object]] = {
        "ours, one process": lambda: ours(1),
        "ours, as many processes as pay": lambda: ours(0),
        "ours again, all kept": lambda: ours(1, folder=kept),
        "usual script, one process": lambda: write_as_usual(corpus, usual),
    }
    notes = []
    if corpus.cores > 1:
        ways[f"ours, {corpus.cores} processes"] = lambda: ours(corpus.cores)
    if missing_packages("apache_beam"):
        notes.append("Apache Beam is not installed, so its runner is not timed.")
    else:
        ways[f"ours on Beam's runner, {corpus.cores} processes"] = lambda: ours(
            corpus.cores, run=None
        )

    def sizes() -> dict[str, int]:
        return {
            "ours": sum(path.stat().st_size for path in kept.glob("*.tfrecord*")),
            "usual": sum(path.stat().st_size for path in usual.glob("*.npz")),
        }

    return ways, sizes, notes


def _into(config: Config, records: Path, workers: int) -> Config:
    data = dataclasses.replace(config.data, records=str(records), workers=workers)
    return dataclasses.replace(config, data=data)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        yield

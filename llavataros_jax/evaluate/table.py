"""Measures a system on clips that it was not trained on, beside the recorded motion and anchors."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from llavataros_jax.compilation_cache import keep_compiled
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.identity import difference
from llavataros_jax.errors import UserError, door
from llavataros_jax.evaluate.engine import Source, deliver, evaluate
from llavataros_jax.evaluate.films import film_clips
from llavataros_jax.evaluate.from_folders import FolderClips
from llavataros_jax.evaluate.from_records import Predict, RecordClips, animated_by
from llavataros_jax.evaluate.options import add_protocol_options, protocol_options, settings_of
from llavataros_jax.evaluation.protocols.choice import FILES, PROTOCOLS, open_protocol
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.reader import MOTION_SUFFIXES, read_motion
from llavataros_jax.packages import require_packages
from llavataros_jax.rendering.film import check_film_tools
from llavataros_jax.report.page import check_report_tools, write_report
from llavataros_jax.run_options import MOST_SAMPLES, require_sampled, with_run_options
from llavataros_jax.trained import TrainedRun, open_trained
from llavataros_jax.training.remote_run import opened_run

PROGRAM = "llavataros evaluate"
# Protocols of SMPL-X, which read all joints of its files.
BEAT2 = FILES["mean_speeds"]
EPILOG = """\
Who is measured: a run on the held-out clips of its records, or anybody's motion files beside
recorded ones of the same names (or beside --records).

  {prog} --run runs/demo --out outputs/demo
  {prog} --motion theirs --real recorded --audio sound --protocol genea

Numbers of different protocols cannot be compared; each table names its own:

{protocols}

Every table has anchors: the recorded motion against itself in halves, speech of another clip or
time, a mean and a still pose, noise, movements made smaller, or as large as the recorded ones. What
is no better than they are is not good. Intervals of 95 % are by bootstrap over clips.

Written to --out: metrics.json (the whole table, and every clip's values), report.html (look at this
one; it needs no network) and, with --films, CLIP_beside_real of every clip.

Other tools, each with a --help:

  {prog} compare          several systems in one table
  {prog} fit-alignment    learns which motion belongs to which speech, for --alignment
  {prog} fit-embedding    learns the features of FGD from recorded motion, for --embedding
  {prog} embed            features of a motion file
  {prog} dice             how alike the areas are in which two motions gesture
  {prog} positions        a table of motion that is positions only
"""


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Reads the command line and measures."""
    given = build_parser(prog).parse_intermixed_args(arguments)
    require_packages("finding the beats of speech", "librosa", "soundfile", extra="prep")
    if given.films:
        check_film_tools()
    if not given.no_report:
        check_report_tools()
    _check_samples(given)
    keep_compiled()
    run = with_run_options(open_trained(given.run), given.overrides) if given.run else None
    source = open_source(given, run)
    protocol = open_protocol(given.protocol, protocol_options(given))
    result = evaluate(
        source,
        protocol,
        seed=given.seed,
        resamples=given.resamples,
        settings=settings_of(given, run, prog),
    )
    out = Path(given.out)
    written = deliver(result, out)
    if given.films:
        written += film_clips(source, out, run)
    if not given.no_report:
        written.append(out / "report.html")
        write_report(
            written[-1],
            result,
            source,
            run=run,
            log=opened_run(given.run) / "log.jsonl" if given.run else None,
            reader=source.reader if run and isinstance(source, RecordClips) else None,
        )
    print("wrote " + ", ".join(str(path) for path in written))
    return 0


def _check_samples(given: argparse.Namespace) -> None:
    if not 1 <= given.samples <= MOST_SAMPLES:
        raise UserError(
            f"--samples {given.samples} is not a whole number from 1 to {MOST_SAMPLES}; protocols "
            "of several samples want 5"
        )
    if given.motion and given.samples > 1:
        raise UserError(
            "--samples are drawn from a run; for --motion name a folder for each sample instead"
        )


def open_source(given: argparse.Namespace, run: TrainedRun | None) -> Source:
    """Returns the clips that a command line means.

    Raises:
        UserError: When options do not go together, or a folder or its files are not as needed.
    """
    if (run is None) == (given.motion is None):
        raise UserError("name who is measured: either --run or --motion, and not both")
    if run is not None:
        if given.real or given.audio:
            raise UserError(
                "--real and --audio belong to --motion; a run is measured on its --records, with "
                "sound from --recordings"
            )
        if given.samples > 1:
            require_sampled(run, ["--samples"], name=f"run {given.run}")
        records = given.records or run.config.data.records
        reader = ClipReader(records, given.split, recorded_only=True)
        if differing := difference(run.manifest, reader.manifest):
            raise UserError(
                f"records {records} are not those that {given.run} was trained with "
                f"({differing}); name the right ones with --records"
            )
        recordings = Path(given.recordings or run.config.data.folder)
        predict = animated_by(
            run, hide_words=given.without_words, samples=given.samples, reader=reader
        )
        system = f"{run.checkpoint} of {given.run}"
        system += " without words" if given.without_words else ""
        return RecordClips(reader, recordings, predict, system=system)
    if given.without_words:
        raise UserError("--without-words hides words from a run; it does nothing to --motion")
    if bool(given.records) == bool(given.real):
        raise UserError(
            "--motion is compared with recorded motion: name either --real, a folder of it, or "
            "--records"
        )
    if given.records:
        if not given.recordings:
            raise UserError(f"--records {given.records} needs the sound: name --recordings")
        reader = ClipReader(given.records, given.split, recorded_only=True)
        predict = _files_of(given, reader.manifest.fps)
        system = ", ".join(given.motion)
        return RecordClips(reader, Path(given.recordings), predict, system=system)
    return FolderClips(
        [Path(folder) for folder in given.motion],
        Path(given.real),
        Path(given.audio) if given.audio else None,
        source_fps=given.fps,
        bvh_metres_per_unit=given.metres_per_unit,
        whole_smplx=given.protocol in BEAT2,
    )


def _files_of(given: argparse.Namespace, records_fps: float) -> Predict:
    """Returns what reads a system's motion of a clip of records, by the clip's name."""

    def predict(name: str, arrays: Mapping[str, Any]) -> tuple[Motion, ...]:
        motions = []
        for folder in given.motion:
            places = [Path(folder) / f"{name}{suffix}" for suffix in MOTION_SUFFIXES]
            path = next((place for place in places if place.is_file()), None)
            if path is None:
                raise UserError(
                    f"{folder} has no motion of clip {name}; it must be called {name}"
                    f"{' or '.join(MOTION_SUFFIXES)}"
                )
            motion, _ = read_motion(
                path,
                audio_seconds=len(arrays["pose"]) / records_fps,
                source_fps=given.fps,
                bvh_metres_per_unit=given.metres_per_unit,
            )
            motions.append(motion)
        return tuple(motions)

    return predict


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    width = max(map(len, PROTOCOLS))
    protocols = "\n".join(f"  {name.ljust(width)}  {what}" for name, what in PROTOCOLS.items())
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Measure a system's motion, with anchors and intervals, by a named protocol.",
        epilog=EPILOG.format(prog=prog, protocols=protocols),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    who = parser.add_argument_group("who is measured")
    who.add_argument("--run", "--checkpoint", metavar="RUN", help="run directory")
    who.add_argument(
        "--motion", nargs="+", metavar="DIR", help="anybody's motion; a folder for each sample"
    )
    who.add_argument(
        "--samples",
        type=int,
        default=1,
        metavar="N",
        help="motions of each clip, drawn from a run with model.head=flow by the seeds 0, 1, …; "
        "torso measures the first and how they vary (default: %(default)s)",
    )
    clips = parser.add_argument_group("on which clips")
    clips.add_argument("--records", metavar="DIR", help="if not where the run found them")
    clips.add_argument(
        "--recordings", metavar="DIR", help="sound of the records, if not in the run's data.folder"
    )
    clips.add_argument("--split", choices=("validation", "train"), default="validation")
    clips.add_argument("--real", metavar="DIR", help="recorded motion to compare --motion with")
    clips.add_argument("--audio", metavar="DIR", help="its sound, by the same names")
    clips.add_argument("--fps", type=float, metavar="RATE", help="of motion that does not say it")
    clips.add_argument(
        "--metres-per-unit", type=float, metavar="M", help="of BVH, if not found out rightly"
    )
    how = parser.add_argument_group("how")
    add_protocol_options(how)
    how.add_argument(
        "--without-words", action="store_true", help="hide all words: how well sound alone does"
    )
    parser.add_argument(
        "--out", default="outputs/evaluation", metavar="DIR", help="(default: %(default)s)"
    )
    parser.add_argument("--films", action="store_true", help="film predicted beside real motion")
    parser.add_argument("--no-report", action="store_true", help="write no report.html")
    parser.add_argument(
        "overrides", nargs="*", metavar="section.key=value", help="such as film.width=1280"
    )
    return parser

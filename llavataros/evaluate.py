"""Measures a trained run on its held-out clips: a table beside the real motion and anchors."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from llavataros_jax.atomic import write_json
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.identity import difference
from llavataros_jax.data.recordings import find_recording
from llavataros_jax.data.segments import interlocutor_of, speech_of, without_words, words_of
from llavataros_jax.errors import UserError, door
from llavataros_jax.evaluation.report import evaluate_clip, format_table, summarise
from llavataros_jax.packages import require_packages
from llavataros_jax.rendering.film import check_film_tools, write_film
from llavataros_jax.run_options import with_run_options
from llavataros_jax.sound.beats import audio_beats
from llavataros_jax.trained import open_trained

EPILOG = """\
Each held-out clip is animated from its records and measured against its recorded motion, and so
are a held mean pose and a held still pose. The columns "shifted speech" measure the same motion
against speech of another time: what is no better than they are does not follow the speech.

  llavataros evaluate --checkpoint runs/demo --out outputs/demo --films

Written to --out: metrics.json (every clip and their mean) and, with --films, CLIP_beside_real of
every clip, the predicted person on the left and the recorded one on the right.
"""


PROGRAM = "llavataros evaluate"


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Reads the command line and measures."""
    given = build_parser(prog).parse_intermixed_args(arguments)
    require_packages("finding the beats of speech", "librosa", "soundfile", extra="prep")
    if given.films:
        check_film_tools()
    run = with_run_options(open_trained(given.checkpoint), given.overrides)
    records = given.records or run.config.data.records
    recordings = Path(given.recordings or run.config.data.folder)
    reader = ClipReader(records, given.split)
    if differing := difference(run.manifest, reader.manifest):
        raise UserError(
            f"records {records} are not those that {given.checkpoint} was trained with "
            f"({differing}); name the right ones with --records"
        )
    if not len(reader):
        raise UserError(f"records {records} have no clip of the split {given.split}")
    out = Path(given.out)
    out.mkdir(parents=True, exist_ok=True)

    fps = run.manifest.fps
    results, written = {}, [out / "metrics.json"]
    bar = tqdm(reader.clips, unit="clip", disable=not sys.stderr.isatty())
    for number, entry in enumerate(bar):
        clip = reader[number]
        main, other = speech_of(clip), interlocutor_of(clip)
        if given.without_words:
            main, other = without_words(main), other and without_words(other)
        predicted = run.animate(main, other)
        real = run.animator.codec.decode(clip["pose"], fps, entry.speaker)
        words = words_of(clip)
        start = entry.start_frame / fps
        recording = find_recording(recordings, entry.recording, option="--recordings")
        beats = audio_beats(recording) - start
        results[entry.name] = evaluate_clip(
            predicted,
            real,
            audio_beats_seconds=beats[(beats >= 0) & (beats < real.seconds)],
            words=words,
        )
        if given.films:
            film = run.config.film
            written.append(out / f"{entry.name}_beside_real{film.suffix}")
            write_film(
                written[-1],
                predicted,
                second=real,
                facing_alike=True,
                audio=recording,
                audio_start_seconds=start,
                words=words,
                title="predicted, real",
                width=film.width,
                height=film.height,
            )
    summary = summarise(list(results.values()))
    of_run = {"checkpoint": run.checkpoint, "split": given.split}
    of_run |= {"without_words": True} if given.without_words else {}
    write_json(written[0], {**of_run, "mean": summary, "clips": results})
    print(format_table(summary))
    seconds = sum(entry.seconds for entry in reader.clips)
    print(f"{len(results)} clips, {seconds:.1f} s, by {run.checkpoint} of {given.checkpoint}")
    print("wrote " + ", ".join(str(path) for path in written))
    return 0


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Measure a trained run on clips that it was not trained on.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--checkpoint", required=True, metavar="RUN", help="run directory")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder to write to")
    parser.add_argument("--records", metavar="DIR", help="if not where the run found them")
    parser.add_argument(
        "--recordings", metavar="DIR", help="sound, if not in the run's data.folder"
    )
    parser.add_argument("--split", choices=("validation", "train"), default="validation")
    parser.add_argument(
        "--without-words", action="store_true", help="hide all words: how well sound alone does"
    )
    parser.add_argument("--films", action="store_true", help="film predicted beside real motion")
    parser.add_argument(
        "overrides", nargs="*", metavar="section.key=value", help="such as film.width=1280"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

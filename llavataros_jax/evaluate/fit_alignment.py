"""Trains and freezes the model by which motion is matched with its speech, on a data set's own."""

import argparse
import csv
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from llavataros_jax.alignment.accuracy import Accuracy
from llavataros_jax.alignment.file import write_alignment
from llavataros_jax.alignment.fitting import Progress, fit_alignment
from llavataros_jax.alignment.material import AlignmentClip, alignment_clip
from llavataros_jax.alignment.model import AlignmentModel
from llavataros_jax.alignment.settings import Settings
from llavataros_jax.alignment.speech import SAMPLE_RATE
from llavataros_jax.errors import UserError, door
from llavataros_jax.evaluate.from_folders import FolderClips
from llavataros_jax.evaluate.from_positions import PositionClips
from llavataros_jax.packages import require_packages
from llavataros_jax.weights.described_file import SUFFIX

PROGRAM = "llavataros evaluate fit-alignment"
EPILOG = """\
Natural motion with its sound; each --motion or --joints goes with the --audio after it:

  {prog} --motion take/bvh --audio take/wav --out alignment.safetensors
  {prog} --joints coords.npz --audio wav \\
      --motion hours --audio hours --learning-curve --out alignment.safetensors

The first is the data set that the model is for: a share of each speaker's clips is held out, and
how often their motion prefers their own speech to other speech of the speaker is what the model's
verdicts are worth. What follows helps it to learn. Sub-folders are speakers, or a clips.tsv of the
generated corpora beside the motion says who speaks. Clips in which the same is said, such as a take
and its mirror image, are never held out without each other.

A table shows verdicts only where the interval of that accuracy lies above 0.5. The file holds
weights, seed, hashes of weights and data, the accuracy with its interval, and the learning curve.
"""
_CURVE = (0.25, 0.5)
_REPORTED_STEPS = 100
_WANTED = ("--motion or --joints", "--audio")


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Reads the command line, trains and writes."""
    given = build_parser(prog).parse_args(arguments)
    out = Path(given.out)
    if out.suffix != SUFFIX:
        raise UserError(f"--out must end in {SUFFIX}, but is {out}; rename it")
    settings = Settings(
        seed=given.seed, members=given.members, steps=given.steps, hold_out=given.hold_out
    )
    require_packages("hearing speech", "librosa", "soundfile", extra="prep")
    clips = clips_of(_sources(given.sources or []), given.source_fps)
    curve = ()
    if given.learning_curve:
        curve = ((0.0,) if any(clip.source for clip in clips) else ()) + _CURVE
    began = time.perf_counter()
    total = settings.members * settings.steps * (1 + len(curve))
    with tqdm(total=total, unit="step", disable=not sys.stderr.isatty()) as bar:

        def report(progress: Progress) -> None:
            bar.update(progress.step - bar.n)
            bar.set_postfix(loss=f"{progress.loss:.3f}")
            if bar.disable and progress.step % _REPORTED_STEPS == 0:
                left = (time.perf_counter() - began) / progress.step * (total - progress.step)
                said = f"step {progress.step}/{total} · loss {progress.loss:.3f}"
                print(f"{said} · {left:.0f} s left", file=sys.stderr)

        model = fit_alignment(clips, settings, curve=curve, report=report)
    write_alignment(out, model)
    _tell(model)
    print(f"{out}: alignment model {model.hash}, in {time.perf_counter() - began:.1f} s")
    return 0


def _sources(given: Sequence[tuple[str, Path]]) -> list[tuple[str, Path, Path]]:
    """Returns kind, motion and sound of each source."""
    fix = "give each --motion or --joints followed by its --audio"
    if not given:
        raise UserError(f"there is nothing to learn from; {fix}")
    kinds = [kind for kind, _ in given]
    for place, (kind, path) in enumerate(given):
        is_sound = place % 2 == 1
        if (kind == "audio") != is_sound:
            raise UserError(f"--{kind} {path} stands where {_WANTED[is_sound]} is needed; {fix}")
    if len(kinds) % 2:
        raise UserError(f"--{kinds[-1]} {given[-1][1]} has no --audio; {fix}")
    pairs = zip(given[::2], given[1::2], strict=True)
    return [(kind, motion, audio) for (kind, motion), (_, audio) in pairs]


def clips_of(
    sources: Sequence[tuple[str, Path, Path]], source_fps: float | None
) -> list[AlignmentClip]:
    clips = []
    for number, (kind, motion, audio) in enumerate(sources):
        if kind == "joints":
            performances = PositionClips([motion], None, audio, fps=source_fps)
        else:
            performances = FolderClips([], motion, audio, source_fps=source_fps)
        speakers = _speakers(motion)
        progress = tqdm(
            range(len(performances)), unit="clip", desc=str(motion), disable=not sys.stderr.isatty()
        )
        for place in progress:
            performance = performances[place]
            if performance.spoken is None:
                continue
            speaker = speakers.get(performance.clip, performance.speaker)
            samples = performance.spoken.samples(SAMPLE_RATE)
            clips.append(
                alignment_clip(performance.clip, speaker, performance.real, samples, source=number)
            )
    return clips


def _speakers(folder: Path) -> dict[str, str]:
    """Returns who speaks in which clip, where a generated corpus says so."""
    table = folder / "clips.tsv"
    if not table.is_file():
        return {}
    try:
        rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines(), delimiter="\t"))
        return {row["name"]: row["speaker"] for row in rows}
    except (ValueError, KeyError, csv.Error) as problem:
        raise UserError(
            f"{table} must have columns name and speaker, parted by tabs ({problem}); write it "
            "anew, or remove it and put each speaker's motion in a folder of its own"
        ) from problem


def _tell(model: AlignmentModel) -> None:
    for point in model.curve:
        print(f"learnt from {point.seconds:7.1f} s: {said(point.accuracy)}")
    if not model.accuracy.excludes_chance:
        print(
            "note: on held-out natural motion this model is not better than chance, so no table "
            "will show its verdicts; give it more natural motion of this data set",
            file=sys.stderr,
        )


def said(accuracy: Accuracy) -> str:
    """Says an accuracy with its interval."""
    if accuracy.share is None:
        return "nothing held out can be compared: clips of 6 s and more are needed"
    text = f"{accuracy.share:.3f} of held-out motion prefers its own speech"
    if accuracy.interval is None:
        return f"{text} (no interval: {accuracy.clips} clips or parts of 10 s, and 5 are needed)"
    low, high = accuracy.interval
    return f"{text} [{low:.3f}, {high:.3f}], {accuracy.clips} clips, 0.5 is chance"


class _Source(argparse.Action):
    """Keeps sources in the order in which they are given."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Adds one option and its value."""
        found = [*(namespace.sources or []), (str(option_string)[2:], Path(values))]
        namespace.sources = found


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        allow_abbrev=False,
        description=__doc__,
        epilog=EPILOG.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for option, metavar, text in (
        ("--motion", "DIR", "folder of .bvh, .npy and .npz files of natural motion"),
        ("--joints", "FILE", ".npz of positions, one array (frames, joints, 3) for each clip"),
        ("--audio", "DIR", "folder of their sound, under the same names"),
    ):
        parser.add_argument(
            option, dest="sources", action=_Source, default=None, metavar=metavar, help=text
        )
    parser.add_argument("--out", required=True, metavar="FILE", help=f"what to write, {SUFFIX}")
    whole = {"type": int, "metavar": "N"}
    settings = Settings()
    parser.add_argument("--seed", default=settings.seed, help="default: %(default)s", **whole)
    parser.add_argument(
        "--members",
        default=settings.members,
        help="pairs of encoders whose similarities are averaged; default: %(default)s",
        **whole,
    )
    parser.add_argument(
        "--steps", default=settings.steps, help="of each; default: %(default)s", **whole
    )
    parser.add_argument(
        "--hold-out",
        type=float,
        default=settings.hold_out,
        metavar="SHARE",
        help="of each speaker's clips in the first data set; default: %(default)s",
    )
    parser.add_argument(
        "--learning-curve",
        action="store_true",
        help="also train on a quarter and a half of the first data set, and on none of it",
    )
    parser.add_argument(
        "--source-fps", type=float, metavar="FPS", help="rate of motion, if its file says none"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""Trains an embedding for the Fréchet gesture distance on anybody's motion."""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from llavataros_jax.data.clips import ClipReader
from llavataros_jax.embedding.checkpoint import read_joints
from llavataros_jax.embedding.file import digest, write_embedding
from llavataros_jax.embedding.layout import Layout
from llavataros_jax.embedding.material import Clip, Material, gather
from llavataros_jax.embedding.motion_files import motion_files, read_alone
from llavataros_jax.embedding.training import Progress, Settings, fit
from llavataros_jax.errors import UserError, door
from llavataros_jax.listing import listed
from llavataros_jax.motion.resampling import resample
from llavataros_jax.motion.trajectories import of_motion
from llavataros_jax.weights.described_file import SUFFIX

PROGRAM = "llavataros evaluate fit-embedding"
EPILOG = """\
The autoencoder is that of the GENEA numerical evaluations, for any joints, rate and window:

  %(prog)s --motion corpus/motion --out embedding.safetensors
  %(prog)s --records data/records --split train --out embedding.safetensors

A share of the recordings is held out; how well their windows are rebuilt is printed early, in
standard deviations, beside the mean pose, which knows nothing of them. The file holds weights,
mean and standard deviation, joints, rate, seed and that error; the same command writes the same
bytes again on the same machine. Distances by different embeddings cannot be compared.
"""
_LISTED = 6


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Reads the command line, trains and writes."""
    given = build_parser(prog).parse_args(arguments)
    out = Path(given.out)
    if out.suffix != SUFFIX:
        raise UserError(f"--out must end in {SUFFIX}, but is {out}; rename it")
    if not 0 <= given.held_out < 1:
        raise UserError(f"--held-out must be a share from 0 to below 1, not {given.held_out}")
    for option in ("fps", "source_fps"):
        value = getattr(given, option)
        if value is not None and not 0 < value < 1e6:
            raise UserError(f"--{option.replace('_', '-')} must be positive, not {value}")
    settings = Settings(
        window_frames=given.window,
        stride_frames=max(1, given.window // 2) if given.stride is None else given.stride,
        epochs=given.epochs,
        batch_windows=given.batch,
        learning_rate=given.learning_rate,
        seed=given.seed,
        identity_leaky=given.dense == "identity",
    )
    Layout(settings.window_frames, 3)  # refuses windows that are too short before files are read
    material = gather(
        _clips(given),
        window_frames=settings.window_frames,
        stride_frames=settings.stride_frames,
        held_out=given.held_out,
        seed=settings.seed,
        joints=read_joints(given.joints) if given.joints else None,
    )
    _describe(material)
    began = time.perf_counter()
    with tqdm(total=settings.epochs, unit="epoch", disable=not sys.stderr.isatty()) as bar:

        def report(progress: Progress) -> None:
            bar.update()
            bar.set_postfix(loss=f"{progress.loss:.3f}")
            if progress.errors is not None:
                bar.write(f"epoch {progress.epoch}: {_said(progress)}")

        embedding = fit(material, settings, report=report)
    write_embedding(out, embedding)
    print(f"{out}: embedding {digest(embedding)}, in {time.perf_counter() - began:.1f} s")
    return 0


def _clips(given: argparse.Namespace) -> Iterator[Clip]:
    """Yields the clips, with progress; each is read when it is asked for."""
    hidden = not sys.stderr.isatty()
    if given.motion is not None:
        if given.split is not None:
            raise UserError("--split has no effect on --motion; leave it out")
        folder = Path(given.motion)
        for path in tqdm(motion_files(folder), unit="file", disable=hidden):
            motion, notes = read_alone(path, source_fps=given.source_fps, fps=given.fps)
            name = path.relative_to(folder).as_posix()
            for note in notes:
                tqdm.write(f"note: {name}: {note}", file=sys.stderr)
            yield Clip(name, name, of_motion(motion))
        return
    if given.source_fps is not None:
        raise UserError("--source-fps has no effect on --records, which know it; leave it out")
    split = given.split or "train"
    reader = ClipReader(given.records, split, recorded_only=True)
    if not len(reader):
        raise UserError(f"records {given.records} have no clip of the split {split}")
    codec, fps = reader.manifest.pose_codec(), reader.manifest.fps
    for number, entry in enumerate(tqdm(reader.clips, unit="clip", disable=hidden)):
        motion = codec.decode(reader[number]["pose"], fps, entry.speaker)
        motion = motion if given.fps is None else resample(motion, given.fps)
        yield Clip(entry.name, entry.take, of_motion(motion))


def _describe(material: Material) -> None:
    print(
        f"{material.num_clips} clips, {len(material.joints)} joints at {material.fps:g} frames per "
        f"second: {len(material.train)} windows, and {len(material.held_out)} held out"
    )
    if material.still:
        print(
            f"note: {len(material.still)} of {len(material.mean)} numbers never change "
            f"({listed(material.still, _LISTED)}); they are left as they are",
            file=sys.stderr,
        )
    if not len(material.held_out):
        print(
            "note: nothing is held out, so how well new motion is rebuilt is not known",
            file=sys.stderr,
        )


def _said(progress: Progress) -> str:
    errors = progress.errors
    assert errors is not None
    return (
        f"loss {progress.loss:.3f}; held-out error {errors.deviations:.3f} standard deviations "
        f"(mean pose {errors.mean_pose_deviations:.3f}), {1000 * errors.metres:.1f} mm"
    )


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Train the autoencoder by whose features motion is compared.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--motion", metavar="DIR", help="folder of .bvh, .npy and .npz files")
    source.add_argument("--records", metavar="DIR", help="folder of records")
    parser.add_argument(
        "--split", choices=("train", "validation"), help="of the records; default: train"
    )
    parser.add_argument("--out", required=True, metavar="FILE", help=f"what to write, {SUFFIX}")
    parser.add_argument("--joints", metavar="FILE", help="names, one a line; default: all")
    parser.add_argument("--fps", type=float, help="bring all motion to this rate")
    parser.add_argument(
        "--source-fps", type=float, metavar="FPS", help="rate of motion, if its file says none"
    )
    whole = {"type": int, "metavar": "N"}
    parser.add_argument("--window", default=30, help="frames; default: %(default)s", **whole)
    parser.add_argument("--stride", help="frames between windows; default: half", **whole)
    parser.add_argument("--epochs", default=50, help="default: %(default)s", **whole)
    parser.add_argument("--batch", default=64, help="windows; default: %(default)s", **whole)
    parser.add_argument(
        "--learning-rate", type=float, default=5e-4, metavar="X", help="default: %(default)s"
    )
    parser.add_argument("--seed", default=0, help="default: %(default)s", **whole)
    parser.add_argument(
        "--held-out",
        type=float,
        default=0.1,
        metavar="SHARE",
        help="of the recordings; default: %(default)s",
    )
    parser.add_argument(
        "--dense",
        choices=("identity", "leaky"),
        default="identity",
        help="between dense layers: nothing, as GENEA's code has it, or a slope of 0.01",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""Features of motion files by an embedding: what the Fréchet gesture distance is computed from."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from llavataros_jax.atomic import atomic_path
from llavataros_jax.embedding.checkpoint import read_checkpoint
from llavataros_jax.embedding.embedding import Embedding
from llavataros_jax.embedding.features import encoded
from llavataros_jax.embedding.file import digest, read_embedding
from llavataros_jax.embedding.motion_files import read_alone
from llavataros_jax.embedding.positions import joints_with_places, positions_for
from llavataros_jax.errors import UserError, door
from llavataros_jax.motion.bvh import read_bvh_body
from llavataros_jax.motion.resampling import resample
from llavataros_jax.motion.trajectories import of_motion
from llavataros_jax.weights.described_file import SUFFIX

PROGRAM = "llavataros evaluate embed"
EPILOG = """\
The result, an .npz:
  positions  (frames, joints, 3): as the embedding has them; GENEA's in centimetres, from doubled
             BVH offsets
  features   (windows, 32): one row for each window of a file; a shorter file has none
  joints     names of the joints, and `fps`, their rate
  files      names of the files, with `frames` and `windows`, how many rows each of them has
  digest     identity of the embedding: only features of the same one can be compared

  %(prog)s --protocol genea --checkpoint model_checkpoint_30.bin --bvh A.bvh --out A.npz
  %(prog)s --checkpoint embedding.safetensors --motion A.npy B.bvh --out AB.npz

A GENEA checkpoint needs *_mean.npy, *_std.npy and *_target_joints.txt beside it, or their options.
Its BVH units are read as centimetres and never corrected; our embeddings know metres, y up.
"""


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Reads the command line, encodes all files and writes."""
    given = build_parser(prog).parse_args(arguments)
    out = Path(given.out)
    if out.suffix != ".npz":
        raise UserError(f"--out must end in .npz, but is {out}; rename it")
    if given.source_fps is not None and not 0 < given.source_fps < 1e6:
        raise UserError(f"--source-fps must be positive, not {given.source_fps}")
    embedding, is_genea = _opened(given)
    positions, rows = [], []
    for path in map(Path, given.motion):
        found, notes = _positions(path, embedding, given, is_genea)
        positions.append(found.astype(np.float32))
        rows.append(encoded(embedding, found))
        few = "" if len(rows[-1]) else f"; a window has {embedding.layout.frames}, so there is none"
        print(f"{path}: {len(found)} frames, {len(rows[-1])} windows{few}")
        for note in notes:
            print(f"note: {path}: {note}", file=sys.stderr)
    with atomic_path(out) as temporary:
        np.savez(
            temporary,
            positions=np.concatenate(positions),
            features=np.concatenate(rows),
            joints=np.array(embedding.joints),
            fps=np.array(embedding.fps),
            files=np.array(list(map(str, given.motion))),
            frames=np.array(list(map(len, positions))),
            windows=np.array(list(map(len, rows))),
            digest=np.array(digest(embedding)),
        )
    print(f"{out}: by embedding {digest(embedding)}")
    return 0


def _opened(given: argparse.Namespace) -> tuple[Embedding, bool]:
    """Returns the embedding, and whether it is one of GENEA's."""
    options = {name: getattr(given, name) for name in ("mean", "std", "joints")}
    if Path(given.checkpoint).suffix != SUFFIX:
        if given.source_fps is not None:
            raise UserError("--source-fps has no effect on BVH files of GENEA; leave it out")
        embedding = read_checkpoint(
            given.checkpoint,
            **options,
            identity_leaky=given.dense != "leaky",
            doubled_offsets=given.offsets != "single",
        )
        return embedding, True
    if given.protocol == "genea":
        raise UserError(
            f"--protocol genea wants a checkpoint of GENEA (.bin), but {given.checkpoint} is one "
            "of our own embeddings; leave --protocol out"
        )
    options |= {name: getattr(given, name) for name in ("dense", "offsets")}
    if unused := [f"--{name}" for name, value in options.items() if value is not None]:
        raise UserError(
            f"{', '.join(unused)} has no effect on {given.checkpoint}, which holds all that; leave "
            "it out"
        )
    return read_embedding(given.checkpoint), False


def _positions(
    path: Path, embedding: Embedding, given: argparse.Namespace, is_genea: bool
) -> tuple[np.ndarray, tuple[str, ...]]:
    fps = embedding.fps if given.resample else None
    if not is_genea:
        motion, notes = read_alone(path, source_fps=given.source_fps, fps=fps)
        doubled = None
    elif path.suffix.lower() != ".bvh":
        raise UserError(f"GENEA's positions come from BVH files, but {path} is none; export it")
    else:
        motion, left_out = read_bvh_body(path)
        notes = (f"left out is what hangs on {', '.join(left_out)}",) if left_out else ()
        motion = resample(motion, fps) if fps else motion
        doubled = joints_with_places(path)
    try:
        return positions_for(embedding, of_motion(motion), doubled=doubled), notes
    except UserError as refusal:
        cure = str(refusal).replace("resample the motion", "add --resample")
        raise UserError(f"{path}: {cure}") from refusal


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Compute an embedding's features of motion files.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--checkpoint",
        required=True,
        metavar="FILE",
        help="GENEA's .bin, or embedding.safetensors of fit-embedding",
    )
    parser.add_argument(
        "--bvh",
        "--motion",
        dest="motion",
        required=True,
        nargs="+",
        action="extend",
        metavar="FILE",
        help="motion: .bvh, and for our own embeddings .npy and .npz too",
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="where to write, .npz")
    parser.add_argument(
        "--protocol", choices=("genea",), help="what the checkpoint must be; else it is seen"
    )
    parser.add_argument("--resample", action="store_true", help="bring motion to the right rate")
    parser.add_argument(
        "--source-fps", type=float, metavar="FPS", help="rate of motion, if its file says none"
    )
    of_genea = parser.add_argument_group("GENEA's checkpoints alone")
    of_genea.add_argument("--mean", metavar="FILE", help="mean of its positions, .npy")
    of_genea.add_argument("--std", metavar="FILE", help="their standard deviation, .npy")
    of_genea.add_argument("--joints", metavar="FILE", help="names of its joints, one a line")
    of_genea.add_argument(
        "--offsets",
        choices=("doubled", "single"),
        help="BVH offsets as PyMO has them, twice, which is the default, or as they are",
    )
    of_genea.add_argument(
        "--dense",
        choices=("identity", "leaky"),
        help="between dense layers: nothing, which is what LeakyReLU(True) does and the default, "
        "or a slope of 0.01",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

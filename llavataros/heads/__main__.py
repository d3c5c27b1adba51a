"""Trains heads, measures them beside a gain on the regression, and makes the table that decides."""

import argparse
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from llavataros.ablation.__main__ import prepared
from llavataros.ablation.measurement import read_measured
from llavataros.ablation.parts import Part, option
from llavataros.ablation.workers import Job, work
from llavataros.heads.film import film_heads, shown_rows
from llavataros.heads.measures import open_measures
from llavataros.heads.minutes import write_minutes
from llavataros.heads.picture import draw_heads
from llavataros.heads.plan import Plan, plan_trainings
from llavataros.heads.rows import ROWS, Row, choose_rows, part_dials
from llavataros.heads.table import HeadTable, markdown, plain, tabulate
from llavataros_jax.atomic import write_json, write_text
from llavataros_jax.config.file import load_config
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.manifest import Manifest
from llavataros_jax.errors import UserError, door
from llavataros_jax.evaluation.protocol import ProtocolOptions
from llavataros_jax.evaluation.protocols.torso import protocol as torso
from llavataros_jax.evaluation.take import Performance
from llavataros_jax.lock import sole_use
from llavataros_jax.motion.trajectories import of_motion
from llavataros_jax.rendering.film import check_film_tools
from llavataros_jax.rendering.plots import check_picture
from llavataros_jax.storage.place import local_folder
from llavataros_jax.training.run import read_config, versions

EPILOG = """\
Rows are trainings, ways to sample one, or a gain on the regression, whose size is searched for on
the very clips that are measured: the best that a volume control can do. All are measured on the
clips that the config holds out, with their own speech and with speech of another time, at which a
head that listens falls to a matched score of 0.5.

  llavataros heads --config demo --alignment alignment.safetensors --films
  llavataros heads --config demo --rows regression,gain,flow-2 --seeds 4 --jobs 4
  llavataros heads --config corpus.yaml --minutes 1 4 15 60

The matched score needs encoders of `llavataros evaluate fit-alignment`. FGD needs an embedding,
which is fitted to the training clips where none is given. Finished networks are not trained again
and an interrupted training goes on where it was, so the same command finishes what was stopped.

Written to --out: table.md, table.json, heads.png, a film of the first held-out clip (--films), the
run directories (runs) and what was measured of each (measured).

Rows: {rows}
"""
PROGRAM = "llavataros heads"
RESULT = "table.json"


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Reads the command line, trains, measures and compares."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    given = build_parser(prog).parse_args(words)
    for name in ("seeds", "jobs", "samples"):
        if getattr(given, name) < 1:
            raise UserError(f"--{name} is {getattr(given, name)}, but must be 1 or more")
    rows = choose_rows(given.rows, start_from=given.start_from, minutes=given.minutes)
    overrides, dials = part_dials(given.overrides)
    config = load_config(given.config, [*overrides, *dials])
    out: Path = given.out
    check_picture(out / "heads.png")
    if given.films:
        check_film_tools()
        if not shown_rows(rows):
            raise UserError(
                "--films shows regression, gain and flow, none of which is among the rows; leave "
                "it out"
            )
    for path in (given.embedding, given.alignment):
        if path and not path.is_file():
            raise UserError(f"{path} does not exist; name a file of llavataros evaluate fit-…")
    # What cannot be used is refused before hours of work.
    open_measures(given.embedding, given.alignment)
    if given.start_from:
        read_config(given.start_from)
    _require_own(out)
    with sole_use(out, option="--out"):
        if not (out / RESULT).exists():
            write_json(out / RESULT, {"written_by": PROGRAM, "finished": False})
        records = local_folder(
            config.data.records, option="data.records", purpose="this program prepares into"
        )
        options = ["--config", given.config, *overrides]
        manifest = prepared(Part(records, (option("data.records", records),)), options)
        if not manifest.clips_of("validation"):
            raise UserError(
                f"records {records} have no held-out clip, so nothing can be compared; set "
                "data.holdout_takes or data.holdout_fraction"
            )
        parts = _parts(rows, manifest, records, out, given.minutes)
        runs = plan_trainings(
            *(rows, parts),
            seeds=given.seeds,
            config=given.config,
            overrides=overrides,
            out=out / "runs",
        )
        embedding = given.embedding or fitted_embedding(records, out)
        plan = Plan(rows, runs, out, dials, given.samples, embedding, given.alignment)
        jobs = plan.jobs()
        print(f"== Train and measure: {len(jobs)} networks, {given.jobs} at a time", flush=True)
        for folder in ("runs", "measured"):
            (out / folder).mkdir(exist_ok=True)
        work(jobs, at_once=given.jobs, say=lambda line: print(line, flush=True))
        table = _tabulated(plan, manifest, command=f"{prog} {shlex.join(words)}")
        written = _write(table, out)
        if given.films:
            written.append(film_heads(out, plan, table.sizes))
    print(f"\n{markdown(table)}")
    print("wrote " + ", ".join(map(str, written)))
    return 0


def fitted_embedding(records: Path, out: Path) -> Path:
    """Returns an embedding of the training clips' upper bodies, fitted unless it is there.

    Raises:
        UserError: When fitting fails.
    """
    reader = ClipReader(records, "train")
    path = out / f"embedding_{reader.manifest.content_hash[:12]}.safetensors"
    if path.is_file():
        return path
    print("== Fit the embedding of FGD to the training clips", flush=True)
    joints = path.with_suffix(".txt")
    write_text(joints, "\n".join(_measured_joints(reader)) + "\n")
    fit = ("-m", "llavataros_jax.evaluate", "fit-embedding", "--records", str(records))
    fit += ("--joints", str(joints), "--out", str(path))
    job = Job("embedding", (fit,), path.with_suffix(".log"), 1)
    work([job], at_once=1, say=lambda line: print(line, flush=True))
    return path


def _measured_joints(reader: ClipReader) -> tuple[str, ...]:
    """Returns the names of the joints that the protocol leaves of a clip."""
    entry, codec = reader.clips[0], reader.manifest.pose_codec()
    pose = reader[0]["pose"][:1]
    real = of_motion(codec.decode(pose, reader.manifest.fps, entry.speaker))
    prepare = torso(ProtocolOptions()).prepare
    return prepare(Performance(entry.name, "", real, ())).real.skeleton.names


def _parts(
    rows: Sequence[Row], manifest: Manifest, records: Path, out: Path, minutes: Sequence[float]
) -> dict[str, Part]:
    """Returns the records of each training, of which those of few minutes are written."""
    if not minutes:
        return {row.training: Part(records, (option("data.records", records),)) for row in rows}
    parts = {}
    for count in minutes:
        folder = out / f"records_{count:g}min"
        write_minutes(manifest, records, folder, count)
        part = Part(folder, (option("data.records", folder),))
        parts |= {r.training: part for r in rows if r.training.endswith(f"-{count:g}min")}
    return parts


def _tabulated(plan: Plan, manifest: Manifest, *, command: str) -> HeadTable:
    protocol, measures = open_measures(plan.embedding, plan.alignment)
    held_out = manifest.clips_of("validation")
    runs = next(iter(plan.runs.values()))
    measured = {
        row.name: {
            run.seed: read_measured(plan.measured(row, run))[1] for run in plan.runs[row.name]
        }
        for row in plan.rows
    }
    return tabulate(
        *(plan.rows, measured, measures, [clip.name for clip in held_out]),
        samples=plan.samples,
        settings={
            "command": command,
            "seeds": len(runs),
            "steps": runs[0].config()[0].training.steps,
            "samples": plan.samples,
            "clips": len(held_out),
            "minutes": sum(clip.num_frames for clip in held_out) / manifest.fps / 60,
            "records": manifest.content_hash,
            **dict(protocol.settings),
            **versions(),
        },
        notes=[f"not measured: {lacking}" for lacking in protocol.lacks],
    )


def _write(table: HeadTable, out: Path) -> list[Path]:
    write_text(out / "table.md", markdown(table))
    draw_heads(out / "heads.png", table)
    write_json(out / RESULT, {"written_by": PROGRAM, "finished": True, **plain(table)})
    return [out / name for name in ("table.md", RESULT, "heads.png")]


def _require_own(out: Path) -> None:
    """Refuses a file, and a folder with another program's table.

    Raises:
        UserError: When it is one.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out} is a file; name a folder")
    if not (out / RESULT).exists():
        return
    try:
        tree = json.loads((out / RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        tree = None
    if not isinstance(tree, Mapping) or tree.get("written_by") != PROGRAM:
        raise UserError(
            f"--out {out} holds a {RESULT} that {PROGRAM} did not write; choose another --out"
        )


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        epilog=EPILOG.format(rows=", ".join(ROWS)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", default="demo", help="default: %(default)s")
    parser.add_argument(
        "--rows", metavar="LIST", help="parted by commas; default: all that can be had"
    )
    parser.add_argument(
        "--set",
        dest="overrides",
        nargs="+",
        action="extend",
        default=[],
        metavar="section.key=value",
        help="options for all rows",
    )
    whole = {"type": int, "metavar": "N"}
    parser.add_argument(
        "--seeds", default=1, help="networks of each training; default: %(default)s", **whole
    )
    parser.add_argument(
        "--samples", default=3, help="motions of each clip; default: %(default)s", **whole
    )
    parser.add_argument(
        "--jobs", default=1, help="processes at once; default: %(default)s", **whole
    )
    parser.add_argument(
        "--alignment", type=Path, metavar="FILE", help="of fit-alignment, for the matched score"
    )
    parser.add_argument(
        "--embedding", type=Path, metavar="FILE", help="of fit-embedding; default: fitted here"
    )
    parser.add_argument("--start-from", metavar="RUN", help="run that `pre-trained` starts from")
    parser.add_argument(
        "--minutes",
        type=float,
        nargs="+",
        default=[],
        metavar="N",
        help="a curve: rows (regression and flow-2) of so many minutes of the training clips",
    )
    parser.add_argument(
        "--films", action="store_true", help="film real, regression, gain and flow in a row"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("outputs/heads"),
        metavar="DIR",
        help="default: %(default)s",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
